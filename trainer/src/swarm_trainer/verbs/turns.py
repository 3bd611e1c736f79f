"""Turns: what one swarm moves from, and what it is measured on. The same for whoever makes a turn and who replays it.

A run of one swarm has one turn an iteration, against takers that never change. In a game two swarms share the chain:
the generators take its even places, the takers its odd ones, and each turn rests on the commits before it alone.

    generators, round t   against the takers as commit 2t - 1 left them: those that lead, and a league of earlier ones
    takers, round t       on the pool of round t: that of commit 2t - 1, turned over with what commit 2t measured

As released (`compat: Reference`), generators face every taker where it stands, measured or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from swarm_core import commit
from swarm_core.commit import Commit
from swarm_core.pool import Pool
from swarm_core.ports import StoreError
from swarm_core.recipe import Recipe
from swarm_core.sides import GENERATORS, TAKERS
from swarm_core.swarm import growth, positions, pso, state, streams
from swarm_core.swarm.positions import Position
from swarm_trainer.verbs import chain, pools, setup
from swarm_trainer.verbs.context import Context
from swarm_trainer.verbs.setup import Setup

Named = tuple[str, Recipe]


@dataclass(frozen=True, slots=True)
class Turn:
    """One swarm's turn, before it."""

    setup: Setup
    index: int
    """Its place in the chain."""
    swarm: pso.Swarm
    """As it asks now."""
    moved: str = GENERATORS
    opponents: tuple[Recipe, ...] = ()
    """The takers that generators face in a game."""
    pool: Pool | None = None
    """What takers are measured on."""

    @property
    def items(self) -> int | tuple[str, ...]:
        """How many items a candidate writes, or those it answers."""
        return self.setup.items if self.pool is None else self.pool.items


def place(context: Context, moved: str, iteration: int) -> int:
    """The place in the chain of a swarm's turn in an iteration."""
    return 2 * iteration + (moved == TAKERS) if context.resolved.game else iteration


def at(context: Context, index: int) -> Turn:
    """The turn at a place in the chain; the commits before it must stand. Raises StoreError."""
    if context.resolved.game is None:
        ready = setup.prepared(context)
        return Turn(ready, index, before(context, ready, index - 1))
    return takers(context, index // 2) if index % 2 else generators(context, index // 2)


def before(context: Context, ready: Setup, index: int) -> pso.Swarm:
    """The swarm as the commit at `index` left it; a new one before the first."""
    return pso.start(ready.plan) if index < 0 else pso.from_json(chain.standing(context.store, index).swarm)


def generators(context: Context, number: int) -> Turn:
    """The generators' turn in round `number`."""
    ready = setup.prepared(context)
    faced = opponents(context, number)
    named = tuple((name, recipe.name) for name, recipe in faced)
    models = tuple(recipe for _, recipe in faced)
    ready = replace(ready, exam=replace(ready.exam, takers=named), facing=models)
    index = place(context, GENERATORS, number)
    return Turn(ready, index, before(context, ready, index - 2), GENERATORS, models)


def takers(context: Context, number: int) -> Turn:
    """The takers' turn in round `number`."""
    game = context.resolved.game
    assert game is not None
    trains = game.train is not None and number > 0
    ready = setup.prepared(context, TAKERS, number if trains else 0)
    index = place(context, TAKERS, number)
    swarm = before(context, ready, index - 2)
    return Turn(ready, index, growth.joined(swarm) if trains else swarm, TAKERS, pool=pools.of(context, number))


def opponents(context: Context, number: int) -> tuple[Named, ...]:
    """The takers that the generators of round `number` face, each once."""
    if number == 0:
        return tuple((f"t{index:02d}", recipe) for index, recipe in enumerate(initial(context)))
    game = context.resolved.game
    assert game is not None
    last = chain.standing(context.store, place(context, TAKERS, number - 1))
    found = [
        (f"t{rank:02d}", played(context, last, position))
        for rank, position in enumerate(present(pso.from_json(last.swarm), game.reference, game.opponents.leading))
    ]
    earlier = number - 1
    for drawn in streams.sample(context.resolved.seed, earlier, min(game.opponents.league, earlier), "league", number):
        found.append((f"r{drawn:03d}", leader(context, chain.standing(context.store, place(context, TAKERS, drawn)))))
    return tuple({recipe.name: (name, recipe) for name, recipe in reversed(found)}.values())[::-1]


def present(swarm: pso.Swarm, everyone: bool, count: int) -> Sequence[Position]:
    """The positions that stand for a swarm of takers: its best measured ones, or where its particles are."""
    led = [record.position for record in state.leading(swarm.measured)[:count]]
    standing = [particle.position for particle in swarm.particles]
    return standing if everyone or not led else led


def initial(context: Context) -> tuple[Recipe, ...]:
    """The takers as the game begins."""
    ready = setup.prepared(context, TAKERS)
    return tuple(map(ready.recipe, positions.vertices(ready.plan.basis)))


def played(context: Context, done: Commit, position: Position) -> Recipe:
    """The model at a position of a swarm, over the basis it had at that commit."""
    return replace(setup.prepared(context, done.moved), basis=done.basis).recipe(position)


def leader(context: Context, done: Commit) -> Recipe:
    """The best model of a commit. Raises StoreError if nothing was ever scored."""
    best = pso.best(pso.from_json(done.swarm))
    if best is None:
        raise StoreError(f"{commit.key(done.iteration)}: no {done.moved} could be scored; see the rollouts beside it")
    return played(context, done, best.position)
