"""Builds the pods of Jobs and servers, for Pod Security `restricted`: read-only root filesystem, no API server token.

Containers write to folders that are deleted with the pod: `/tmp`, which is also HOME, the cache, and `/dev/shm` in
memory. If the run has a claim for the model cache, the cache is that claim and outlives the pod. All of them are
writable for any user, so a cluster may assign the user of the pods.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from swarm_core.api.pod_resources import Servers, TrainerPods, WorkerPods
from swarm_operator.common import names
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Object
from swarm_operator.manifests import pod_environment, shared_objects

ORDER_FOLDER, CACHE_FOLDER = "/etc/dataswarm", "/var/cache/dataswarm"


@dataclass(frozen=True, slots=True)
class Container:
    """The parts of a container that differ between pods."""

    image: str
    command: tuple[str, ...]
    arguments: tuple[str, ...]
    resources: TrainerPods | WorkerPods | Servers
    """The requests and limits of the pod."""
    accelerators: int
    env: tuple[Object, ...] = ()
    extra: Mapping[str, object] | None = None
    """More fields of the container: probes and ports."""
    without_order: bool = False
    """Whether the container mounts neither the order nor the cache of the run."""


def pod_template(run: ClusterRun, container: Container, labels: Object, annotations: Object, **spec: object) -> Object:
    """The pod template with one container; `spec` holds further fields of the pod spec."""
    settings = run.cluster.pod_template
    metadata = {"labels": {**settings.labels, **labels}, "annotations": {**settings.annotations, **annotations}}
    return {"metadata": metadata, "spec": {**_pod_spec(run, container), **spec}}


def _pod_spec(run: ClusterRun, container: Container) -> dict[str, object]:
    settings = run.cluster.pod_template
    optional = {
        "nodeSelector": dict(settings.node_selector),
        "tolerations": [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in settings.tolerations],
        "affinity": settings.affinity,
        "topologySpreadConstraints": list(settings.topology_spread_constraints),
        "priorityClassName": settings.priority_class_name,
        "runtimeClassName": settings.runtime_class_name,
        "imagePullSecrets": [{"name": one.name} for one in settings.image_pull_secrets],
        "serviceAccountName": run.cluster.service_account_name,
    }
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            **(run.user.model_dump(by_alias=True) if run.user else {}),
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container_spec(run, container)],
        "volumes": _volumes(run, container),
        **{name: value for name, value in optional.items() if value},
    }


def _container_spec(run: ClusterRun, container: Container) -> dict[str, object]:
    return {
        "name": names.MAIN_CONTAINER,
        "image": container.image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(container.command),
        "args": list(container.arguments),
        "env": pod_environment.list_variables(run, container.env),
        "resources": _resources(run, container),
        "volumeMounts": [
            *([] if container.without_order else RUN_MOUNTS),
            *pod_environment.ca_mounts(run),
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - an emptyDir of this pod
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108
        ],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **(container.extra or {}),
    }


def _resources(run: ClusterRun, container: Container) -> dict[str, object]:
    settings = container.resources
    requests: dict[str, object] = {"cpu": settings.cpu, "memory": settings.memory}
    limits: dict[str, object] = {"memory": settings.memory}
    if settings.cpu_limit is not None:
        limits["cpu"] = settings.cpu_limit
    if settings.ephemeral_storage is not None:
        requests["ephemeral-storage"] = limits["ephemeral-storage"] = settings.ephemeral_storage
    if container.accelerators:
        limits[run.cluster.accelerator_resource] = str(container.accelerators)
    return {"requests": requests, "limits": limits}


RUN_MOUNTS = (
    {"name": "order", "mountPath": ORDER_FOLDER, "readOnly": True},
    {"name": "cache", "mountPath": CACHE_FOLDER},
)
"""Mounts that all pods of a run share."""


def _volumes(run: ClusterRun, container: Container) -> list[Object]:
    name = shared_objects.cache_claim_name(run)
    cache: dict[str, object] = {"persistentVolumeClaim": {"claimName": name}} if name else {"emptyDir": {}}
    shared: list[Object] = [
        {"name": "order", "configMap": {"name": shared_objects.config_map_name(run)}},
        {"name": "cache", **cache},
    ]
    return [
        *([] if container.without_order else shared),
        *pod_environment.ca_volumes(run),
        {"name": "tmp", "emptyDir": {}},
        {"name": "shm", "emptyDir": {"medium": "Memory"}},
    ]
