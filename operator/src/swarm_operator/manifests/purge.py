"""The Job that deletes what a run keeps in its bucket.

It has no owner. A run that is deleted in the foreground takes its children with it before itself, this Job and the
order in its ConfigMap among them; so the place stands on the command line, the pod mounts nothing of the run, and the
operator deletes the Job. Should the operator die between the two, the Job's time after its end is bounded.
"""

from swarm_core.api.execution import S3Storage
from swarm_operator import names
from swarm_operator.manifests import jobs, objects
from swarm_operator.manifests.pods import Container
from swarm_operator.orders import Order
from swarm_operator.plan import Object

TRIES = 3
"""Pods that may fail: what cannot be reached for minutes is said to be out of reach by one of them."""
KEPT_SECONDS = 600
GRACE_SECONDS = 10


def job(order: Order, bucket: S3Storage) -> Object:
    """The Job."""
    about = dict(objects.metadata(order, f"{order.base}-{names.PURGE}", names.PURGE, {names.ATTEMPT: "1"}))
    del about["ownerReferences"]
    own = names.labels(order.name, order.uid, names.PURGE) | {names.ATTEMPT: "1"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": about,
        "spec": {
            "backoffLimit": TRIES,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": jobs.failures("FailJob"),
            "template": jobs.ended(order, container(order, bucket), own, {}, GRACE_SECONDS),
        },
    }


def container(order: Order, bucket: S3Storage) -> Container:
    """The container that deletes."""
    asked = order.cluster.worker
    return Container(
        image=order.trainer_image,
        command=("python", "-m", "swarm_trainer.pod", "purge"),
        arguments=("--place", bucket.model_dump_json()),
        cpu=asked.cpu,
        memory=asked.memory,
        accelerators=0,
        bare=True,
    )
