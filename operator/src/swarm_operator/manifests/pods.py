"""Builds the pods of Jobs and servers, for Pod Security `restricted`: read-only root filesystem, no API server token.

Containers write to folders that are deleted with the pod: `/tmp`, which is also HOME, the cache, and `/dev/shm` in
memory. If the run has a claim for the model cache, the cache is that claim and outlives the pod.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from swarm_core.api import endpoint_access
from swarm_core.api.execution import S3Storage
from swarm_core.engine.container_contract import SERVER_KEY_VARIABLE, SERVERS_VARIABLE
from swarm_operator.common import names
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Object
from swarm_operator.manifests import shared_objects

USER_ID = 65532
"""The user of our images."""
PORT = 8000
ORDER_FOLDER, CACHE_FOLDER = "/etc/dataswarm", "/var/cache/dataswarm"
CREDENTIAL_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
HUB_TOKEN = "HF_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Container:
    """The parts of a container that differ between pods."""

    image: str
    command: tuple[str, ...]
    arguments: tuple[str, ...]
    cpu: str
    memory: str
    accelerators: int
    env: tuple[Object, ...] = ()
    extra: Mapping[str, object] | None = None
    """More fields of the container: probes and ports."""
    without_order: bool = False
    """Whether the container mounts neither the order nor the cache of the run."""


def pod_template(run: ClusterRun, container: Container, labels: Object, annotations: Object, **spec: object) -> Object:
    """The pod template with one container; `spec` holds further fields of the pod spec."""
    metadata = {"labels": dict(labels), "annotations": dict(annotations)}
    return {"metadata": metadata, "spec": {**_pod_spec(run, container), **spec}}


def _pod_spec(run: ClusterRun, container: Container) -> dict[str, object]:
    settings = run.cluster.pod_template
    optional = {
        "nodeSelector": dict(settings.node_selector),
        "tolerations": [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in settings.tolerations],
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
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container_spec(run, container)],
        "volumes": _volumes(run, container),
        **{name: value for name, value in optional.items() if value},
    }


def _container_spec(run: ClusterRun, container: Container) -> dict[str, object]:
    limits: dict[str, object] = {"memory": container.memory}
    if container.accelerators:
        limits[run.cluster.accelerator_resource] = str(container.accelerators)
    return {
        "name": "main",
        "image": container.image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(container.command),
        "args": list(container.arguments),
        "env": _environment(run, container),
        "resources": {"requests": {"cpu": container.cpu, "memory": container.memory}, "limits": limits},
        "volumeMounts": [
            *([] if container.without_order else RUN_MOUNTS),
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


RUN_MOUNTS = (
    {"name": "order", "mountPath": ORDER_FOLDER, "readOnly": True},
    {"name": "cache", "mountPath": CACHE_FOLDER},
)
"""Mounts that all pods of a run share."""


def _volumes(run: ClusterRun, container: Container) -> list[dict[str, object]]:
    name = shared_objects.cache_claim_name(run)
    cache: dict[str, object] = {"persistentVolumeClaim": {"claimName": name}} if name else {"emptyDir": {}}
    shared: list[dict[str, object]] = [
        {"name": "order", "configMap": {"name": shared_objects.config_map_name(run)}},
        {"name": "cache", **cache},
    ]
    return [
        *([] if container.without_order else shared),
        {"name": "tmp", "emptyDir": {}},
        {"name": "shm", "emptyDir": {"medium": "Memory"}},
    ]


def _environment(run: ClusterRun, container: Container) -> list[Object]:
    """The user's variables, then our own. A user cannot replace our own variables."""
    own_variables: list[Object] = [{"name": "HOME", "value": "/tmp"}, *_secret_variables(run), *container.env]  # noqa: S108
    own_names = {one["name"] for one in own_variables}
    theirs = {one.name: one.value for one in run.cluster.pod_template.env if one.name not in own_names}
    return [*({"name": name, "value": value} for name, value in theirs.items()), *own_variables]


def _secret_variables(run: ClusterRun) -> list[Object]:
    found: list[Object] = []
    storage = run.resolved.storage
    if isinstance(storage, S3Storage) and storage.credentials_secret_ref is not None:
        found += [secret_variable(key, storage.credentials_secret_ref.name, key) for key in CREDENTIAL_VARIABLES]
    if run.cluster.token_secret_ref is not None:
        found.append(secret_variable(HUB_TOKEN, run.cluster.token_secret_ref.name, HUB_TOKEN))
    return found + [
        secret_variable(variable, key.name, key.key)
        for variable, key in endpoint_access.secrets_by_variable(run.resolved.access).items()
    ]


def secret_variable(variable: str, name: str, entry: str) -> Object:
    """A variable whose value is an entry of a Secret."""
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": name, "key": entry}}}


def server_variables(run: ClusterRun, models: tuple[str, ...]) -> tuple[Object, ...]:
    """The variables with the addresses of the servers of `models` and with their key.

    Empty if there are no models, or if the work runs models in its own process.
    """
    if not models or not run.has_servers:
        return ()
    addresses = {model: f"http://{service_name(run, run.outline.servers.index(model))}:{PORT}" for model in models}
    return (
        {"name": SERVERS_VARIABLE, "value": json.dumps(addresses, sort_keys=True)},
        server_key_variable(run),
    )


def server_key_variable(run: ClusterRun) -> Object:
    """The variable with the API key of the servers."""
    return secret_variable(SERVER_KEY_VARIABLE, shared_objects.server_secret_name(run), shared_objects.KEY_ENTRY)


def service_name(run: ClusterRun, index: int) -> str:
    """The name of the Service and of the Deployment of a server."""
    return f"{run.name_prefix}-{names.SERVE}-{index}"
