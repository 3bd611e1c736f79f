"""Builds the Job that deletes the results of a run from its bucket.

The Job has no owner reference. Foreground deletion of a run deletes its dependents first, and would delete this Job and
the ConfigMap with the order. So the bucket stands on the command line, the pod mounts nothing of the run, and the
operator deletes the Job. `ttlSecondsAfterFinished` deletes it if the operator does not.
"""

from swarm_core.api.execution import S3Storage
from swarm_operator.common import names
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Object
from swarm_operator.manifests import jobs, shared_objects
from swarm_operator.manifests.pods import Container

BACKOFF_LIMIT = 3
"""Pods of the Job that may fail. A pod itself retries for minutes before it reports that the store is unreachable."""
TTL_SECONDS = 600
GRACE_SECONDS = 10


def job(run: ClusterRun, bucket: S3Storage) -> Object:
    """Return the Job."""
    name, attempt = f"{run.name_prefix}-{names.PURGE}", {names.ATTEMPT_LABEL: "1"}
    metadata = dict(shared_objects.child_metadata(run, name, names.PURGE, attempt))
    del metadata["ownerReferences"]
    labels = names.child_labels(run.name, run.uid, names.PURGE) | attempt
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": BACKOFF_LIMIT,
            "ttlSecondsAfterFinished": TTL_SECONDS,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": jobs.pod_failure_policy("FailJob"),
            "template": jobs.job_pod_template(run, container(run, bucket), labels, {}, GRACE_SECONDS),
        },
    }


def container(run: ClusterRun, bucket: S3Storage) -> Container:
    """The container that deletes the results."""
    settings = run.cluster.worker
    return Container(
        image=run.trainer_image,
        command=("python", "-m", "swarm_trainer.pod", "purge"),
        arguments=("--place", bucket.model_dump_json()),
        resources=settings,
        accelerators=0,
        without_order=True,
    )
