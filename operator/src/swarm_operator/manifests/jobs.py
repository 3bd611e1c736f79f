"""The Job of one work item, or of several seeds: Indexed then, and one pod at a time for each.

Retries are the engine's: one pod per item and attempt (`backoffLimit` 0), so an attempt that failed is a Job that
failed. What the cluster ends itself, and what drained on SIGTERM, the Job replaces and counts nowhere
(`podFailurePolicy`). A replacement starts only when its forerunner is known to be over (`podReplacementPolicy`).

A Job has no TTL: its pod keeps the receipt until the operator has it in the status and deletes the Job.
"""

from swarm_core.engine.container import BAD_INPUT, DRAINED, ITEMS
from swarm_core.engine.work import Kind, WorkItem
from swarm_operator import names, peak
from swarm_operator.manifests import objects, pods
from swarm_operator.manifests.pods import Container
from swarm_operator.orders import Order
from swarm_operator.plan import Create, Object

GRACE_SECONDS = 60
"""From SIGTERM to SIGKILL. A verb publishes as it goes and drains at once; the rest is for a slow disk."""


def needed(order: Order, items: tuple[WorkItem, ...]) -> tuple[Create, ...]:
    """The Job for `items`, of one kind and attempt, and before it what it rests on."""
    return (objects.config(order), *objects.claim(order), Create(job(order, items)))


def job(order: Order, items: tuple[WorkItem, ...]) -> Object:
    """The Job for `items`."""
    first = items[0]
    about = objects.metadata(order, names.job(order.base, items), str(first.kind), labels(order, first))
    annotations = {names.ITEMS: names.keys(items)}
    own = names.labels(order.name, order.uid, str(first.kind)) | {names.ATTEMPT: str(first.attempt)}
    spec = {
        **(_seeds(order, len(items)) if first.kind is Kind.SEED else {"backoffLimit": 0}),
        "podReplacementPolicy": "Failed",
        # Bad input of one seed must not end its siblings, which the engine may yet want.
        "podFailurePolicy": failures("FailIndex" if first.kind is Kind.SEED else "FailJob"),
        "template": ended(order, container(order, items), own, annotations, GRACE_SECONDS),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**about, "annotations": annotations},
        "spec": spec,
    }


def labels(order: Order, item: WorkItem) -> dict[str, str]:
    """The labels of a Job beside those of every child."""
    return {names.ATTEMPT: str(item.attempt), **objects.queue(order)}


def _seeds(order: Order, count: int) -> dict[str, object]:
    return {
        "completionMode": "Indexed",
        "completions": count,
        "parallelism": peak.parallelism(order.resolved, count),
        "backoffLimitPerIndex": 0,
    }


def failures(hopeless: str) -> Object:
    """What a pod's failure does: the first rule that fits decides; `hopeless` is what bad input is answered by."""
    rules = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "Ignore", "onExitCodes": {"containerName": "main", "operator": "In", "values": [DRAINED]}},
        {"action": hopeless, "onExitCodes": {"containerName": "main", "operator": "In", "values": [BAD_INPUT]}},
    ]
    return {"rules": rules}


def ended(order: Order, container: Container, own: Object, annotations: Object, grace: int) -> Object:
    """The pods of a Job: each ends once, and has `grace` seconds to."""
    return pods.template(order, container, own, annotations, restartPolicy="Never", terminationGracePeriodSeconds=grace)


def container(order: Order, items: tuple[WorkItem, ...]) -> Container:
    """The container that carries an item out; of several, each pod its own."""
    first, cluster = items[0], order.cluster
    alone = not peak.served(cluster)
    heavy = first.kind is Kind.SEED or (alone and first.kind is not Kind.PREPARE)
    asked = cluster.trainer if heavy else cluster.worker
    seeds: tuple[Object, ...] = ()
    if first.kind is Kind.SEED:
        seeds = ({"name": ITEMS, "value": names.keys(items)},)
    asking = pods.server_variables(order) if first.kind in peak.ASKING else ()
    return Container(
        image=order.trainer_image,
        command=("python", "-m", "swarm_trainer.pod", "work"),
        arguments=(
            "--order",
            f"{pods.ORDERS}/{objects.ORDER_FILE}",
            "--item",
            first.to_json(),
            "--cache",
            pods.CACHE,
        ),
        cpu=asked.cpu,
        memory=asked.memory,
        accelerators=cluster.trainer.accelerators if heavy else 0,
        env=(*seeds, *asking),
    )
