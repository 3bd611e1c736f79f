"""Parses a run of the cluster, or says why the cluster cannot run it.

The API server has already refused what the schema and its CEL rules reject. This module also refuses what the schema
cannot check: a store that pods cannot share, servers with more accelerators than `maxAccelerators`, a cache that two
nodes cannot mount, a CPU limit below its request. It validates the whole object again, because the installed schema may
be older than the operator.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from swarm_core.api import loading, resolution
from swarm_core.api.execution import S3Storage
from swarm_core.api.kubernetes import AccessMode, KubernetesExecution
from swarm_core.api.pod_user import IMAGE_USER_ID, FixedUser
from swarm_core.api.resolved import ResolvedRun, ResolvedSpec
from swarm_core.api.run import MetadataKey, Run
from swarm_core.engine.planning import Outline
from swarm_core.errors import BadInputError
from swarm_core.programs import program_protocol
from swarm_core.recipe import Digest
from swarm_operator.common import accelerators, names
from swarm_operator.common.reconcile_plan import Object

BASE_FOLDER = "/var/lib/dataswarm"
"""Relative paths of a spec start in this folder of a pod."""
LABEL_KEY = TypeAdapter[str](MetadataKey)
UNITS = MappingProxyType(
    {"": Decimal(1), "m": Decimal("0.001")}
    | {unit: Decimal(1000) ** power for power, unit in enumerate("kMGT", 1)}
    | {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGT", 1)}
)
"""The units of quantities."""


class PodDefaults(Protocol):
    """The settings of the operator for pods whose run says nothing else."""

    @property
    def trainer_image(self) -> str: ...

    @property
    def server_image(self) -> str: ...

    @property
    def pod_user_id(self) -> int:
        """The user and group of the pods. 0: the cluster assigns them."""


@dataclass(frozen=True, slots=True)
class ChartDefaults:
    """The settings of the chart for pods, for commands that do not know those of an operator."""

    trainer_image: str = "dataswarm/trainer"
    server_image: str = "dataswarm/vllm"
    pod_user_id: int = IMAGE_USER_ID


@dataclass(frozen=True)
class ClusterRun:
    """A validated run of the cluster."""

    document: Run
    resolved: ResolvedRun
    uid: str
    namespace: str
    trainer_image: str
    server_image: str
    user: FixedUser | None
    """The ids that the pods run as. None: the cluster assigns them."""

    @property
    def name(self) -> str:
        return self.document.metadata.name

    @property
    def cluster(self) -> KubernetesExecution:
        """The `execution.kubernetes` section of the spec."""
        return self.resolved.execution.kubernetes

    @cached_property
    def outline(self) -> Outline:
        """The run as the engine sees it. It does not include limits that have been reached meanwhile."""
        return program_protocol.build_outline(self.resolved)

    @property
    def has_servers(self) -> bool:
        """Whether the run has inference servers."""
        return accelerators.has_servers(self.cluster, self.outline)

    @cached_property
    def name_prefix(self) -> str:
        """The prefix of the names of all its children."""
        return names.name_prefix(self.name, self.uid)

    @cached_property
    def digest(self) -> Digest:
        """The digest of the experiment as the spec writes it."""
        return resolution.spec_digest(self.resolved)

    @cached_property
    def order_json(self) -> str:
        """The file `order.json` that pods read, as `swarm_trainer.worker.session.WorkerSpec` parses it.

        It always says that the run is not suspended. Pods do not use that field, and a pause must not change the file.
        """
        unsuspended = self.resolved.model_copy(update={"suspend": False})
        fields = {"baseFolder": BASE_FOLDER, "spec": json.loads(unsuspended.model_dump_json())}
        return json.dumps(fields, indent=1, sort_keys=True) + "\n"


def parse(run: Object, defaults: PodDefaults) -> ClusterRun:
    """Parse `run` and check that the cluster can run it. Raises BadInputError with one line per problem."""
    parsed = parse_unchecked(run, defaults)
    refusals = [refusal for check in CHECKS if (refusal := check(parsed))]
    if refusals:
        raise BadInputError("\n".join(refusals))
    return parsed


def parse_unchecked(run: Object, defaults: PodDefaults) -> ClusterRun:
    """Parse `run` without the checks of this cluster. Raises BadInputError with one line per problem."""
    document = {key: part for key, part in run.items() if key != "status"}
    parsed = loading.parse_object(document, str(run.get("kind", "a run")))
    resolved = resolution.resolve_run(parsed)
    image = resolved.execution.kubernetes.image
    return ClusterRun(
        document=parsed,
        resolved=resolved,
        uid=str(run["metadata"].get("uid", "")),
        namespace=str(run["metadata"].get("namespace", "default")),
        trainer_image=image.trainer or defaults.trainer_image,
        server_image=image.server or defaults.server_image,
        user=_find_user(resolved.execution.kubernetes, defaults.pod_user_id),
    )


def _find_user(cluster: KubernetesExecution, default: int) -> FixedUser | None:
    chosen = cluster.pod_template.user
    if chosen is not None:
        return chosen.fixed
    return FixedUser(run_as_user=default, run_as_group=default, fs_group=default) if default else None


def _check_storage(run: ClusterRun) -> str:
    if isinstance(run.resolved.storage, S3Storage):
        return ""
    return "spec.storage: pods share no folder; write type S3 and name a bucket"


def _check_servers(run: ClusterRun) -> str:
    cluster, needed = run.cluster, accelerators.count_for_search(run.cluster, run.outline)
    if not run.has_servers or needed <= cluster.max_accelerators:
        return ""
    return (
        f"spec.execution.kubernetes.maxAccelerators: it is {cluster.max_accelerators}, but the servers of"
        f" {len(run.outline.servers)} base models need {needed} at once; raise it, or lower servers.replicas"
    )


def _check_cache(run: ClusterRun) -> str:
    cache = run.cluster.model_cache
    if cache is None or cache.claim is None or cache.claim.access_mode is AccessMode.READ_WRITE_MANY:
        return ""
    single_pod = not run.has_servers and accelerators.concurrent_trainers(run.cluster, run.outline) <= 1
    if single_pod:
        return ""
    return (
        "spec.execution.kubernetes.modelCache.claim.accessMode: it is ReadWriteOnce, but pods on several nodes"
        " need the claim at once; write ReadWriteMany, or write inference Local and a maxAccelerators for one trainer"
    )


def _check_keys(run: ClusterRun) -> str:
    template = run.cluster.pod_template
    maps = {"nodeSelector": template.node_selector, "labels": template.labels, "annotations": template.annotations}
    for field, key in ((field, key) for field, entries in maps.items() for key in entries):
        try:
            LABEL_KEY.validate_python(key)
        except ValidationError:
            return (
                f"spec.execution.kubernetes.podTemplate.{field}: {key!r} is not a valid key; write a name of at most 63"
                " letters, digits, '-', '_' and '.', or DOMAIN/NAME"
            )
    return ""


def _check_cpu_limits(run: ClusterRun) -> str:
    cluster = run.cluster
    for field, pod in (("trainer", cluster.trainer), ("worker", cluster.worker), ("servers", cluster.servers)):
        if pod.cpu_limit is not None and parse_quantity(pod.cpu_limit) < parse_quantity(pod.cpu):
            return (
                f"spec.execution.kubernetes.{field}.cpuLimit: {pod.cpu_limit} is below the request {pod.cpu}; raise"
                f" cpuLimit, or lower {field}.cpu"
            )
    return ""


def parse_quantity(text: str) -> Decimal:
    """The number that a valid `Quantity` stands for."""
    number = text.rstrip("mkMGTi")
    return Decimal(number) * UNITS[text.removeprefix(number)]


def _check_student(run: ClusterRun) -> str:
    if not run.has_servers or not isinstance(run.resolved, ResolvedSpec) or run.resolved.evaluation.student is None:
        return ""
    return (
        "spec.evaluation.student: the conclusion trains it and holds no accelerator while servers run; write"
        " spec.execution.kubernetes.inference: Local, or remove student"
    )


CHECKS = (_check_storage, _check_servers, _check_cache, _check_keys, _check_cpu_limits, _check_student)
