"""Decides which rollouts stay when the rollouts of a concluded run are pruned.

The rollouts of the last iterations, of pinned iterations, and all of the best adapter stay. Commits are never deleted:
they take a few kilobytes, and the chain is read through them. An iteration is marked before its rollouts are deleted.
So `verify` can distinguish deleted rollouts from lost ones.

Limits: an unfinished run reads its rollouts again when it concludes, so only a concluded run is pruned. An iteration
without rollouts can be checked by its digest only; it cannot be measured again, and no run can fork from it.
"""

from swarm_core import commit
from swarm_core.engine.receipt_fields import Scalar
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_trainer.run_store import commit_chain, receipt_store

PIN_PREFIX = "pins"
THINNED_PREFIX = "thinned"


def pin_key(iteration: int) -> str:
    """Return the key that marks an iteration as kept."""
    return f"{PIN_PREFIX}/{iteration:04d}"


def thinned_key(iteration: int) -> str:
    """Return the key that marks the rollouts of an iteration as deleted."""
    return f"{THINNED_PREFIX}/{iteration:04d}"


def pin(store: ArtifactStore, iteration: int) -> None:
    """Keep an iteration in every later collection.

    Raises BadInputError if there is none or its rollouts are gone, StoreError.
    """
    if commit_chain.load(store, iteration) is None:
        raise BadInputError(f"there is no iteration {iteration}; give a committed one")
    if is_thinned(store, iteration):
        raise BadInputError(f"the rollouts of iteration {iteration} were deleted already; pin another one")
    store.publish(pin_key(iteration), b"{}")


def is_pinned(store: ArtifactStore, iteration: int) -> bool:
    """Return whether an iteration is kept in every collection."""
    return store.read(pin_key(iteration)) is not None


def is_thinned(store: ArtifactStore, iteration: int) -> bool:
    """Return whether the rollouts of an iteration were deleted."""
    return store.read(thinned_key(iteration)) is not None


def list_expendable(store: ArtifactStore, keep: int) -> frozenset[str]:
    """List the keys of the rollouts that may go if the last `keep` iterations stay.

    Raises BadInputError if the run has not concluded, or if it is a game.
    """
    concluded = receipt_store.load(store, WorkItem(Kind.CONCLUDE).key)
    if concluded is None:
        raise BadInputError("--keep is for a concluded run: this one still needs its rollouts; run it to its end first")
    best, commits = concluded.scalars[Scalar.BEST_RECIPE], list(commit_chain.walk(store))
    if any(done.pool is not None for done in commits):
        raise BadInputError("--keep is for a SwarmRun: pools of a game are derived from older rollouts; leave it out")
    older = [done for done in commits[keep:] if not is_pinned(store, done.iteration)]
    return frozenset(
        commit.candidate_key(done.iteration, candidate.name)
        for done in older
        for candidate in done.candidates
        if candidate.model != best
    )
