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
from swarm_trainer.stores.shelf import STORED, Shelf, Thing
from swarm_trainer.verbs import chain, replay, retention, setup

ROLLOUT = re.compile(r"names/iterations/(\d{4,})/rollouts/[^/]+")


@dataclass(frozen=True, slots=True)
class Collection:
    """What is kept and what is not."""

    kept: int
    garbage: tuple[Thing, ...]
    young: int
    """Things nothing leads to that are too young to be collected."""

    @property
    def size(self) -> int:
        """Bytes of the garbage."""
        return sum(thing.size for thing in self.garbage)


@dataclass(frozen=True, slots=True)
class Terms:
    """What may be collected."""

    grace: float
    """Seconds: what is younger stays."""
    keep: int | None = None
    """Last iterations that keep their rollouts; None keeps all."""


def survey(store: ArtifactStore, shelf: Shelf, terms: Terms) -> Collection:
    """What could be collected. Raises BadInputError for terms the run is not ready for, CorruptError, StoreError."""
    marks = marked(store)
    expendable = frozenset() if terms.keep is None else retention.expendable(store, terms.keep)
    kept, young, garbage = 0, 0, []
    for thing in shelf.things():
        if not collectable(thing, marks, expendable):
            kept += 1
        elif thing.age < terms.grace:
            young += 1
        else:
            garbage.append(thing)
    return Collection(kept, tuple(garbage), young)


def collectable(thing: Thing, marks: frozenset[Digest], expendable: frozenset[str]) -> bool:
    """Whether nothing leads to a thing, or it is a rollout that may go."""
    rollout = ROLLOUT.fullmatch(thing.key)
    if rollout is not None:
        return thing.key.removeprefix("names/") in expendable
    ours = STORED.fullmatch(thing.key) is not None
    return ours and (bool(thing.upload) or thing.key.rpartition("/")[2] not in marks)


def sweep(store: ArtifactStore, shelf: Shelf, garbage: Iterable[Thing]) -> Iterator[Thing]:
    """Delete the garbage, one thing after another. Raises StoreError."""
    for thing in garbage:
        rollout = ROLLOUT.fullmatch(thing.key)
        if rollout is not None:
            store.publish(retention.thinned_key(int(rollout[1])), b"{}")
        shelf.discard(thing)
        yield thing


def marked(store: ArtifactStore) -> frozenset[Digest]:
    """Every blob that a receipt leads to. The chain is walked too: who has lost its way deletes nothing."""
    manifest, experiment = setup.manifested(store)
    for _ in chain.walk(store):
        pass
    return frozenset(replay.reachable(store, experiment, manifest))
