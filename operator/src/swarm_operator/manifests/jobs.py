"""Builds the Job of a work item, or the Indexed Job of several items that hold accelerators.

The engine makes the retries: `backoffLimit` is 0, so a failed attempt is a failed Job. The Job itself replaces a pod
that the cluster ended or that drained on SIGTERM, and does not count it (`podFailurePolicy`). A replacement starts only
after the earlier pod has ended (`podReplacementPolicy`).

A Job has no TTL. Its pod keeps the receipt until the operator has written it to the status and deletes the Job.
"""

from swarm_core.engine.container_contract import EXIT_BAD_INPUT, EXIT_DRAINED, ITEMS_VARIABLE
from swarm_core.engine.work import WorkItem
from swarm_operator.common import accelerators, names
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Create, Object
from swarm_operator.manifests import pod_environment, pods, shared_objects
from swarm_operator.manifests.pods import Container

GRACE_SECONDS = 60
"""Seconds from SIGTERM to SIGKILL.

A step publishes as it goes and drains at once; the rest is a reserve for a slow disk.
"""


def create_steps(run: ClusterRun, items: tuple[WorkItem, ...]) -> tuple[Create, ...]:
    """Create the Job for `items`, which have one kind and one attempt. The objects that it mounts come first."""
    return (shared_objects.config_map(run), *shared_objects.cache_claim(run), Create(job(run, items)))


def job(run: ClusterRun, items: tuple[WorkItem, ...]) -> Object:
    """The Job for `items`."""
    first = items[0]
    metadata = shared_objects.child_metadata(
        run, names.job_name(run.name_prefix, items), str(first.kind), job_labels(run, first)
    )
    annotations = {names.ITEMS_ANNOTATION: names.join_keys(items)}
    labels = names.child_labels(run.name, run.uid, str(first.kind)) | {names.ATTEMPT_LABEL: str(first.attempt)}
    spec = {
        **(_indexed_job_spec(run, len(items)) if first.needs.accelerator else {"backoffLimit": 0}),
        "podReplacementPolicy": "Failed",
        # Bad input of one item fails its index only: the engine may still need the other items of the Job.
        "podFailurePolicy": pod_failure_policy("FailIndex" if first.needs.accelerator else "FailJob"),
        "template": job_pod_template(run, container(run, items), labels, annotations, GRACE_SECONDS),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**metadata, "annotations": annotations},
        "spec": spec,
    }


def job_labels(run: ClusterRun, item: WorkItem) -> dict[str, str]:
    """The labels of a Job that not every child has."""
    return {names.ATTEMPT_LABEL: str(item.attempt), **shared_objects.queue_labels(run)}


def _indexed_job_spec(run: ClusterRun, count: int) -> dict[str, object]:
    return {
        "completionMode": "Indexed",
        "completions": count,
        "parallelism": accelerators.parallelism(run.cluster, count),
        "backoffLimitPerIndex": 0,
    }


def pod_failure_policy(bad_input_action: str) -> Object:
    """The pod failure policy of a Job; the first rule that matches decides.

    `bad_input_action` is the action for bad input.
    """
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {"action": "Ignore", "onExitCodes": _exit_code_in(EXIT_DRAINED)},
            {"action": bad_input_action, "onExitCodes": _exit_code_in(EXIT_BAD_INPUT)},
        ]
    }


def _exit_code_in(*codes: int) -> Object:
    return {"containerName": names.MAIN_CONTAINER, "operator": "In", "values": list(codes)}


def job_pod_template(run: ClusterRun, container: Container, labels: Object, annotations: Object, grace: int) -> Object:
    """The pod template of a Job. Its pods never restart their container and get `grace` seconds to end."""
    return pods.pod_template(
        run, container, labels, annotations, restartPolicy="Never", terminationGracePeriodSeconds=grace
    )


def container(run: ClusterRun, items: tuple[WorkItem, ...]) -> Container:
    """The container for `items`. Each pod of a shared Job finds its own item by its completion index."""
    first, cluster = items[0], run.cluster
    with_trainer_resources = accelerators.needs_trainer_resources(cluster, first.needs)
    settings = cluster.trainer if with_trainer_resources else cluster.worker
    shared: tuple[Object, ...] = ()
    if first.needs.accelerator:
        shared = ({"name": ITEMS_VARIABLE, "value": names.join_keys(items)},)
    return Container(
        image=run.trainer_image,
        command=("python", "-m", "swarm_trainer.pod", "work"),
        arguments=(
            "--order",
            f"{pods.ORDER_FOLDER}/{shared_objects.ORDER_FILE}",
            "--item",
            first.to_json(),
            "--cache",
            pods.CACHE_FOLDER,
        ),
        resources=settings,
        accelerators=cluster.trainer.accelerators if with_trainer_resources else 0,
        env=(*shared, *pod_environment.server_variables(run, first.needs.servers)),
    )
