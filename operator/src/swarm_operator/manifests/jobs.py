"""The Job of one work item, or of several that hold accelerators: Indexed then, and one pod at a time for each.

Retries are the engine's: one pod per item and attempt (`backoffLimit` 0), so an attempt that failed is a Job that
failed. What the cluster ends itself, and what drained on SIGTERM, the Job replaces and counts nowhere
(`podFailurePolicy`). A replacement starts only when its forerunner is known to be over (`podReplacementPolicy`).

A Job has no TTL: its pod keeps the receipt until the operator has it in the status and deletes the Job.
"""

from swarm_core.engine.container_contract import EXIT_BAD_INPUT, EXIT_DRAINED, ITEMS_VARIABLE
from swarm_core.engine.work import WorkItem
from swarm_operator.common import accelerators, names
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Create, Object
from swarm_operator.manifests import pods, shared_objects
from swarm_operator.manifests.pods import Container

GRACE_SECONDS = 60
"""From SIGTERM to SIGKILL. A verb publishes as it goes and drains at once; the rest is for a slow disk."""


def create_steps(order: ClusterRun, items: tuple[WorkItem, ...]) -> tuple[Create, ...]:
    """The Job for `items`, of one kind and attempt, and before it what it rests on."""
    return (shared_objects.config_map(order), *shared_objects.cache_claim(order), Create(job(order, items)))


def job(order: ClusterRun, items: tuple[WorkItem, ...]) -> Object:
    """The Job for `items`."""
    first = items[0]
    about = shared_objects.child_metadata(
        order, names.job_name(order.base, items), str(first.kind), job_labels(order, first)
    )
    annotations = {names.ITEMS_ANNOTATION: names.join_keys(items)}
    own = names.child_labels(order.name, order.uid, str(first.kind)) | {names.ATTEMPT_LABEL: str(first.attempt)}
    spec = {
        **(_indexed_job_spec(order, len(items)) if first.needs.accelerator else {"backoffLimit": 0}),
        "podReplacementPolicy": "Failed",
        # Bad input of one item must not end its siblings, which the engine may yet want.
        "podFailurePolicy": pod_failure_policy("FailIndex" if first.needs.accelerator else "FailJob"),
        "template": job_pod_template(order, container(order, items), own, annotations, GRACE_SECONDS),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**about, "annotations": annotations},
        "spec": spec,
    }


def job_labels(order: ClusterRun, item: WorkItem) -> dict[str, str]:
    """The labels of a Job beside those of every child."""
    return {names.ATTEMPT_LABEL: str(item.attempt), **shared_objects.queue_labels(order)}


def _indexed_job_spec(order: ClusterRun, count: int) -> dict[str, object]:
    return {
        "completionMode": "Indexed",
        "completions": count,
        "parallelism": accelerators.parallelism(order.cluster, count),
        "backoffLimitPerIndex": 0,
    }


def pod_failure_policy(hopeless: str) -> Object:
    """What a pod's failure does: the first rule that fits decides; `hopeless` is what bad input is answered by."""
    rules = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "Ignore", "onExitCodes": {"containerName": "main", "operator": "In", "values": [EXIT_DRAINED]}},
        {"action": hopeless, "onExitCodes": {"containerName": "main", "operator": "In", "values": [EXIT_BAD_INPUT]}},
    ]
    return {"rules": rules}


def job_pod_template(order: ClusterRun, container: Container, own: Object, annotations: Object, grace: int) -> Object:
    """The pods of a Job: each ends once, and has `grace` seconds to."""
    return pods.pod_template(
        order, container, own, annotations, restartPolicy="Never", terminationGracePeriodSeconds=grace
    )


def container(order: ClusterRun, items: tuple[WorkItem, ...]) -> Container:
    """The container that carries an item out; of several, each pod its own."""
    first, cluster = items[0], order.cluster
    heavy = accelerators.is_heavy(cluster, first.needs)
    asked = cluster.trainer if heavy else cluster.worker
    shared: tuple[Object, ...] = ()
    if first.needs.accelerator:
        shared = ({"name": ITEMS_VARIABLE, "value": names.join_keys(items)},)
    return Container(
        image=order.trainer_image,
        command=("python", "-m", "swarm_trainer.pod", "work"),
        arguments=(
            "--order",
            f"{pods.ORDER_FOLDER}/{shared_objects.ORDER_FILE}",
            "--item",
            first.to_json(),
            "--cache",
            pods.CACHE_FOLDER,
        ),
        cpu=asked.cpu,
        memory=asked.memory,
        accelerators=cluster.trainer.accelerators if heavy else 0,
        env=(*shared, *pods.server_variables(order, first.needs.servers)),
    )
