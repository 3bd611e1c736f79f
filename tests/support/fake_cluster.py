"""An API server in memory, as far as the port shows one: versions, uids, names taken once, fences, labels.

tests/cluster/test_client.py asks it and a real one the same questions. Limits: no schema, no defaults, no controllers;
deleted is gone, unless a finalizer holds it.
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
"""Verb and kind."""


@dataclass
class FakeCluster:
    """The port. `trouble` may raise before a call takes effect, `afterwards` once it has."""

    objects: dict[ObjectReference, dict[str, Any]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    trouble: Callable[[str, str], None] = lambda verb, kind: None
    afterwards: Callable[[str, str], None] = lambda verb, kind: None
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def list(self, kind: str, namespace: str | None, selector: str = "") -> Listing:
        self._begin("list", kind)
        label, _, value = selector.partition("=")
        found = [
            copy.deepcopy(thing)
            for target, thing in self.objects.items()
            if target.kind == kind and namespace in (None, target.namespace) and _labelled(thing, label, value)
        ]
        for thing in found:  # a server leaves these out of the entries of a list
            thing.pop("kind", None)
            thing.pop("apiVersion", None)
        return Listing(tuple(found), str(next(self.numbers)))

    async def read(self, target: ObjectReference) -> Object:
        self._begin("read", target.kind)
        return copy.deepcopy(self._there(target))

    async def create(self, manifest: Object) -> Object:
        self._begin("create", manifest["kind"])
        thing: dict[str, Any] = copy.deepcopy(dict(manifest))
        target = ObjectReference(thing["kind"], thing["metadata"]["namespace"], thing["metadata"]["name"])
        if target in self.objects:
            raise AlreadyExistsError(f"{target} exists", 409)
        thing["metadata"]["uid"] = f"uid-{next(self.numbers)}"
        return self._stored(target, thing, "create")

    async def patch(
        self, target: ObjectReference, body: Mapping[str, Any] | Sequence[Any], subresource: str = ""
    ) -> Object:
        self._begin("patch", target.kind)
        before = self._there(target)
        if isinstance(body, Mapping):
            after = _merged(before, body)
        else:
            after = copy.deepcopy(before)
            for operation in body:
                *way, last = operation["path"].strip("/").split("/")
                if operation["op"] == "test" and _inside(after, way)[last] != operation["value"]:
                    raise ConflictError(f"{target}: {operation['path']} is another", 409)
                _inside(after, way)[last] = copy.deepcopy(operation["value"])
        for fence in ("uid", "resourceVersion"):
            if after["metadata"][fence] != before["metadata"][fence]:
                raise ConflictError(f"{target}: {fence} is {before['metadata'][fence]}", 409)
        if subresource == "status":
            after = {**before, "metadata": dict(before["metadata"]), "status": after.get("status", {})}
        if after["metadata"].get("deletionTimestamp") and not after["metadata"].get("finalizers"):
            del self.objects[target]
            self.afterwards("patch", target.kind)
            return after
        return self._stored(target, after, "patch")

    async def delete(self, target: ObjectReference, uid: str, grace_seconds: int | None = None) -> Object | None:
        self._begin("delete", target.kind)
        thing = self._there(target)
        if thing["metadata"]["uid"] != uid:
            raise ConflictError(f"{target}: uid is {thing['metadata']['uid']}", 409)
        if thing["metadata"].get("finalizers"):
            thing["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            return self._stored(target, thing, "delete")
        del self.objects[target]
        self.afterwards("delete", target.kind)
        return None

    def put(self, thing: Object) -> dict[str, Any]:
        """Store an object as it is, without a call; a version is given to it."""
        target = ObjectReference(thing["kind"], thing["metadata"]["namespace"], thing["metadata"]["name"])
        return self._stored(target, copy.deepcopy(dict(thing)), "")

    def made(self, kind: str) -> int:
        """How often something of `kind` was to be created."""
        return self.calls.count(("create", kind))

    def _begin(self, verb: str, kind: str) -> None:
        self.calls.append((verb, kind))
        self.trouble(verb, kind)

    def _there(self, target: ObjectReference) -> dict[str, Any]:
        if target not in self.objects:
            raise NotFoundError(f"{target} is not there", 404)
        return self.objects[target]

    def _stored(self, target: ObjectReference, thing: dict[str, Any], verb: str) -> dict[str, Any]:
        thing["metadata"]["resourceVersion"] = str(next(self.numbers))
        self.objects[target] = thing
        if verb:
            self.afterwards(verb, target.kind)
        return copy.deepcopy(thing)


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


def _labelled(thing: dict[str, Any], label: str, value: str) -> bool:
    labels = thing["metadata"].get("labels") or {}
    return not label or (label in labels and value in ("", labels[label]))


def _merged(before: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    after = copy.deepcopy(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = _merged(after.get(name), value)
    return after


def _inside(thing: dict[str, Any], way: list[str]) -> dict[str, Any]:
    for part in way:
        thing = thing[part]
    return thing
