"""The kinds of object that the operator touches, and where the API server keeps them.

Fixed tables instead of discovery, the programs' and this one: no calls at start, no rights on what is not here, and no
path made of anything unchecked.
"""

from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from swarm_core import program_registry
from swarm_core.api import custom_resources
from swarm_core.api.run import API_GROUP, API_VERSION


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind."""

    api_version: str
    """`batch/v1`; `v1` for the core group."""
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str = "") -> str:
        """The URL path of a collection (without `name`), an object or its subresource; None: all namespaces."""
        parts = ["apis" if "/" in self.api_version else "api", self.api_version]
        if namespace is not None:
            parts += ["namespaces", quote(namespace, safe="")]
        parts += [self.plural, quote(name, safe="") if name is not None else "", subresource]
        return "/" + "/".join(part for part in parts if part)


OTHER_KINDS = MappingProxyType(
    {
        "Job": Resource("batch/v1", "jobs"),
        "Pod": Resource("v1", "pods"),
        "Deployment": Resource("apps/v1", "deployments"),
        "ConfigMap": Resource("v1", "configmaps"),
        "Secret": Resource("v1", "secrets"),
        "Service": Resource("v1", "services"),
        "PersistentVolumeClaim": Resource("v1", "persistentvolumeclaims"),
        "Lease": Resource("coordination.k8s.io/v1", "leases"),
        "Event": Resource("v1", "events"),
    }
)
"""Kinds that are no kind of run."""
CHILD_KINDS = ("Job", "Pod", "Deployment")
"""Kinds that are observed; the others are created and left to their owner reference."""


def find_resource(kind: str) -> Resource:
    """Where objects of a kind are kept. Raises BadInputError for a kind that is neither here nor a program's."""
    if kind in OTHER_KINDS:
        return OTHER_KINDS[kind]
    return Resource(f"{API_GROUP}/{API_VERSION}", custom_resources.find(kind).plural)


def list_run_kinds() -> tuple[str, ...]:
    """Kinds of run: those of all programs that are installed."""
    return program_registry.list_kinds()


def list_cached_kinds() -> tuple[str, ...]:
    """Kinds of which the operator keeps what it was told."""
    return (*list_run_kinds(), *CHILD_KINDS)
