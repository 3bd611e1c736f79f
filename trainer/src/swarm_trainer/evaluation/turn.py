"""One swarm's turn: what it moves from, and what its candidates are measured on.

A turn is a function of the commits before it, so `iterate`, which makes it, and `verify`, which repeats it, load the
same one. Which turn stands at which place of the chain belongs to the kind of run (`evaluation.program.TurnRules`).
"""

from dataclasses import dataclass

from swarm_core.item_pool import Pool
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

    @property
    def items(self) -> int | tuple[str, ...]:
        """How many items a candidate writes, or the items that it answers."""
        return self.setup.resolved.evaluation.items if self.pool is None else self.pool.items


def load_swarm(context: Context, setup: SearchSetup, index: int) -> SearchState:
    """The swarm as the commit at `index` left it; a new one before the first. Raises StoreError."""
    if index < 0:
        return optimization.start(setup.plan)
    return optimization.from_json(commit_chain.load_existing(context.store, index).swarm)
