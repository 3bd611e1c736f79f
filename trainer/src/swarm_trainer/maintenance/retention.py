"""Which rollouts stay when a run that has concluded is thinned.

Kept are those of the last iterations, of iterations somebody pinned, and all of the best adapter. Commits are never
touched: they are a few kilobytes, and the chain is walked through them. An iteration that lost its rollouts is marked
first, so that `verify` can tell what was given up from what was lost.

Limits: a run that goes on reads its rollouts again when it concludes, so only a concluded one is thinned. An iteration
without rollouts can be believed by its digest, and no longer measured again; nobody can fork from there.
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
    """Where it is said that an iteration is kept."""
    return f"{PIN_PREFIX}/{iteration:04d}"


def thinned_key(iteration: int) -> str:
    """Where it is said that the rollouts of an iteration were given up."""
    return f"{THINNED_PREFIX}/{iteration:04d}"


def pin(store: ArtifactStore, iteration: int) -> None:
    """Keep an iteration, whatever is thinned later. Raises BadInputError if there is none, StoreError."""
    if commit_chain.load(store, iteration) is None:
        raise BadInputError(f"there is no iteration {iteration}; give one that was committed")
    if is_thinned(store, iteration):
        raise BadInputError(f"the rollouts of iteration {iteration} were given up already; pin another")
    store.publish(pin_key(iteration), b"{}")


def is_pinned(store: ArtifactStore, iteration: int) -> bool:
    return store.read(pin_key(iteration)) is not None


def is_thinned(store: ArtifactStore, iteration: int) -> bool:
    """Whether the rollouts of an iteration were given up."""
    return store.read(thinned_key(iteration)) is not None


def list_expendable(store: ArtifactStore, keep: int) -> frozenset[str]:
    """The keys of the rollouts that may go when the last `keep` iterations stay. Raises BadInputError too early."""
    concluded = receipt_store.load(store, WorkItem(Kind.CONCLUDE).key)
    if concluded is None:
        raise BadInputError("--keep is for a run that has concluded: one that goes on needs its rollouts; run it first")
    best, commits = concluded.scalars[Scalar.BEST_RECIPE], list(commit_chain.walk(store))
    if any(one.pool is not None for one in commits):
        raise BadInputError("--keep is for a SwarmRun: pools of a game are derived from older rollouts; leave it out")
    older = [one for one in commits[keep:] if not is_pinned(store, one.iteration)]
    return frozenset(
        commit.probe_key(one.iteration, probe.name) for one in older for probe in one.probes if probe.model != best
    )
