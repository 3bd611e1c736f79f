"""Collects the objects of a run's store that nothing refers to: lost blobs, leftovers of probes and uploads.

Every blob that a receipt or the chain refers to is marked. Names are not touched, so rollouts of an unfinished
iteration, receipts and pins stay. For a concluded run, the rollouts of older iterations are collected too if the user
gives the number of iterations to keep (`retention`). Young objects stay, because their receipt may still come. Only an
object whose key has exactly the form of a part of this run is collected. So other runs' objects stay, also below the
same prefix.

Limits: a listing shows a past state of the store. That is enough, because only old objects are collected.
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
    """The objects to keep and to collect."""

    kept: int
    garbage: tuple[StoredObject, ...]
    young: int
    """The number of objects that nothing refers to, but that are too young to be collected."""

    @property
    def size(self) -> int:
        """The size of the garbage in bytes."""
        return sum(stored.size for stored in self.garbage)


@dataclass(frozen=True, slots=True)
class CollectionPolicy:
    """The rules for what may be collected."""

    grace: float
    """The age in seconds below which an object stays."""
    keep: int | None = None
    """The number of last iterations that keep their rollouts; None keeps all."""


def scan(store: ArtifactStore, listing: StoreListing, policy: CollectionPolicy) -> CollectionPlan:
    """Plan a collection.

    Raises BadInputError if the policy needs a concluded run and this one is not, CorruptError, StoreError.
    """
    marks = mark(store)
    expendable = frozenset() if policy.keep is None else retention.list_expendable(store, policy.keep)
    kept, young, garbage = 0, 0, []
    for stored in listing.objects():
        if not is_collectable(stored, marks, expendable):
            kept += 1
        elif stored.age < policy.grace:
            young += 1
        else:
            garbage.append(stored)
    return CollectionPlan(kept, tuple(garbage), young)


def is_collectable(stored: StoredObject, marks: frozenset[Digest], expendable: frozenset[str]) -> bool:
    """Return whether nothing refers to an object, or it is a rollout that may go."""
    rollout = ROLLOUT_KEY.fullmatch(stored.key)
    if rollout is not None:
        return stored.key.removeprefix("names/") in expendable
    own = STORED_PATTERN.fullmatch(stored.key) is not None
    return own and (bool(stored.upload) or stored.key.rpartition("/")[2] not in marks)


def sweep(store: ArtifactStore, listing: StoreListing, garbage: Iterable[StoredObject]) -> Iterator[StoredObject]:
    """Delete the garbage, one object after another, and yield each. Raises StoreError."""
    for stored in garbage:
        rollout = ROLLOUT_KEY.fullmatch(stored.key)
        if rollout is not None:
            store.publish(retention.thinned_key(int(rollout[1])), b"{}")
        listing.delete(stored)
        yield stored


def mark(store: ArtifactStore) -> frozenset[Digest]:
    """Return every blob that a receipt refers to.

    The whole chain is read too: if it is broken, this raises CorruptError or StoreError before anything is deleted.
    """
    manifest, experiment = experiments.load(store)
    for _ in commit_chain.walk(store):
        pass
    return frozenset(replay.walk_reachable(store, experiment, manifest))
