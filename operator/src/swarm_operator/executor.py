"""Executes a plan: its steps in order, then one write of the status if it changed, then its events.

Promises:
  - Steps are idempotent. If the name of an object is taken, the existing object is compared before the step succeeds:
    it must belong to the same run and come from the same manifest.
  - A created object is known at once. The response goes into the cache, or is remembered for kinds without a watch.
  - The status is written only if the run still has the uid and the version that were observed (else ConflictError).
  - A failed step ends the steps. The status and the events are still written, and the failure is raised after that.

Invariant: the executor writes only children of the run, its status and its finalizers. It never writes the spec of a
run or the rest of its metadata.
"""

import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from swarm_operator import events, logs
from swarm_operator.api_client import object_cache, resources
from swarm_operator.api_client.cluster import (
    AlreadyExistsError,
    ApiError,
    Cluster,
    ConflictError,
    NamespaceTerminatingError,
    NotFoundError,
    NotLeaderError,
    ObjectReference,
)
from swarm_operator.api_client.object_cache import Cache, RunKey
from swarm_operator.common import manifest_digest, names, storage_location
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
from swarm_operator.reconciler import refusals

SECRET_BYTES = 32
EVENTS_SECONDS = 10.0
"""The events about children that do not start are read at most this often."""
EXPLAINED_CHILDREN = 4
"""Children whose events are read. Those of one run do not start for the same reason, mostly."""
EVENT_LEVELS = {"Normal": logging.INFO, "Warning": logging.WARNING}
LOG = logging.getLogger(__name__)


@dataclass
class Executor:
    """Performs the steps of plans, and remembers objects and events that no watch shows."""

    cluster: Cluster
    cache: Cache
    clock: Callable[[], float]
    """A monotonic clock, in seconds."""
    trust_seconds: float
    """Seconds after its creation in which an object without a watch counts as existing."""
    _created: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)
    """When an object was created, by run and by kind and name."""
    _reported_events: dict[str, set[str]] = field(default_factory=dict)
    """Names of the events that were created, by run."""
    _refusals: dict[str, str] = field(default_factory=dict)
    """The words of the API server if it refused a step of the last plan, by run."""
    _unexplained: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Uids of children that did not start by the last plan, by run."""
    _explained: dict[str, tuple[float, tuple[Object, ...]]] = field(default_factory=dict)
    """The events about such children and the time at which they were read, by run."""

    async def explain(self, observed: ObservedRun) -> ObservedRun:
        """Add what the cache does not hold: the last refusal, and the events about children that do not start.

        Raises NotLeaderError. Without the right to list events, there are none.
        """
        run = object_cache.object_uid(observed.run)
        return replace(observed, refusal=self._refusals.get(run, ""), events=await self._read_events(observed.run))

    async def execute(self, observed: ObservedRun, plan: Plan) -> bool:
        """Execute `plan`. Returns whether any step made a call. Raises the ApiError of a step or of the status."""
        key, failure = object_cache.object_uid(observed.run), None
        acted = False
        try:
            for step in plan.steps:
                acted |= await self._execute_step(observed.run, step)
        except NamespaceTerminatingError as error:
            await self._release(observed.run, str(error))
        except ApiError as error:
            failure = error
        self._unexplained[key] = plan.unexplained
        refused = failure is not None and refusals.is_refusal(failure.status, str(failure))
        self._refusals[key] = str(failure) if refused else ""
        await self._write_status(observed.run, plan.status)
        await self._write_events(observed.run, (*plan.events, *_refusal_events(self._refusals[key])))
        if failure is not None:
            raise failure
        return acted

    async def _release(self, run: Object, reason: str) -> None:
        """Let a run go whose namespace is being deleted. No Job can be created there, so its results stay."""
        log = logs.for_run(LOG, run)
        finalizers = run["metadata"].get("finalizers") or []
        if not object_cache.is_deleting(run) or names.FINALIZER not in finalizers:
            log.info("starts no more work: %s", reason)
            return
        log.warning("goes, and its results stay at %s: %s", storage_location.uri(run), reason)
        await self._set_finalizers(run, SetFinalizers(tuple(one for one in finalizers if one != names.FINALIZER)))

    def forget(self, run: RunKey) -> None:
        """Forget a run that is gone."""
        for known in (self._created, self._reported_events, self._refusals, self._unexplained, self._explained):
            known.pop(run, None)

    async def _read_events(self, run: Object) -> tuple[Object, ...]:
        """The events about children of the run that do not start, at most EVENTS_SECONDS old."""
        key, namespace = object_cache.object_uid(run), object_cache.object_namespace(run)
        uids = self._unexplained.get(key, ())[:EXPLAINED_CHILDREN]
        if not uids:
            return ()
        read_at, found = self._explained.get(key, (float("-inf"), ()))
        if self.clock() - read_at < EVENTS_SECONDS:
            return found
        try:
            listings = [await self.cluster.list("Event", namespace, fields=f"involvedObject.uid={uid}") for uid in uids]
        except NotLeaderError:
            raise
        except ApiError as error:
            logs.for_run(LOG, run).info("could not read the events of children that do not start: %s", error)
            return ()
        found = tuple(event for listing in listings for event in listing.objects)
        self._explained[key] = self.clock(), found
        return found

    async def refresh(self, run: Object) -> None:
        """Read a run again after a conflict, because the cached version is old. Raises ApiError."""
        target = _reference(run["kind"], run)
        try:
            self.cache.record(run["kind"], await self.cluster.read(target))
        except NotFoundError:
            self.cache.record_deleted(run["kind"], run)

    async def _execute_step(self, run: Object, step: Step) -> bool:
        """Execute one step and log it. Returns whether it made a call."""
        log = logs.for_run(LOG, run)
        match step:
            case Create():
                if not await self._create(run, step):
                    return False
                log.info("created %s %s", step.manifest["kind"], step.manifest["metadata"]["name"])
            case Delete():
                await self._delete(run, step)
                log.info("deleted %s %s", step.kind, step.name)
            case Patch():
                await self._patch(run, step)
                log.info("patched %s %s with %s", step.kind, step.name, json.dumps(step.patch, default=dict))
            case SetFinalizers():
                await self._set_finalizers(run, step)
                log.info("set the finalizers to %s", ", ".join(step.names) or "none")
            case _:
                assert_never(step)
        return True

    async def _create(self, run: Object, step: Create) -> bool:
        kind, name = step.manifest["kind"], step.manifest["metadata"]["name"]
        created = self._created.setdefault(object_cache.object_uid(run), {})
        cached = kind in resources.list_cached_kinds()
        if not cached and self.clock() - created.get((kind, name), float("-inf")) < self.trust_seconds:
            return False
        metadata = {**step.manifest["metadata"], "namespace": object_cache.object_namespace(run)}
        manifest = manifest_digest.annotate({**step.manifest, "metadata": metadata})
        try:
            # A 409 says only that the name is taken. The object may belong to an earlier run of this name, or come
            # from an older spec. So it is compared before the 409 counts as success.
            stored = await self.cluster.create(_with_secret(manifest, step.secret))
        except AlreadyExistsError:
            stored = await self._read_and_compare(run, manifest, step.secret is not None)
        if cached:
            self.cache.record(kind, stored)
        else:
            created[kind, name] = self.clock()
        return True

    async def _read_and_compare(self, run: Object, manifest: Object, keep_existing: bool) -> Object:
        """The existing object with the name of `manifest`, if it is the same object.

        `keep_existing` accepts any content: a Secret holds a random key. Raises ConflictError for another object.
        """
        target = _reference(manifest["kind"], manifest)
        existing = await self.cluster.read(target)
        if not _belongs_to_run(existing, run):
            raise ConflictError(f"{target} exists and does not belong to this run; delete it, or rename the run", 409)
        if keep_existing or manifest_digest.read(existing) == manifest_digest.read(manifest):
            return existing
        if target.kind in resources.list_cached_kinds():
            self.cache.record(target.kind, existing)  # the next reconcile sees it and decides
        else:  # no reconcile would ever see it, so it is deleted here and created again with the next plan
            await self.cluster.delete(target, object_cache.object_uid(existing))
        raise ConflictError(
            f"{target} exists, but was created from another manifest; a later reconcile replaces it", 409
        )

    async def _delete(self, run: Object, step: Delete) -> None:
        target = ObjectReference(step.kind, object_cache.object_namespace(run), step.name)
        try:
            deleting = await self.cluster.delete(target, step.uid, step.grace_seconds)
        except (NotFoundError, ConflictError):
            return  # it is gone, or another object has its name; a watch or the next list reports which
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
        """Change the run by one operation of a JSON patch.

        Raises ConflictError if the run has another uid or version.
        """
        body, target = [*_version_preconditions(run), change], _reference(run["kind"], run)
        try:
            self.cache.record(run["kind"], await self.cluster.patch(target, body, subresource))
        except NotFoundError:
            self.cache.record_deleted(run["kind"], run)

    async def _write_events(self, run: Object, new_events: tuple[Event, ...]) -> None:
        reported = self._reported_events.setdefault(object_cache.object_uid(run), set())
        for event in new_events:
            manifest = events.build_event(run, event)
            name = manifest["metadata"]["name"]
            if name in reported:
                continue
            reported.add(name)
            logs.for_run(LOG, run).log(EVENT_LEVELS[event.type], "%s: %s", event.reason, event.message)
            try:
                await self.cluster.create(manifest)
            except AlreadyExistsError:
                pass  # created before a restart
            except ApiError as error:
                # Nothing depends on an event, so a failure to create one does not fail the reconcile.
                logs.for_run(LOG, run).warning("could not create the event %s: %s", event.reason, error)


def _belongs_to_run(stored: Object, run: Object) -> bool:
    """Whether an object belongs to the run, by its owner references or, if it has none, by its label."""
    owners = [owner.get("uid") for owner in stored["metadata"].get("ownerReferences") or ()]
    label = (stored["metadata"].get("labels") or {}).get(names.RUN_UID_LABEL)
    return object_cache.object_uid(run) in (owners or [label])


def _refusal_events(refusal: str) -> tuple[Event, ...]:
    """The event for a refusal that a person must resolve: a quota, a missing right, an invalid manifest."""
    if not refusal:
        return ()
    found = refusals.classify(refusal)
    return (Event("Warning", found.reason, f"{refusal}; {found.advice}"),)


def _version_preconditions(run: Object) -> list[dict[str, str]]:
    """JSON patch operations that succeed only for this version of this run, and change nothing.

    The server silently ignores a replaced uid, so the uid is tested. The server itself compares the resourceVersion.
    """
    metadata = run["metadata"]
    return [
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
    ]


def normalize_json(value: Any) -> Any:
    """`value` as JSON stores it: lists instead of tuples, and no nulls, because the server drops them."""
    return json.loads(json.dumps(value, default=dict), object_hook=_without_nulls)


def _without_nulls(stored: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in stored.items() if part is not None}


def _with_secret(manifest: Object, name: str | None) -> Object:
    if name is None:
        return manifest
    string_data = {**manifest.get("stringData", {}), name: secrets.token_hex(SECRET_BYTES)}
    return {**manifest, "stringData": string_data}


def _reference(kind: str, stored: Object) -> ObjectReference:
    return ObjectReference(kind, object_cache.object_namespace(stored), object_cache.object_name(stored))
