"""The turns of a game: what each side moves from, and what it is measured on.

Two swarms share the chain of commits. The generators take its even places, the takers its odd ones, and each turn rests
on the commits before it alone.

    generators, round t   against the takers as commit 2t - 1 left them: those that lead, and a league of earlier ones
    takers, round t       on the pool of round t: that of commit 2t - 1, turned over with what commit 2t measured

As released (`compat: Reference`), generators face every taker where it stands, measured or not.
"""

from collections.abc import Sequence

from swarm_core import commit, streams
from swarm_core.commit import Commit
from swarm_core.optimizers import estimates, optimization
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.optimizers.positions import Position
from swarm_core.ports import StoreError
from swarm_core.programs.adversarial_run.resolved import find_game
from swarm_core.recipe import Recipe
from swarm_core.swarm_names import GENERATORS, TAKERS
from swarm_trainer.evaluation import search_setup, turn
from swarm_trainer.evaluation.turn import Turn
from swarm_trainer.programs.adversarial_run import pools
from swarm_trainer.run_store import commit_chain
from swarm_trainer.runtime.context import Context

NamedRecipe = tuple[str, Recipe]


def chain_index(moved: str, iteration: int) -> int:
    """The place in the chain of a swarm's turn in a round."""
    return 2 * iteration + (moved == TAKERS)


def load(context: Context, index: int) -> Turn:
    """The turn at a place in the chain; the commits before it must stand. Raises StoreError."""
    return load_taker_turn(context, index // 2) if index % 2 else load_generator_turn(context, index // 2)


def load_generator_turn(context: Context, number: int) -> Turn:
    """The generators' turn in round `number`."""
    faced = select_opponents(context, number)
    ready = search_setup.load(context).facing(faced)
    index = chain_index(GENERATORS, number)
    return Turn(
        setup=ready,
        index=index,
        swarm=turn.load_swarm(context, ready, index - 2),
        opponents=ready.opponents,
        first=turn.load_first(context, ready, index, chain_index(GENERATORS, 0)),
    )


def load_taker_turn(context: Context, number: int) -> Turn:
    """The takers' turn in round `number`."""
    game = find_game(context.resolved)
    assert game is not None
    trains = game.train is not None and number > 0
    ready = search_setup.load(context, TAKERS, number if trains else 0)
    index = chain_index(TAKERS, number)
    swarm = turn.load_swarm(context, ready, index - 2)
    grown = optimization.add_adapter(swarm) if trains else swarm
    first = turn.load_first(context, ready, index, chain_index(TAKERS, 0))
    return Turn(ready, index, grown, TAKERS, pool=pools.build(context, number), first=first)


def select_opponents(context: Context, number: int) -> tuple[NamedRecipe, ...]:
    """The takers that the generators of round `number` face, each once."""
    if number == 0:
        return tuple((f"t{index:02d}", recipe) for index, recipe in enumerate(initial_takers(context)))
    game = find_game(context.resolved)
    assert game is not None
    last = commit_chain.load_existing(context.store, chain_index(TAKERS, number - 1))
    positions_faced = select_positions(optimization.from_json(last.swarm), game.reference, game.opponents.leading)
    found = [
        (f"t{rank:02d}", search_setup.find_recipe(context, last, position))
        for rank, position in enumerate(positions_faced)
    ]
    earlier = number - 1
    for drawn in streams.sample(context.resolved.seed, earlier, min(game.opponents.league, earlier), "league", number):
        found.append(
            (
                f"r{drawn:03d}",
                find_best_recipe(context, commit_chain.load_existing(context.store, chain_index(TAKERS, drawn))),
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


def find_best_recipe(context: Context, done: Commit) -> Recipe:
    """The best model of a commit. Raises StoreError if nothing was ever scored."""
    best = optimization.best(optimization.from_json(done.swarm))
    if best is None:
        raise StoreError(f"{commit.key(done.iteration)}: no {done.moved} could be scored; see the rollouts beside it")
    return search_setup.find_recipe(context, done, best.position)
