"""One swarm's turn: what it moves from, and what its candidates are measured on.

A turn is a function of the commits before it, so `iterate`, which makes it, and `verify`, which repeats it, load the
same one. Which turn stands at which place of the chain belongs to the kind of run (`evaluation.program.TurnRules`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from swarm_core.commit import ProbeResult
from swarm_core.composition import Statistics
from swarm_core.item_pool import Pool
from swarm_core.items import Item
from swarm_core.optimizers import optimization
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.recipe import Recipe
from swarm_core.swarm_names import GENERATORS
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.run_store import commit_chain
from swarm_trainer.runtime.context import Context

HELD_OUT_PURPOSE = "HeldOut"
"""The purpose of a measurement on held-out data, as a commit names it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One swarm's turn, before it."""

    setup: SearchSetup
    index: int
    """Its place in the chain of commits."""
    swarm: SearchState
    """The swarm as it asks now."""
    moved: str = GENERATORS
    """The name of the swarm."""
    opponents: tuple[Recipe, ...] = ()
    """The takers that generators face where takers move as well."""
    pool: Pool | None = None
    """The items that takers are measured on; None where candidates write their own."""

    first: tuple[ProbeResult, ...] | None = None
    """The probes of the swarm's first turn, as far as its fitness is composed by them; None where this is it."""

    @property
    def items(self) -> int | tuple[Item, ...]:
        """How many items a candidate writes, or the items that it answers."""
        return self.setup.resolved.evaluation.items if self.pool is None else self.pool.items

    def summarize_start(self, probes: Iterable[ProbeResult]) -> Statistics:
        """The statistics that fitness is composed by; those of `probes`, this turn's own, where it is the first."""
        return self.setup.evaluator.summarize(probes if self.first is None else self.first)


def load_swarm(context: Context, setup: SearchSetup, index: int) -> SearchState:
    """The swarm as the commit at `index` left it; a new one before the first. Raises StoreError."""
    if index < 0:
        return optimization.start(setup.plan)
    return optimization.from_json(commit_chain.load_existing(context.store, index).swarm)


def load_first(context: Context, setup: SearchSetup, index: int, first: int) -> tuple[ProbeResult, ...] | None:
    """The probes of a swarm's first turn, which is commit `first`, for its turn at `index`.

    None if that is the first; none where the fitness is not composed by them. Raises StoreError.
    """
    if index == first:
        return None
    if not setup.evaluator.composition.needs_start:
        return ()
    return commit_chain.load_existing(context.store, first).probes
