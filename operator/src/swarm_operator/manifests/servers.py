"""The inference servers of a run: for each distinct base model a Deployment and a Service, and one key for all.

`Recreate`, because a server and its successor would both want the same accelerators. A pod is not ready before /health
answers, which is when its model is loaded; the startup probe gives that as long as the run says and then ends it.
"""

import json
from math import ceil

from swarm_operator import names, peak
from swarm_operator.manifests import objects, pods
from swarm_operator.manifests.pods import Container
from swarm_operator.orders import Order
from swarm_operator.plan import Create, Object

PROBE_SECONDS = 5
GRACE_SECONDS = 30
"""From SIGTERM to SIGKILL, for answers on their way."""


def supports(order: Order) -> tuple[Create, ...]:
    """What servers rest on, and how they are found: order, key, cache, Services."""
    services = tuple(Create(service(order, index)) for index in range(len(peak.bases(order.resolved))))
    return (objects.config(order), objects.key(order), *objects.claim(order), *services)


def deployments(order: Order) -> tuple[Object, ...]:
    """The Deployments, at their full size."""
    return tuple(deployment(order, index, model) for index, model in enumerate(peak.bases(order.resolved)))


def deployment(order: Order, index: int, model: str) -> Object:
    """The servers of one base model."""
    own = {names.SERVER: str(index)}
    labels = names.labels(order.name, order.uid, names.SERVE) | own | objects.queue(order)
    grace = {"terminationGracePeriodSeconds": GRACE_SECONDS}
    spec = {
        "strategy": {"type": "Recreate"},
        "progressDeadlineSeconds": order.cluster.servers.startup_seconds + PROBE_SECONDS,
        "revisionHistoryLimit": 1,
        "selector": {"matchLabels": {names.RUN_UID: order.uid} | own},
        "template": pods.template(order, _container(order, model), labels, {}, **grace),
    }
    about = objects.metadata(order, pods.service_name(order, index), names.SERVE, own | objects.queue(order))
    digest = names.short(json.dumps(spec, sort_keys=True))
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**about, "annotations": {names.SERVERS_DIGEST: digest}},
        "spec": {"replicas": order.cluster.servers.replicas, **spec},
    }


def service(order: Order, index: int) -> Object:
    """The address of the servers of one base model."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": objects.metadata(order, pods.service_name(order, index), names.SERVE),
        "spec": {
            "selector": {names.RUN_UID: order.uid, names.SERVER: str(index)},
            "ports": [{"name": "http", "port": pods.PORT, "targetPort": pods.PORT}],
        },
    }


def _container(order: Order, model: str) -> Container:
    asked = order.cluster.servers
    health = {"httpGet": {"path": "/health", "port": pods.PORT}, "periodSeconds": PROBE_SECONDS, "timeoutSeconds": 3}
    return Container(
        image=order.server_image,
        command=("python", "-m", "swarm_trainer.pod", "serve"),
        arguments=(
            "--order",
            f"{pods.ORDERS}/{objects.ORDER_FILE}",
            "--model",
            model,
            "--cache",
            pods.CACHE,
            "--port",
            str(pods.PORT),
        ),
        cpu=asked.cpu,
        memory=asked.memory,
        accelerators=asked.held,
        env=(pods.server_key(order),),
        extra={
            "ports": [{"name": "http", "containerPort": pods.PORT}],
            "startupProbe": {**health, "failureThreshold": ceil(asked.startup_seconds / PROBE_SECONDS)},
            "readinessProbe": {**health, "failureThreshold": 3},
        },
    )
