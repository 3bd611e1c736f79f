"""The Job that deletes what a run keeps in its bucket.

It has no owner. A run that is deleted in the foreground takes its children with it before itself, this Job and the
order in its ConfigMap among them; so the place stands on the command line, the pod mounts nothing of the run, and the
operator deletes the Job. Should the operator die between the two, the Job's time after its end is bounded.
"""

from swarm_core.api.execution import S3Storage
from swarm_operator.common import names
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Object
from swarm_operator.manifests import jobs, shared_objects
from swarm_operator.manifests.pods import Container

BACKOFF_LIMIT = 3
"""Pods that may fail: what cannot be reached for minutes is said to be out of reach by one of them."""
TTL_SECONDS = 600
GRACE_SECONDS = 10


def job(run: ClusterRun, bucket: S3Storage) -> Object:
    """The Job."""
    metadata = dict(
        shared_objects.child_metadata(run, f"{run.name_prefix}-{names.PURGE}", names.PURGE, {names.ATTEMPT_LABEL: "1"})
    )
    del metadata["ownerReferences"]
    labels = names.child_labels(run.name, run.uid, names.PURGE) | {names.ATTEMPT_LABEL: "1"}
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
    """The container that deletes."""
    settings = run.cluster.worker
    return Container(
        image=run.trainer_image,
        command=("python", "-m", "swarm_trainer.pod", "purge"),
        arguments=("--place", bucket.model_dump_json()),
        cpu=settings.cpu,
        memory=settings.memory,
        accelerators=0,
        without_order=True,
    )
