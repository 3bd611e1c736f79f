"""Maps the kinds of object that the operator uses to the paths of the API server.

The kinds of run come from the program registry, and the others from the table below. There is no API discovery. So the
operator makes no calls for it at start and needs no rights for it, and no path contains unchecked text.
"""

from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from swarm_core import program_registry
from swarm_core.api import custom_resources
from swarm_core.api.run import API_GROUP, API_VERSION


@dataclass(frozen=True, slots=True)
class Resource:
    """The API version and plural name of a kind."""

    api_version: str
    """`batch/v1`, for example, or `v1` for the core group."""
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str = "") -> str:
        """The URL path of a collection (without `name`), an object or a subresource.

        Without a namespace, of all namespaces.
        """
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
"""All kinds that are not a kind of run."""
CHILD_KINDS = ("Job", "Pod", "Deployment")
"""Kinds that the operator watches. It creates objects of the other kinds, and their owner reference deletes them."""


def find_resource(kind: str) -> Resource:
    """The path information of a kind.

    Raises BadInputError for a kind that is neither in the table nor a kind of run.
    """
    if kind in OTHER_KINDS:
        return OTHER_KINDS[kind]
    return Resource(f"{API_GROUP}/{API_VERSION}", custom_resources.find_resource(kind).plural)


def list_run_kinds() -> tuple[str, ...]:
    """The kinds of run of all installed programs."""
    return program_registry.list_kinds()


def list_cached_kinds() -> tuple[str, ...]:
    """The kinds that the cache holds."""
    return (*list_run_kinds(), *CHILD_KINDS)
