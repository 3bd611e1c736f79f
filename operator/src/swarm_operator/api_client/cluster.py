"""The port to the API server, and what can go wrong at it.

Limits: objects are JSON as the server writes it, unchecked. Invariant: every call ends, by answer or by error, within
the deadline of its adapter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from swarm_operator.common.reconcile_plan import Object


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """One object, by name."""

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
    """The resourceVersion of that moment."""


class Cluster(Protocol):
    """An API server. Every method raises ApiError."""

    async def list(self, kind: str, namespace: str | None, selector: str = "") -> Listing:
        """The objects with these labels, as of now and not of some cache; None: of all namespaces."""

    async def read(self, target: ObjectReference) -> Object:
        """The object."""

    async def create(self, manifest: Object) -> Object:
        """The object as it was stored. Raises AlreadyExistsError."""

    async def patch(
        self, target: ObjectReference, body: Mapping[str, Any] | Sequence[Any], subresource: str = ""
    ) -> Object:
        """The object after a JSON merge patch (a mapping) or JSON patch (a sequence). Raises ConflictError."""

    async def delete(self, target: ObjectReference, uid: str, grace_seconds: int | None = None) -> Object | None:
        """Delete the object of this uid, its dependants in the background. The object if it is only going, None if it
        is gone. Raises ConflictError if the name is another object's."""


class ApiError(Exception):
    """The API server refused, or could not be asked."""

    def __init__(self, message: str, status: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status; 0: there was no answer."""
        self.retry_after = retry_after
        """Seconds to wait that the server asked for."""


class NotFoundError(ApiError):
    """There is no such object."""


class AlreadyExistsError(ApiError):
    """An object of that name exists."""


class ConflictError(ApiError):
    """The object is not the one, or not in the version, that was meant."""


class NotLeaderError(ApiError):
    """Another process may be the leader by now: nothing is written."""


def error_for_status(status: int, reason: str, message: str, retry_after: float = 0.0) -> ApiError:
    """The error for an answer that is none of success. `reason` is the server's word for it."""
    match status, reason:
        case 404, _:
            return NotFoundError(message, status)
        case 409, "AlreadyExists":
            return AlreadyExistsError(message, status)
        case 409, _:
            return ConflictError(message, status)
        case _:
            return ApiError(message, status, retry_after)
