"""What a run's store holds that nothing leads to: blobs of attempts that were lost, leftovers of probes and uploads.

Marked is everything that a receipt or the chain leads to; names are not touched, so rollouts of an iteration on its
way, receipts and pins stay. Of a run that has concluded the rollouts of older iterations are given up too, if the user
says how many to keep (`retention`). What is young stays, for its receipt may still be coming. Only what looks exactly
like a part of this run is ever collected: another run's objects, below the same prefix or not, do not.

Limits: a listing shows what there was a moment ago, which is enough, for what is collected is old.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from swarm_core.ports import ArtifactStore
from swarm_core.recipe import Digest
from swarm_trainer.maintenance import replay, retention
from swarm_trainer.run_store import commit_chain, experiments
from swarm_trainer.stores.store_listing import STORED_PATTERN, StoredObject, StoreListing

ROLLOUT_KEY = re.compile(r"names/iterations/(\d{4,})/rollouts/[^/]+")


@dataclass(frozen=True, slots=True)
class CollectionPlan:
    """What is kept and what is not."""

    kept: int
    garbage: tuple[StoredObject, ...]
    young: int
    """Things nothing leads to that are too young to be collected."""

    @property
    def size(self) -> int:
        """Bytes of the garbage."""
        return sum(stored.size for stored in self.garbage)


@dataclass(frozen=True, slots=True)
class CollectionPolicy:
    """What may be collected."""

    grace: float
    """Seconds: what is younger stays."""
    keep: int | None = None
    """Last iterations that keep their rollouts; None keeps all."""


def scan(store: ArtifactStore, listing: StoreListing, terms: CollectionPolicy) -> CollectionPlan:
    """What could be collected. Raises BadInputError for terms the run is not ready for, CorruptError, StoreError."""
    marks = mark(store)
    expendable = frozenset() if terms.keep is None else retention.list_expendable(store, terms.keep)
    kept, young, garbage = 0, 0, []
    for stored in listing.objects():
        if not is_collectable(stored, marks, expendable):
            kept += 1
        elif stored.age < terms.grace:
            young += 1
        else:
            garbage.append(stored)
    return CollectionPlan(kept, tuple(garbage), young)


def is_collectable(stored: StoredObject, marks: frozenset[Digest], expendable: frozenset[str]) -> bool:
    """Whether nothing leads to an object, or it is a rollout that may go."""
    rollout = ROLLOUT_KEY.fullmatch(stored.key)
    if rollout is not None:
        return stored.key.removeprefix("names/") in expendable
    ours = STORED_PATTERN.fullmatch(stored.key) is not None
    return ours and (bool(stored.upload) or stored.key.rpartition("/")[2] not in marks)


def sweep(store: ArtifactStore, listing: StoreListing, garbage: Iterable[StoredObject]) -> Iterator[StoredObject]:
    """Delete the garbage, one object after another. Raises StoreError."""
    for stored in garbage:
        rollout = ROLLOUT_KEY.fullmatch(stored.key)
        if rollout is not None:
            store.publish(retention.thinned_key(int(rollout[1])), b"{}")
        listing.delete(stored)
        yield stored


def mark(store: ArtifactStore) -> frozenset[Digest]:
    """Every blob that a receipt leads to. The chain is walked too: who has lost its way deletes nothing."""
    manifest, experiment = experiments.load(store)
    for _ in commit_chain.walk(store):
        pass
    return frozenset(replay.walk_reachable(store, experiment, manifest))
