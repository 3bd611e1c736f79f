"""Caches the objects of the cluster, as watches, lists and the responses to our own writes report them.

Promise: reports may come late, twice or out of order, but an older version never replaces a newer one, and a deleted
object never comes back. Three facts make that possible. Resource versions of one kind are numbers that only grow
(guaranteed since Kubernetes 1.35). A uid is never used twice. An object that a list lacks, and that is not newer than
the list, is deleted. So the response to a create counts until a watch shows the object, and the next list repairs a
watch that stopped.

Limits: memory only; only runs, and objects with the label of a run. If a server was restored from a backup, its list is
older than the newest version in the cache; then the list replaces everything.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from swarm_operator.api_client import resources
from swarm_operator.api_client.cluster import Listing
from swarm_operator.common import names
from swarm_operator.common.reconcile_plan import Object, ObservedRun

DELETED_UIDS_KEPT = 20_000
"""Uids of deleted objects that the cache remembers. No report about an older one can still be on its way."""
RunKey = str
"""The uid of a run."""


@dataclass
class Cache:
    """Objects by kind and uid."""

    _objects: dict[str, dict[str, Object]] = field(
        default_factory=lambda: {kind: {} for kind in resources.list_cached_kinds()}
    )
    _children: dict[RunKey, dict[str, Object]] = field(default_factory=dict)
    _newest: dict[str, int] = field(default_factory=lambda: dict.fromkeys(resources.list_cached_kinds(), 0))
    _deleted_uids: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def record(self, kind: str, manifest: Object) -> RunKey | None:
        """Store an object. Returns its run if the cache changed."""
        known = self._objects[kind].get(object_uid(manifest))
        if object_uid(manifest) in self._deleted_uids or (
            known is not None and resource_version(known) >= resource_version(manifest)
        ):
            return None
        self._put(kind, manifest)
        return run_key(kind, manifest)

    def record_deleted(self, kind: str, manifest: Object) -> RunKey | None:
        """Remove a deleted object. Returns its run if the cache changed."""
        if object_uid(manifest) in self._deleted_uids:
            return None
        self._mark_deleted(kind, manifest)
        return run_key(kind, manifest)

    def forget_deleted(self, kind: str, uid: str) -> None:
        """Remove the deleted object with this uid."""
        if (manifest := self._objects[kind].get(uid)) is not None:
            self._mark_deleted(kind, manifest)

    def newest_version(self, kind: str) -> int:
        """The highest resourceVersion of a kind so far. A list that is requested after this call is not older."""
        return self._newest[kind]

    def record_list(self, kind: str, namespace: str | None, listing: Listing, before: int) -> set[RunKey]:
        """Store a list that was requested when `newest_version` was `before`. Returns the runs that changed."""
        version = int(listing.version)
        if version < before:
            self._forget(kind)
        found = {object_uid(manifest) for manifest in listing.objects}
        missing = [
            manifest
            for manifest in self._objects[kind].values()
            if object_uid(manifest) not in found
            and resource_version(manifest) <= version
            and namespace in (None, object_namespace(manifest))
        ]
        changed = {self.record_deleted(kind, manifest) for manifest in missing}
        changed |= {self.record(kind, manifest) for manifest in listing.objects}
        return {run for run in changed if run is not None}

    def observe(self, run: RunKey) -> ObservedRun | None:
        """A run and its children, sorted by kind and name. None if there is no such run."""
        if (manifest := self.find_run(run)) is None:
            return None
        children = sorted(self._children.get(run, {}).values(), key=lambda child: (child["kind"], object_name(child)))
        others = (other for other in self.runs() if object_uid(other) != run)
        return ObservedRun(manifest, tuple(children), tuple(others) if is_deleting(manifest) else ())

    def find_run(self, run: RunKey) -> Object | None:
        """The run with this uid, of any kind. None if there is no such run."""
        held = (self._objects[kind] for kind in resources.list_run_kinds())
        return next((objects[run] for objects in held if run in objects), None)

    def list_kind(self, kind: str) -> Iterable[Object]:
        """All objects of a kind."""
        return self._objects[kind].values()

    def runs(self) -> Iterator[Object]:
        """All runs, of every kind."""
        return chain.from_iterable(map(self.list_kind, resources.list_run_kinds()))

    def _put(self, kind: str, manifest: Object) -> None:
        # Entries of a list lack apiVersion and kind.
        whole = {"apiVersion": resources.find_resource(kind).api_version, "kind": kind, **manifest}
        self._objects[kind][object_uid(manifest)] = whole
        self._newest[kind] = max(self._newest[kind], resource_version(manifest))
        if kind not in resources.list_run_kinds() and (run := run_key(kind, manifest)) is not None:
            self._children.setdefault(run, {})[object_uid(manifest)] = whole

    def _mark_deleted(self, kind: str, manifest: Object) -> None:
        self._remove(kind, manifest)
        self._newest[kind] = max(self._newest[kind], resource_version(manifest))
        self._deleted_uids[object_uid(manifest)] = None
        while len(self._deleted_uids) > DELETED_UIDS_KEPT:
            self._deleted_uids.popitem(last=False)

    def _remove(self, kind: str, manifest: Object) -> None:
        self._objects[kind].pop(object_uid(manifest), None)
        run = run_key(kind, manifest)
        if kind not in resources.list_run_kinds() and run in self._children:
            self._children[run].pop(object_uid(manifest), None)
            if not self._children[run]:
                del self._children[run]

    def _forget(self, kind: str) -> None:
        for manifest in list(self._objects[kind].values()):
            self._remove(kind, manifest)
        self._newest[kind] = 0
        self._deleted_uids.clear()


def run_key(kind: str, manifest: Object) -> RunKey | None:
    """The uid of the run that an object is, or belongs to."""
    if kind in resources.list_run_kinds():
        return object_uid(manifest)
    run: RunKey | None = (manifest["metadata"].get("labels") or {}).get(names.RUN_UID_LABEL)
    return run


def object_uid(manifest: Object) -> str:
    return str(manifest["metadata"]["uid"])


def object_name(manifest: Object) -> str:
    return str(manifest["metadata"]["name"])


def object_namespace(manifest: Object) -> str:
    return str(manifest["metadata"]["namespace"])


def is_deleting(manifest: Object) -> bool:
    """Whether the object has a deletionTimestamp. It is gone once it has no finalizer."""
    return manifest["metadata"].get("deletionTimestamp") is not None


def resource_version(manifest: Object) -> int:
    return int(manifest["metadata"]["resourceVersion"])
