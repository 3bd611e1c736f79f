"""What the cluster holds, as far as we were told: by watches, by lists, and by the answers to our own writes.

Promise: whatever comes late, doubled or out of order, an object is never replaced by an older one, and one that is
gone never comes back. Versions of one kind are numbers that only grow (Kubernetes promises so since 1.35), a uid is
never used twice, and a list says what is gone: what it lacks and is not newer than it. So the answer to a create stands
until a watch shows the object, and a watch that stopped is made good by the next list.

Limits: memory only; only runs and objects with the label of a run. A server that was set back to an older state is
noticed by its list being older than what was known before; then the list alone counts.
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
"""Uids of deleted objects that are kept; word of an older one than that is long past."""
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
    _dead: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def record(self, kind: str, thing: Object) -> RunKey | None:
        """Take note of an object; the run it belongs to if that is news."""
        known = self._objects[kind].get(object_uid(thing))
        if object_uid(thing) in self._dead or (
            known is not None and resource_version(known) >= resource_version(thing)
        ):
            return None
        self._put(kind, thing)
        return run_key(kind, thing)

    def lost(self, kind: str, thing: Object) -> RunKey | None:
        """Take note that an object is gone; the run it belonged to if that is news."""
        if object_uid(thing) in self._dead:
            return None
        self._bury(kind, thing)
        return run_key(kind, thing)

    def gone(self, kind: str, identity: str) -> None:
        """Take note that the object of this uid is gone."""
        if (thing := self._objects[kind].get(identity)) is not None:
            self._bury(kind, thing)

    def newest_version(self, kind: str) -> int:
        """The highest version heard of: a list asked for after this is not older."""
        return self._newest[kind]

    def listed(self, kind: str, namespace: str | None, listing: Listing, before: int) -> set[RunKey]:
        """Take a list, asked for when `newest` was `before`; the runs about which it brought news."""
        then = int(listing.version)
        if then < before:
            self._forget(kind)
        found = {object_uid(thing) for thing in listing.objects}
        gone = [
            thing
            for thing in self._objects[kind].values()
            if object_uid(thing) not in found
            and resource_version(thing) <= then
            and namespace in (None, object_namespace(thing))
        ]
        news = {self.lost(kind, thing) for thing in gone} | {self.record(kind, thing) for thing in listing.objects}
        return {run for run in news if run is not None}

    def observe(self, run: RunKey) -> ObservedRun | None:
        """A run and its children, sorted by kind and name; None if there is no such run."""
        thing = next(
            (self._objects[kind][run] for kind in resources.list_run_kinds() if run in self._objects[kind]), None
        )
        if thing is None:
            return None
        children = sorted(self._children.get(run, {}).values(), key=lambda child: (child["kind"], object_name(child)))
        others = (other for other in self.runs() if object_uid(other) != run)
        return ObservedRun(thing, tuple(children), tuple(others) if is_deleting(thing) else ())

    def list_kind(self, kind: str) -> Iterable[Object]:
        """Every object of a kind."""
        return self._objects[kind].values()

    def runs(self) -> Iterator[Object]:
        """Every run, of whatever kind."""
        return chain.from_iterable(map(self.list_kind, resources.list_run_kinds()))

    def _put(self, kind: str, thing: Object) -> None:
        whole = {"apiVersion": resources.find(kind).api_version, "kind": kind, **thing}  # lists leave both out
        self._objects[kind][object_uid(thing)] = whole
        self._newest[kind] = max(self._newest[kind], resource_version(thing))
        if kind not in resources.list_run_kinds() and (run := run_key(kind, thing)) is not None:
            self._children.setdefault(run, {})[object_uid(thing)] = whole

    def _bury(self, kind: str, thing: Object) -> None:
        self._remove(kind, thing)
        self._newest[kind] = max(self._newest[kind], resource_version(thing))
        self._dead[object_uid(thing)] = None
        while len(self._dead) > DELETED_UIDS_KEPT:
            self._dead.popitem(last=False)

    def _remove(self, kind: str, thing: Object) -> None:
        self._objects[kind].pop(object_uid(thing), None)
        run = run_key(kind, thing)
        if kind not in resources.list_run_kinds() and run in self._children:
            self._children[run].pop(object_uid(thing), None)
            if not self._children[run]:
                del self._children[run]

    def _forget(self, kind: str) -> None:
        for thing in list(self._objects[kind].values()):
            self._remove(kind, thing)
        self._newest[kind] = 0
        self._dead.clear()


def run_key(kind: str, thing: Object) -> RunKey | None:
    """The uid of the run that an object is, or belongs to."""
    if kind in resources.list_run_kinds():
        return object_uid(thing)
    run: RunKey | None = (thing["metadata"].get("labels") or {}).get(names.RUN_UID_LABEL)
    return run


def object_uid(thing: Object) -> str:
    return str(thing["metadata"]["uid"])


def object_name(thing: Object) -> str:
    return str(thing["metadata"]["name"])


def object_namespace(thing: Object) -> str:
    return str(thing["metadata"]["namespace"])


def is_deleting(thing: Object) -> bool:
    """Whether it is deleted, and gone once no finalizer holds it."""
    return thing["metadata"].get("deletionTimestamp") is not None


def resource_version(thing: Object) -> int:
    return int(thing["metadata"]["resourceVersion"])
