"""The pod of a Job or of a server: PodSecurity `restricted`, a root that cannot be written, no token of the API server.

What is written goes to folders that end with the pod: /tmp, which is HOME too, the cache, and /dev/shm in memory. The
cache is a claim's where the run has one.
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
"""Whom our images run as."""
PORT = 8000
ORDER_FOLDER, CACHE_FOLDER = "/etc/dataswarm", "/var/cache/dataswarm"
CREDENTIAL_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
HUB_TOKEN = "HF_TOKEN"  # noqa: S105 - its name


@dataclass(frozen=True, slots=True)
class Container:
    """What one of our containers is."""

    image: str
    command: tuple[str, ...]
    arguments: tuple[str, ...]
    cpu: str
    memory: str
    accelerators: int
    env: tuple[Object, ...] = ()
    extra: Mapping[str, object] | None = None
    """Probes and ports."""
    bare: bool = False
    """Whether it does without the order and the cache of the run."""


def pod_template(
    order: ClusterRun, container: Container, labels: Object, annotations: Object, **spec: object
) -> Object:
    """The pod template around one container; `spec` is what its pods have beside that."""
    about = {"labels": dict(labels), "annotations": dict(annotations)}
    return {"metadata": about, "spec": {**_pod_spec(order, container), **spec}}


def _pod_spec(order: ClusterRun, container: Container) -> dict[str, object]:
    asked = order.cluster.pod_template
    optional = {
        "nodeSelector": dict(asked.node_selector),
        "tolerations": [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in asked.tolerations],
        "priorityClassName": asked.priority_class_name,
        "runtimeClassName": asked.runtime_class_name,
        "imagePullSecrets": [{"name": one.name} for one in asked.image_pull_secrets],
        "serviceAccountName": order.cluster.service_account_name,
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
        "containers": [_container_spec(order, container)],
        "volumes": _volumes(order, container),
        **{name: value for name, value in optional.items() if value},
    }


def _container_spec(order: ClusterRun, container: Container) -> dict[str, object]:
    limits: dict[str, object] = {"memory": container.memory}
    if container.accelerators:
        limits[order.cluster.accelerator_resource] = str(container.accelerators)
    return {
        "name": "main",
        "image": container.image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(container.command),
        "args": list(container.arguments),
        "env": _environment(order, container),
        "resources": {"requests": {"cpu": container.cpu, "memory": container.memory}, "limits": limits},
        "volumeMounts": [
            *([] if container.bare else RUN_MOUNTS),
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
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
"""Where what all pods of a run share is found."""


def _volumes(order: ClusterRun, container: Container) -> list[dict[str, object]]:
    name = shared_objects.cache_claim_name(order)
    cache: dict[str, object] = {"persistentVolumeClaim": {"claimName": name}} if name else {"emptyDir": {}}
    shared: list[dict[str, object]] = [
        {"name": "order", "configMap": {"name": shared_objects.config_map_name(order)}},
        {"name": "cache", **cache},
    ]
    return [
        *([] if container.bare else shared),
        {"name": "tmp", "emptyDir": {}},
        {"name": "shm", "emptyDir": {"medium": "Memory"}},
    ]


def _environment(order: ClusterRun, container: Container) -> list[Object]:
    """The user's variables, and after them ours, of which none can be replaced."""
    own: list[Object] = [{"name": "HOME", "value": "/tmp"}, *_secret_variables(order), *container.env]  # noqa: S108
    taken = {one["name"] for one in own}
    theirs = {one.name: one.value for one in order.cluster.pod_template.env if one.name not in taken}
    return [*({"name": name, "value": value} for name, value in theirs.items()), *own]


def _secret_variables(order: ClusterRun) -> list[Object]:
    found: list[Object] = []
    storage = order.resolved.storage
    if isinstance(storage, S3Storage) and storage.credentials_secret_ref is not None:
        found += [secret_variable(key, storage.credentials_secret_ref.name, key) for key in CREDENTIAL_VARIABLES]
    if order.cluster.token_secret_ref is not None:
        found.append(secret_variable(HUB_TOKEN, order.cluster.token_secret_ref.name, HUB_TOKEN))
    return found + [
        secret_variable(variable, key.name, key.key)
        for variable, key in endpoint_access.secrets_by_variable(order.resolved.access).items()
    ]


def secret_variable(variable: str, name: str, entry: str) -> Object:
    """A variable whose value is an entry of a Secret."""
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": name, "key": entry}}}


def server_variables(order: ClusterRun, models: tuple[str, ...]) -> tuple[Object, ...]:
    """How work finds the servers of `models`: address by model, and the key; none where it runs models itself."""
    if not models or not order.has_servers:
        return ()
    addresses = {model: f"http://{service_name(order, order.outline.servers.index(model))}:{PORT}" for model in models}
    return (
        {"name": SERVERS_VARIABLE, "value": json.dumps(addresses, sort_keys=True)},
        server_key_variable(order),
    )


def server_key_variable(order: ClusterRun) -> Object:
    """The variable with the key that servers ask for."""
    return secret_variable(SERVER_KEY_VARIABLE, shared_objects.server_secret_name(order), shared_objects.KEY_ENTRY)


def service_name(order: ClusterRun, index: int) -> str:
    """The Service, and the Deployment, of a server."""
    return f"{order.base}-{names.SERVE}-{index}"
