"""What a run's store holds that nothing leads to: blobs of attempts that were lost, leftovers of probes.

Marked is everything that a receipt or the chain leads to; names are never touched, so rollouts of an iteration on its
way, receipts and pins stay. What is young stays too, for its receipt may still be coming. Only what looks exactly like
a blob or a probe of this run is ever collected: another run's objects, below the same prefix or not, do not.

Limits: a listing shows what there was a moment ago, which is enough, for what is collected is old.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from swarm_core.ports import ArtifactStore
from swarm_core.recipe import Digest
from swarm_trainer.stores.shelf import Shelf, Thing
from swarm_trainer.verbs import chain, replay, setup

COLLECTABLE = re.compile(r"blobs/[0-9a-f]{2}/[0-9a-f]{64}|probe/[0-9a-f]{32}|tmp/[0-9a-f]{32}")


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


def survey(store: ArtifactStore, shelf: Shelf, grace: float) -> Collection:
    """What could be collected of what is older than `grace` seconds. Raises CorruptError, StoreError."""
    marks = marked(store)
    kept, young, garbage = 0, 0, []
    for thing in shelf.things():
        if COLLECTABLE.fullmatch(thing.key) is None or thing.key.rpartition("/")[2] in marks:
            kept += 1
        elif thing.age < grace:
            young += 1
        else:
            garbage.append(thing)
    return Collection(kept, tuple(garbage), young)


def sweep(shelf: Shelf, garbage: Iterable[Thing]) -> Iterator[Thing]:
    """Delete the garbage, one thing after another. Raises StoreError."""
    for thing in garbage:
        shelf.discard(thing.key)
        yield thing


def marked(store: ArtifactStore) -> frozenset[Digest]:
    """Every blob that a receipt leads to. The chain is walked too: who has lost its way deletes nothing."""
    manifest, experiment = setup.manifested(store)
    for _ in chain.walk(store):
        pass
    return frozenset(replay.reachable(store, experiment, manifest))
