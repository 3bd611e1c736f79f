"""From a run of the cluster to what is wanted of it, or to the reason why it cannot be had.

What the schema and its rules can decide, the API server has refused already; this refuses what only a cluster knows:
a store that no two pods share, more accelerators than the run allows itself, a cache that two nodes cannot have. And it
reads the object as if no schema had been there, for a schema may be older than the operator.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from swarm_core.api import loading, resolution
from swarm_core.api.execution import S3Storage
from swarm_core.api.kubernetes import AccessMode, KubernetesExecution
from swarm_core.api.resolved import ResolvedRun
from swarm_core.api.run import MetadataKey, Run
from swarm_core.engine.planning import Outline
from swarm_core.errors import BadInputError
from swarm_core.programs import program
from swarm_core.recipe import Digest
from swarm_operator.common import accelerators, names
from swarm_operator.common.reconcile_plan import Object

BASE_FOLDER = "/var/lib/dataswarm"
"""Where relative paths of a spec start, in a pod."""
LABEL_KEY = TypeAdapter[str](MetadataKey)


class Images(Protocol):
    """The images that an operator starts pods from when a run names none."""

    @property
    def trainer_image(self) -> str: ...

    @property
    def server_image(self) -> str: ...


@dataclass(frozen=True)
class ClusterRun:
    """A run of a cluster that can be carried out."""

    document: Run
    resolved: ResolvedRun
    uid: str
    namespace: str
    trainer_image: str
    server_image: str

    @property
    def name(self) -> str:
        return self.document.metadata.name

    @property
    def cluster(self) -> KubernetesExecution:
        """How it is to be carried out."""
        return self.resolved.execution.kubernetes

    @cached_property
    def outline(self) -> Outline:
        """The run as the engine sees it, without the limits of this moment."""
        return program.build_outline(self.resolved)

    @property
    def has_servers(self) -> bool:
        """Whether it has inference servers."""
        return accelerators.has_servers(self.cluster, self.outline)

    @cached_property
    def name_prefix(self) -> str:
        """What all names of its children begin with."""
        return names.name_prefix(self.name, self.uid)

    @cached_property
    def digest(self) -> Digest:
        """The digest of the experiment as written."""
        return resolution.spec_digest(self.resolved)

    @cached_property
    def order_json(self) -> str:
        """What pods are told of the run, as `swarm_trainer.worker.session.WorkerSpec` reads it.

        Whether the run is suspended is none of their business, and would make another order of every pause.
        """
        unsuspended = self.resolved.model_copy(update={"suspend": False})
        fields = {"baseFolder": BASE_FOLDER, "spec": json.loads(unsuspended.model_dump_json())}
        return json.dumps(fields, indent=1, sort_keys=True) + "\n"


def parse(run: Object, images: Images) -> ClusterRun:
    """What is wanted of `run`, if it can be carried out. Raises BadInputError with one line per fault."""
    parsed = parse_unchecked(run, images)
    refusals = [refusal for check in CHECKS if (refusal := check(parsed))]
    if refusals:
        raise BadInputError("\n".join(refusals))
    return parsed


def parse_unchecked(run: Object, images: Images) -> ClusterRun:
    """What is wanted of `run`, whether or not the cluster can give it. Raises BadInputError with one line per fault."""
    document = {key: part for key, part in run.items() if key != "status"}
    parsed = loading.from_object(document, str(run.get("kind", "a run")))
    resolved = resolution.resolve(parsed)
    image = resolved.execution.kubernetes.image
    return ClusterRun(
        document=parsed,
        resolved=resolved,
        uid=str(run["metadata"].get("uid", "")),
        namespace=str(run["metadata"].get("namespace", "default")),
        trainer_image=image.trainer or images.trainer_image,
        server_image=image.server or images.server_image,
    )


def _check_storage(run: ClusterRun) -> str:
    if isinstance(run.resolved.storage, S3Storage):
        return ""
    return "spec.storage: pods share no folder; write type S3 and a bucket"


def _check_trainers(run: ClusterRun) -> str:
    cluster = run.cluster
    if cluster.trainer.accelerators <= cluster.max_accelerators:
        return ""
    return (
        f"spec.execution.kubernetes.trainer.accelerators: {cluster.trainer.accelerators} for one pod, but"
        f" maxAccelerators is {cluster.max_accelerators}; raise maxAccelerators, or write 0 to train on a CPU"
    )


def _check_servers(run: ClusterRun) -> str:
    cluster, needed = run.cluster, accelerators.count_for_search(run.cluster, run.outline)
    if not run.has_servers or needed <= cluster.max_accelerators:
        return ""
    return (
        f"spec.execution.kubernetes.maxAccelerators: {cluster.max_accelerators}, but servers of"
        f" {len(run.outline.servers)} base models hold {needed} at once; raise it, or lower"
        f" servers.replicas"
    )


def _check_cache(run: ClusterRun) -> str:
    cache = run.cluster.model_cache
    if cache is None or cache.claim is None or cache.claim.access_mode is AccessMode.READ_WRITE_MANY:
        return ""
    single_pod = not run.has_servers and accelerators.concurrent_trainers(run.cluster, run.outline) <= 1
    if single_pod:
        return ""
    return (
        "spec.execution.kubernetes.modelCache.claim.accessMode: ReadWriteOnce, but pods on several nodes would need it"
        " at once; write ReadWriteMany, or inference Local and maxAccelerators of one trainer"
    )


def _check_node_selector(run: ClusterRun) -> str:
    for key in run.cluster.pod_template.node_selector:
        try:
            LABEL_KEY.validate_python(key)
        except ValidationError:
            return (
                f"spec.execution.kubernetes.podTemplate.nodeSelector: {key!r} is no label's key; write a name of at"
                " most 63 letters, digits, '-', '_' and '.', or domain/name"
            )
    return ""


CHECKS = (_check_storage, _check_trainers, _check_servers, _check_cache, _check_node_selector)
