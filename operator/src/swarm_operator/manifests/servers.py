"""The inference servers of a run: for each distinct base model a Deployment and a Service, and one key for all.

`Recreate`, because a server and its successor would both want the same accelerators. A pod is not ready before /health
answers, which is when its model is loaded; the startup probe gives that as long as the run says and then ends it.
"""

import json
from math import ceil

from swarm_operator.common import names
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Create, Object
from swarm_operator.manifests import pods, shared_objects
from swarm_operator.manifests.pods import Container

PROBE_SECONDS = 5
GRACE_SECONDS = 30
"""From SIGTERM to SIGKILL, for answers on their way."""


def dependency_steps(order: ClusterRun) -> tuple[Create, ...]:
    """What servers rest on, and how they are found: order, key, cache, Services."""
    services = tuple(Create(service(order, index)) for index in range(len(order.outline.servers)))
    return (
        shared_objects.config_map(order),
        shared_objects.server_secret(order),
        *shared_objects.cache_claim(order),
        *services,
    )


def deployments(order: ClusterRun) -> tuple[Object, ...]:
    """The Deployments, at their full size."""
    return tuple(deployment(order, index, model) for index, model in enumerate(order.outline.servers))


def deployment(order: ClusterRun, index: int, model: str) -> Object:
    """The servers of one base model."""
    own = {names.SERVER_LABEL: str(index)}
    labels = names.child_labels(order.name, order.uid, names.SERVE) | own | shared_objects.queue_labels(order)
    grace = {"terminationGracePeriodSeconds": GRACE_SECONDS}
    spec = {
        "strategy": {"type": "Recreate"},
        "progressDeadlineSeconds": order.cluster.servers.startup_seconds + PROBE_SECONDS,
        "revisionHistoryLimit": 1,
        "selector": {"matchLabels": {names.RUN_UID_LABEL: order.uid} | own},
        "template": pods.pod_template(order, _server_container(order, model), labels, {}, **grace),
    }
    about = shared_objects.child_metadata(
        order, pods.service_name(order, index), names.SERVE, own | shared_objects.queue_labels(order)
    )
    digest = names.short_digest(json.dumps(spec, sort_keys=True))
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**about, "annotations": {names.SERVERS_ANNOTATION: digest}},
        "spec": {"replicas": order.cluster.servers.replicas, **spec},
    }


def service(order: ClusterRun, index: int) -> Object:
    """The address of the servers of one base model."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": shared_objects.child_metadata(order, pods.service_name(order, index), names.SERVE),
        "spec": {
            "selector": {names.RUN_UID_LABEL: order.uid, names.SERVER_LABEL: str(index)},
            "ports": [{"name": "http", "port": pods.PORT, "targetPort": pods.PORT}],
        },
    }


def _server_container(order: ClusterRun, model: str) -> Container:
    asked = order.cluster.servers
    health = {"httpGet": {"path": "/health", "port": pods.PORT}, "periodSeconds": PROBE_SECONDS, "timeoutSeconds": 3}
    return Container(
        image=order.server_image,
        command=("python", "-m", "swarm_trainer.pod", "serve"),
        arguments=(
            "--order",
            f"{pods.ORDER_FOLDER}/{shared_objects.ORDER_FILE}",
            "--model",
            model,
            "--cache",
            pods.CACHE_FOLDER,
            "--port",
            str(pods.PORT),
        ),
        cpu=asked.cpu,
        memory=asked.memory,
        accelerators=asked.held,
        env=(pods.server_key_variable(order),),
        extra={
            "ports": [{"name": "http", "containerPort": pods.PORT}],
            "startupProbe": {**health, "failureThreshold": ceil(asked.startup_seconds / PROBE_SECONDS)},
            "readinessProbe": {**health, "failureThreshold": 3},
        },
    )
