"""Builds the inference servers of a run: a Deployment and a Service for each distinct base model, and one API key for
all.

The strategy is `Recreate`, because an old and a new server would need the same accelerators. A pod is ready once
`/health` answers, which is after its model has loaded. The startup probe restarts the container if that takes longer
than `startupSeconds`.
"""

import json
from math import ceil

from swarm_operator.common import names
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Create, Object
from swarm_operator.manifests import pod_environment, pods, shared_objects
from swarm_operator.manifests.pods import Container

PROBE_SECONDS = 5
GRACE_SECONDS = 30
"""Seconds from SIGTERM to SIGKILL. The server finishes open requests in that time."""


def dependency_steps(run: ClusterRun) -> tuple[Create, ...]:
    """Create the objects that servers need first: the order, the API key, the cache and the Services."""
    services = tuple(Create(service(run, index)) for index in range(len(run.outline.servers)))
    return (
        shared_objects.config_map(run),
        shared_objects.server_secret(run),
        *shared_objects.cache_claim(run),
        *services,
    )


def deployments(run: ClusterRun) -> tuple[Object, ...]:
    """The Deployments with all their replicas."""
    return tuple(deployment(run, index, model) for index, model in enumerate(run.outline.servers))


def deployment(run: ClusterRun, index: int, model: str) -> Object:
    """The Deployment for one base model."""
    server_label = {names.SERVER_LABEL: str(index)}
    labels = names.child_labels(run.name, run.uid, names.SERVE) | server_label | shared_objects.queue_labels(run)
    grace = {"terminationGracePeriodSeconds": GRACE_SECONDS}
    spec = {
        "strategy": {"type": "Recreate"},
        "progressDeadlineSeconds": run.cluster.servers.startup_seconds + PROBE_SECONDS,
        "revisionHistoryLimit": 1,
        "selector": {"matchLabels": {names.RUN_UID_LABEL: run.uid} | server_label},
        "template": pods.pod_template(run, _server_container(run, model), labels, {}, **grace),
    }
    metadata = shared_objects.child_metadata(
        run, pod_environment.service_name(run, index), names.SERVE, server_label | shared_objects.queue_labels(run)
    )
    digest = names.short_digest(json.dumps(spec, sort_keys=True))
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**metadata, "annotations": {names.SERVERS_ANNOTATION: digest}},
        "spec": {"replicas": run.cluster.servers.replicas, **spec},
    }


def service(run: ClusterRun, index: int) -> Object:
    """The Service for one base model."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": shared_objects.child_metadata(run, pod_environment.service_name(run, index), names.SERVE),
        "spec": {
            "selector": {names.RUN_UID_LABEL: run.uid, names.SERVER_LABEL: str(index)},
            "ports": [{"name": "http", "port": pod_environment.PORT, "targetPort": pod_environment.PORT}],
        },
    }


def _server_container(run: ClusterRun, model: str) -> Container:
    settings = run.cluster.servers
    health = {
        "httpGet": {"path": "/health", "port": pod_environment.PORT},
        "periodSeconds": PROBE_SECONDS,
        "timeoutSeconds": 3,
    }
    return Container(
        image=run.server_image,
        command=("python", "-m", "swarm_trainer.pod", "serve"),
        arguments=(
            "--order",
            f"{pods.ORDER_FOLDER}/{shared_objects.ORDER_FILE}",
            "--model",
            model,
            "--cache",
            pods.CACHE_FOLDER,
            "--port",
            str(pod_environment.PORT),
        ),
        resources=settings,
        accelerators=settings.held,
        env=(pod_environment.server_key_variable(run),),
        extra={
            "ports": [{"name": "http", "containerPort": pod_environment.PORT}],
            "startupProbe": {**health, "failureThreshold": ceil(settings.startup_seconds / PROBE_SECONDS)},
            "readinessProbe": {**health, "failureThreshold": 3},
        },
    )
