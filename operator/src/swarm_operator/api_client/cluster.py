"""The interface to the API server, and its errors.

Limits: objects are JSON as the server sends it, unchecked. Invariant: every call returns or raises within the deadline
of its implementation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from swarm_operator.common.reconcile_plan import Object


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """The kind, namespace and name of an object."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a kind at one moment."""

    objects: tuple[Object, ...]
    version: str
    """The resourceVersion of the list."""


class Cluster(Protocol):
    """An API server. Every method raises ApiError."""

    async def list(self, kind: str, namespace: str | None, selector: str = "", fields: str = "") -> Listing:
        """The objects with these labels and fields, read from etcd and not from a cache.

        Without a namespace, those of all namespaces. `fields`: one `NAME=VALUE` that the server can select by.
        """

    async def read(self, target: ObjectReference) -> Object:
        """The object."""

    async def create(self, manifest: Object) -> Object:
        """The object as the server stored it. Raises AlreadyExistsError."""

    async def patch(
        self, target: ObjectReference, body: Mapping[str, Any] | Sequence[Any], subresource: str = ""
    ) -> Object:
        """The object after a JSON merge patch (a mapping) or a JSON patch (a sequence). Raises ConflictError."""

    async def delete(self, target: ObjectReference, uid: str, grace_seconds: int | None = None) -> Object | None:
        """Delete the object with this uid, and its dependents in the background.

        Returns the object if a finalizer or a grace period still holds it, else None. Raises ConflictError if the name
        belongs to an object with another uid.
        """


class ApiError(Exception):
    """The API server refused the call, or there was no response."""

    def __init__(self, message: str, status: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status; 0: there was no answer."""
        self.retry_after = retry_after
        """Seconds to wait that the server asked for."""


class NotFoundError(ApiError):
    """The object does not exist."""


class AlreadyExistsError(ApiError):
    """An object of this name exists."""


class ConflictError(ApiError):
    """The object has another uid or another resourceVersion than the call named."""


class NamespaceTerminatingError(ApiError):
    """The namespace is being deleted, so nothing can be created in it."""


class NotLeaderError(ApiError):
    """This process may have lost the Lease, so it did not send the call."""


def error_for_status(status: int, reason: str, message: str, retry_after: float = 0.0) -> ApiError:
    """The error for a response that reports a failure. `reason` is the reason in the server's Status object.

    The reason of a cause, where it says more, may take its place.
    """
    match status, reason:
        case 403, "NamespaceTerminating":
            return NamespaceTerminatingError(message, status)
        case 404, _:
            return NotFoundError(message, status)
        case 409, "AlreadyExists":
            return AlreadyExistsError(message, status)
        case 409, _:
            return ConflictError(message, status)
        case _:
            return ApiError(message, status, retry_after)
