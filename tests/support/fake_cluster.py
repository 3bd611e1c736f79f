"""An API server in memory with the behavior of the port: versions, uids, unique names, preconditions, labels.

tests/cluster/test_client.py asks it and a real server the same questions. Limits: no schema, no defaults, no
controllers. A deleted object is gone at once, unless it has a finalizer.
"""

import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swarm_operator.api_client.cluster import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    Listing,
    NotFoundError,
    ObjectReference,
)
from swarm_operator.common.reconcile_plan import Object

Call = tuple[str, str]
"""A verb and a kind."""


@dataclass
class FakeCluster:
    """The API server. `before_call` may raise before a call takes effect, `after_call` may raise after it."""

    objects: dict[ObjectReference, dict[str, Any]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    before_call: Callable[[str, str], None] = lambda verb, kind: None
    after_call: Callable[[str, str], None] = lambda verb, kind: None
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def list(self, kind: str, namespace: str | None, selector: str = "", fields: str = "") -> Listing:
        self._begin("list", kind)
        label, _, value = selector.partition("=")
        found = [
            copy.deepcopy(stored)
            for target, stored in self.objects.items()
            if target.kind == kind
            and namespace in (None, target.namespace)
            and _labelled(stored, label, value)
            and _has_field(stored, fields)
        ]
        for stored in found:  # a server leaves these out of the entries of a list
            stored.pop("kind", None)
            stored.pop("apiVersion", None)
        return Listing(tuple(found), str(next(self.numbers)))

    async def read(self, target: ObjectReference) -> Object:
        self._begin("read", target.kind)
        return copy.deepcopy(self._find(target))

    async def create(self, manifest: Object) -> Object:
        self._begin("create", manifest["kind"])
        stored: dict[str, Any] = copy.deepcopy(dict(manifest))
        target = ObjectReference(stored["kind"], stored["metadata"]["namespace"], stored["metadata"]["name"])
        if target in self.objects:
            raise AlreadyExistsError(f"{target} exists", 409)
        stored["metadata"]["uid"] = f"uid-{next(self.numbers)}"
        return self._store(target, stored, "create")

    async def patch(
        self, target: ObjectReference, body: Mapping[str, Any] | Sequence[Any], subresource: str = ""
    ) -> Object:
        self._begin("patch", target.kind)
        before = self._find(target)
        if isinstance(body, Mapping):
            after = _merged(before, body)
        else:
            after = copy.deepcopy(before)
            for operation in body:
                *path, last = operation["path"].strip("/").split("/")
                if operation["op"] == "test" and _inside(after, path)[last] != operation["value"]:
                    raise ConflictError(f"{target}: {operation['path']} is another", 409)
                _inside(after, path)[last] = copy.deepcopy(operation["value"])
        for fence in ("uid", "resourceVersion"):
            if after["metadata"][fence] != before["metadata"][fence]:
                raise ConflictError(f"{target}: {fence} is {before['metadata'][fence]}", 409)
        if subresource == "status":
            after = {**before, "metadata": dict(before["metadata"]), "status": after.get("status", {})}
        if after["metadata"].get("deletionTimestamp") and not after["metadata"].get("finalizers"):
            del self.objects[target]
            self.after_call("patch", target.kind)
            return after
        return self._store(target, after, "patch")

    async def delete(self, target: ObjectReference, uid: str, grace_seconds: int | None = None) -> Object | None:
        self._begin("delete", target.kind)
        stored = self._find(target)
        if stored["metadata"]["uid"] != uid:
            raise ConflictError(f"{target}: uid is {stored['metadata']['uid']}", 409)
        if stored["metadata"].get("finalizers"):
            stored["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            return self._store(target, stored, "delete")
        del self.objects[target]
        self.after_call("delete", target.kind)
        return None

    def put(self, stored: Object) -> dict[str, Any]:
        """Store an object without a call, with a new resourceVersion."""
        target = ObjectReference(stored["kind"], stored["metadata"]["namespace"], stored["metadata"]["name"])
        return self._store(target, copy.deepcopy(dict(stored)), "")

    def count_creates(self, kind: str) -> int:
        """The number of attempts to create an object of `kind`."""
        return self.calls.count(("create", kind))

    def _begin(self, verb: str, kind: str) -> None:
        self.calls.append((verb, kind))
        self.before_call(verb, kind)

    def _find(self, target: ObjectReference) -> dict[str, Any]:
        if target not in self.objects:
            raise NotFoundError(f"{target} is not there", 404)
        return self.objects[target]

    def _store(self, target: ObjectReference, stored: dict[str, Any], verb: str) -> dict[str, Any]:
        stored["metadata"]["resourceVersion"] = str(next(self.numbers))
        self.objects[target] = stored
        if verb:
            self.after_call(verb, target.kind)
        return copy.deepcopy(stored)


@dataclass
class Failing:
    """Raises `error` the first `times` times that `verb` is called on `kind`."""

    verb: str
    kind: str
    error: ApiError
    times: int = 1

    def __call__(self, verb: str, kind: str) -> None:
        if (verb, kind) == (self.verb, self.kind) and self.times > 0:
            self.times -= 1
            raise self.error


def _labelled(stored: dict[str, Any], label: str, value: str) -> bool:
    labels = stored["metadata"].get("labels") or {}
    return not label or (label in labels and value in ("", labels[label]))


def _has_field(stored: dict[str, Any], fields: str) -> bool:
    """Whether an object has the value of a field selector such as `involvedObject.uid=1`."""
    path, _, value = fields.partition("=")
    *parents, last = path.split(".")
    return not fields or _inside(stored, parents).get(last) == value


def _merged(before: Any, patch: Any) -> Any:
    """A JSON merge patch, RFC 7386."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    after = copy.deepcopy(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = _merged(after.get(name), value)
    return after


def _inside(stored: dict[str, Any], path: list[str]) -> dict[str, Any]:
    for part in path:
        stored = stored[part]
    return stored
