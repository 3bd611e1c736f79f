"""The kinds of object that the operator touches, and where the API server keeps them.

A fixed table instead of discovery: no calls at start, no rights on what is not here, and no path made of anything
unchecked.
"""

from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from swarm_core.api import custom_resources as api
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


KINDS = MappingProxyType(
    {
        **{kind: Resource(f"{API_GROUP}/{API_VERSION}", one.plural) for kind, one in api.RESOURCES.items()},
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
CHILD_KINDS = ("Job", "Pod", "Deployment")
"""Kinds that are observed; the others are created and left to their owner reference."""
RUN_KINDS = tuple(api.RESOURCES)
"""Kinds of run."""
CACHED_KINDS = (*RUN_KINDS, *CHILD_KINDS)
