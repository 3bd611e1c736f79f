"""Turns: what one swarm moves from, and what it is measured on. The same for whoever makes a turn and who replays it.

A run of one swarm has one turn an iteration, against takers that never change. In a game two swarms share the chain:
the generators take its even places, the takers its odd ones, and each turn rests on the commits before it alone.

    generators, round t   against the takers as commit 2t - 1 left them: those that lead, and a league of earlier ones
    takers, round t       on the pool of round t: that of commit 2t - 1, turned over with what commit 2t measured

As released (`compat: Reference`), generators face every taker where it stands, measured or not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swarm_core import commit, streams
from swarm_core.commit import Commit, ProbeResult
from swarm_core.composition import Statistics
from swarm_core.item_pool import Pool
from swarm_core.items import Item
from swarm_core.optimizers import estimates, optimization
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.optimizers.positions import Position
from swarm_core.ports import StoreError
from swarm_core.recipe import Recipe
from swarm_core.swarm_names import GENERATORS, TAKERS
from swarm_trainer.adversarial import pools
from swarm_trainer.evaluation import search_setup
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.run_store import commit_chain
from swarm_trainer.runtime.context import Context

NamedRecipe = tuple[str, Recipe]


@dataclass(frozen=True, slots=True)
class Turn:
    """One swarm's turn, before it."""

    setup: SearchSetup
    index: int
    """Its place in the chain."""
    swarm: SearchState
    """As it asks now."""
    moved: str = GENERATORS
    opponents: tuple[Recipe, ...] = ()
    """The takers that generators face in a game."""
    pool: Pool | None = None
    """What takers are measured on."""
    first: tuple[ProbeResult, ...] | None = None
    """The probes of the swarm's first turn, as far as its fitness is composed by them; None where this is it."""

    @property
    def items(self) -> int | tuple[Item, ...]:
        """How many items a candidate writes, or those it answers."""
        return self.setup.resolved.evaluation.items if self.pool is None else self.pool.items

    def summarize_start(self, probes: Iterable[ProbeResult]) -> Statistics:
        """The statistics that fitness is composed by; those of `probes`, this turn's own, where it is the first."""
        return self.setup.evaluator.summarize(probes if self.first is None else self.first)


def chain_index(context: Context, moved: str, iteration: int) -> int:
    """The place in the chain of a swarm's turn in an iteration."""
    return 2 * iteration + (moved == TAKERS) if context.resolved.game else iteration


def load(context: Context, index: int) -> Turn:
    """The turn at a place in the chain; the commits before it must stand. Raises StoreError."""
    if context.resolved.game is None:
        ready = search_setup.load(context)
        return Turn(
            ready, index, load_swarm(context, ready, index - 1), first=load_first(context, ready, GENERATORS, index)
        )
    return load_taker_turn(context, index // 2) if index % 2 else load_generator_turn(context, index // 2)


def load_swarm(context: Context, ready: SearchSetup, index: int) -> SearchState:
    """The swarm as the commit at `index` left it; a new one before the first."""
    if index < 0:
        return optimization.start(ready.plan)
    return optimization.from_json(commit_chain.load_existing(context.store, index).swarm)


def load_generator_turn(context: Context, number: int) -> Turn:
    """The generators' turn in round `number`."""
    faced = select_opponents(context, number)
    ready = search_setup.load(context).facing(faced)
    index = chain_index(context, GENERATORS, number)
    return Turn(
        setup=ready,
        index=index,
        swarm=load_swarm(context, ready, index - 2),
        opponents=ready.opponents,
        first=load_first(context, ready, GENERATORS, index),
    )


def load_taker_turn(context: Context, number: int) -> Turn:
    """The takers' turn in round `number`."""
    game = context.resolved.game
    assert game is not None
    trains = game.train is not None and number > 0
    ready = search_setup.load(context, TAKERS, number if trains else 0)
    index = chain_index(context, TAKERS, number)
    swarm = load_swarm(context, ready, index - 2)
    grown = optimization.add_adapter(swarm) if trains else swarm
    first = load_first(context, ready, TAKERS, index)
    return Turn(ready, index, grown, TAKERS, pool=pools.build(context, number), first=first)


def load_first(context: Context, ready: SearchSetup, moved: str, index: int) -> tuple[ProbeResult, ...] | None:
    """The probes of a swarm's first turn; None if that is the turn at `index`, and none where nobody reads them."""
    first = chain_index(context, moved, 0)
    if index == first:
        return None
    if not ready.evaluator.composition.needs_start:
        return ()
    return commit_chain.load_existing(context.store, first).probes


def select_opponents(context: Context, number: int) -> tuple[NamedRecipe, ...]:
    """The takers that the generators of round `number` face, each once."""
    if number == 0:
        return tuple((f"t{index:02d}", recipe) for index, recipe in enumerate(initial_takers(context)))
    game = context.resolved.game
    assert game is not None
    last = commit_chain.load_existing(context.store, chain_index(context, TAKERS, number - 1))
    positions_faced = select_positions(optimization.from_json(last.swarm), game.reference, game.opponents.leading)
    found = [(f"t{rank:02d}", build_recipe(context, last, position)) for rank, position in enumerate(positions_faced)]
    earlier = number - 1
    for drawn in streams.sample(context.resolved.seed, earlier, min(game.opponents.league, earlier), "league", number):
        found.append(
            (
                f"r{drawn:03d}",
                find_best_recipe(
                    context, commit_chain.load_existing(context.store, chain_index(context, TAKERS, drawn))
                ),
            )
        )
    return tuple({recipe.name: (name, recipe) for name, recipe in reversed(found)}.values())[::-1]


def select_positions(swarm: SearchState, everyone: bool, count: int) -> Sequence[Position]:
    """The positions that stand for a swarm of takers: its best measured ones, or where its particles are."""
    led = [record.position for record in estimates.rank(swarm.estimates)[:count]]
    standing = optimization.current_positions(swarm)
    return standing if everyone or not led else led


def initial_takers(context: Context) -> tuple[Recipe, ...]:
    """The takers as the game begins."""
    ready = search_setup.load(context, TAKERS)
    return ready.initial_recipes


def build_recipe(context: Context, done: Commit, position: Position) -> Recipe:
    """The model at a position of a swarm, over the basis it had at that commit."""
    return search_setup.load(context, done.moved).with_basis(done.basis).space.recipe(position)


def find_best_recipe(context: Context, done: Commit) -> Recipe:
    """The best model of a commit. Raises StoreError if nothing was ever scored."""
    best = optimization.best(optimization.from_json(done.swarm))
    if best is None:
        raise StoreError(f"{commit.key(done.iteration)}: no {done.moved} could be scored; see the rollouts beside it")
    return build_recipe(context, done, best.position)
