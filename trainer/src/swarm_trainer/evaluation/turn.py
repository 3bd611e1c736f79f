"""One swarm's turn: the state that it starts from, and the items that its candidates are measured on.

A turn is a function of the commits before it. So `iterate`, which makes it, and `verify`, which repeats it, load the
same turn. The kind of run decides the index of each turn in the chain (`evaluation.trainer_program.TurnRules`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from swarm_core.commit import MeasuredCandidate
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
    """One swarm's turn, before it is made."""

    setup: SearchSetup
    index: int
    """Its index in the chain of commits."""
    swarm: SearchState
    """The state of the swarm before the turn."""
    swarm_name: str = GENERATORS
    """The name of the swarm."""
    opponents: tuple[Recipe, ...] = ()
    """The takers that generators face, if takers move as well."""
    pool: Pool | None = None
    """The items that takers are measured on; None if candidates write their own."""

    first: tuple[MeasuredCandidate, ...] | None = None
    """The candidates of the swarm's first turn, if fitness is composed with them; None if this is the first turn."""

    @property
    def items(self) -> int | tuple[Item, ...]:
        """The number of items that a candidate writes, or the items that it answers."""
        return self.setup.resolved.evaluation.items if self.pool is None else self.pool.items

    def summarize_start(self, candidates: Iterable[MeasuredCandidate]) -> Statistics:
        """Return the statistics that fitness is composed with.

        In a swarm's first turn they come from `candidates`, the turn's own.
        """
        return self.setup.evaluator.summarize(candidates if self.first is None else self.first)


def load_swarm(context: Context, setup: SearchSetup, index: int) -> SearchState:
    """Return the swarm as the commit at `index` left it; with a negative `index`, a new swarm. Raises StoreError."""
    if index < 0:
        return optimization.start(setup.plan)
    return optimization.from_json(commit_chain.load_existing(context.store, index).swarm)


def load_first(context: Context, setup: SearchSetup, index: int, first: int) -> tuple[MeasuredCandidate, ...] | None:
    """Load the candidates of a swarm's first turn, which is commit `first`, for its turn at `index`.

    Returns None if that turn is the first, and no candidates if fitness is not composed with them. Raises StoreError.
    """
    if index == first:
        return None
    if not setup.evaluator.composition.needs_start:
        return ()
    return commit_chain.load_existing(context.store, first).candidates
