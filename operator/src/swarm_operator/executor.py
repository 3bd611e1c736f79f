"""Carries out a plan: its steps in order, then one write of the status if it changed, then its events.

Promises:
  - a step that was done is success when it is done again. A name that is taken is compared before that is said: only an
    object of the same run, made from the same manifest, counts as ours;
  - what was created is known at once: the answer goes into the cache, or, for kinds that no watch shows, is remembered;
  - the status is written for the run and the version that was looked at, or not at all (ConflictError);
  - a step that fails ends the steps, not the status: what is going on is still told. The failure is raised after that.

Invariant: nothing is written but children of the run, its status and its finalizers; a run's spec and the rest of its
metadata never.
"""

import hashlib
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, assert_never

from swarm_operator import events
from swarm_operator.api_client import object_cache, resources
from swarm_operator.api_client.cluster import (
    AlreadyExistsError,
    ApiError,
    Cluster,
    ConflictError,
    NotFoundError,
    ObjectReference,
)
from swarm_operator.api_client.object_cache import Cache, RunKey
from swarm_operator.common import names
from swarm_operator.common.reconcile_plan import (
    Create,
    Delete,
    Event,
    Object,
    ObservedRun,
    Patch,
    Plan,
    SetFinalizers,
    Step,
)

SECRET_BYTES = 32
REFUSAL_STATUSES = frozenset({400, 403, 405, 409, 413, 415, 422})
LOG = logging.getLogger(__name__)


@dataclass
class Executor:
    """Hands and memory."""

    cluster: Cluster
    cache: Cache
    clock: Callable[[], float]
    """Seconds, steady."""
    trust_seconds: float
    """So long a created object that no watch shows is taken to be there still."""
    _created: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)
    _reported_events: dict[str, set[str]] = field(default_factory=dict)

    async def execute(self, observed: ObservedRun, plan: Plan) -> bool:
        """Do it; whether any step took a call. Raises ApiError: of a step, or of the status."""
        failure: ApiError | None = None
        acted = False
        try:
            for step in plan.steps:
                acted |= await self._execute_step(observed.run, step)
        except ApiError as error:
            failure = error
        await self._write_status(observed.run, plan.status)
        await self._write_events(observed.run, (*plan.events, *_refusal_events(failure)))
        if failure is not None:
            raise failure
        return acted

    def forget(self, run: RunKey) -> None:
        """The run is gone."""
        self._created.pop(run, None)
        self._reported_events.pop(run, None)

    async def refresh(self, run: Object) -> None:
        """Read a run again, after a conflict: what is known of it was old."""
        target = _reference(run["kind"], run)
        try:
            self.cache.record(run["kind"], await self.cluster.read(target))
        except NotFoundError:
            self.cache.record_deleted(run["kind"], run)

    async def _execute_step(self, run: Object, step: Step) -> bool:
        match step:
            case Create():
                return await self._create(run, step)
            case Delete():
                await self._delete(run, step)
            case Patch():
                await self._patch(run, step)
            case SetFinalizers():
                await self._set_finalizers(run, step)
            case _:
                assert_never(step)
        return True

    async def _create(self, run: Object, step: Create) -> bool:
        kind, name = step.manifest["kind"], step.manifest["metadata"]["name"]
        created = self._created.setdefault(object_cache.object_uid(run), {})
        if (
            kind not in resources.list_cached_kinds()
            and self.clock() - created.get((kind, name), -1e9) < self.trust_seconds
        ):
            return False
        manifest = with_manifest_digest(step.manifest, object_cache.object_namespace(run))
        try:
            stored = await self.cluster.create(_with_secret(manifest, step.secret))
        except AlreadyExistsError:
            stored = await self._read_and_compare(run, manifest, step.secret is not None)
        if kind in resources.list_cached_kinds():
            self.cache.record(kind, stored)
        else:
            created[kind, name] = self.clock()
        return True

    async def _read_and_compare(self, run: Object, manifest: Object, keep_existing: bool) -> Object:
        """The object that has the name of `manifest`, if it is the one; `kept`: a Secret is kept as it is."""
        target = _reference(manifest["kind"], manifest)
        existing = await self.cluster.read(target)
        if not _belongs_to_run(existing, run):
            raise ConflictError(f"{target} exists and is not of this run; delete it, or rename the run", 409)
        if keep_existing or _manifest_digest(existing) == _manifest_digest(manifest):
            return existing
        if target.kind in resources.list_cached_kinds():
            self.cache.record(target.kind, existing)
        else:
            await self.cluster.delete(target, object_cache.object_uid(existing))
        raise ConflictError(f"{target} exists, made from another manifest", 409)

    async def _delete(self, run: Object, step: Delete) -> None:
        target = ObjectReference(step.kind, object_cache.object_namespace(run), step.name)
        try:
            deleting = await self.cluster.delete(target, step.uid, step.grace_seconds)
        except (NotFoundError, ConflictError):
            return  # gone, and its name perhaps another's: the watch or the next list tells
        if step.kind not in resources.list_cached_kinds():
            return
        if deleting is None:
            self.cache.forget_deleted(step.kind, step.uid)
        else:
            self.cache.record(step.kind, deleting)

    async def _patch(self, run: Object, step: Patch) -> None:
        target = ObjectReference(step.kind, object_cache.object_namespace(run), step.name)
        body = {**step.patch, "metadata": {**step.patch.get("metadata", {}), "uid": step.uid}}
        try:
            stored = await self.cluster.patch(target, body)
        except (NotFoundError, ConflictError):
            return
        if step.kind in resources.list_cached_kinds():
            self.cache.record(step.kind, stored)

    async def _set_finalizers(self, run: Object, step: SetFinalizers) -> None:
        await self._patch_run(run, {"op": "add", "path": "/metadata/finalizers", "value": list(step.names)})

    async def _write_status(self, run: Object, status: Object | None) -> None:
        if status is None or normalize_json(status) == normalize_json(run.get("status") or {}):
            return
        await self._patch_run(run, {"op": "add", "path": "/status", "value": normalize_json(status)}, "status")

    async def _patch_run(self, run: Object, change: dict[str, Any], subresource: str = "") -> None:
        """Change the run itself by one operation of a JSON patch. Raises ConflictError when it is another by now."""
        body, target = [*_version_preconditions(run), change], _reference(run["kind"], run)
        try:
            self.cache.record(run["kind"], await self.cluster.patch(target, body, subresource))
        except NotFoundError:
            self.cache.record_deleted(run["kind"], run)

    async def _write_events(self, run: Object, new_events: tuple[Event, ...]) -> None:
        reported = self._reported_events.setdefault(object_cache.object_uid(run), set())
        for event in new_events:
            manifest = events.manifest(run, event)
            name = manifest["metadata"]["name"]
            if name in reported:
                continue
            try:
                await self.cluster.create(manifest)
            except AlreadyExistsError:
                pass  # told before a restart
            except ApiError as error:
                LOG.warning("event of %s: %s", object_cache.object_name(run), error)  # nothing depends on it
                continue
            reported.add(name)


def _belongs_to_run(stored: Object, run: Object) -> bool:
    """Whether an object is the run's: by its owner, or, where it has none, by its label."""
    owners = [owner.get("uid") for owner in stored["metadata"].get("ownerReferences") or ()]
    label = (stored["metadata"].get("labels") or {}).get(names.RUN_UID_LABEL)
    return object_cache.object_uid(run) in (owners or [label])


def _refusal_events(failure: ApiError | None) -> tuple[Event, ...]:
    """What people are told of a refusal that somebody must look at: a quota, a missing right, a manifest."""
    if failure is None or failure.status not in REFUSAL_STATUSES:
        return ()
    return (Event("Warning", "ChildRefused", str(failure)),)


def _version_preconditions(run: Object) -> list[dict[str, str]]:
    """JSON patch operations that change nothing of this version of this run, and fail on every other.

    A uid that is replaced would be passed over in silence, so it is tested; a version is compared by the server itself.
    """
    metadata = run["metadata"]
    return [
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
    ]


def with_manifest_digest(manifest: Object, namespace: str) -> Object:
    """`manifest` in the run's namespace, with its own digest as an annotation."""
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True, default=dict).encode()).hexdigest()[:32]
    metadata = manifest["metadata"]
    annotations = {**(metadata.get("annotations") or {}), names.MANIFEST_ANNOTATION: digest}
    return {**manifest, "metadata": {**metadata, "namespace": namespace, "annotations": annotations}}


def normalize_json(value: Any) -> Any:
    """`value` as JSON holds it: lists for tuples, and no nulls, which the server drops."""
    return json.loads(json.dumps(value, default=dict), object_hook=_without_nulls)


def _without_nulls(stored: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in stored.items() if part is not None}


def _with_secret(manifest: Object, name: str | None) -> Object:
    if name is None:
        return manifest
    string_data = {**manifest.get("stringData", {}), name: secrets.token_hex(SECRET_BYTES)}
    return {**manifest, "stringData": string_data}


def _manifest_digest(stored: Object) -> str | None:
    digest: str | None = (stored["metadata"].get("annotations") or {}).get(names.MANIFEST_ANNOTATION)
    return digest


def _reference(kind: str, stored: Object) -> ObjectReference:
    return ObjectReference(kind, object_cache.object_namespace(stored), object_cache.object_name(stored))
