"""The turns of a game: the state that each side starts from, and the models or items that it is measured with.

Two swarms share the chain of commits. The generators have its even indexes, the takers its odd ones. Each turn depends
only on the commits before it.

    generators, round t   against takers of commit 2t - 1: the leading ones, and a league of earlier ones
    takers, round t       on the pool of round t: that of commit 2t - 1, renewed with the items that commit 2t measured

With `compat: Reference`, generators face every taker at its current position, measured or not.
"""

from collections.abc import Sequence

from swarm_core import commit, streams
from swarm_core.commit import Commit
from swarm_core.errors import ErrorCode, add_code
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
    """Return the index in the chain of a swarm's turn in a round."""
    return 2 * iteration + (moved == TAKERS)


def load(context: Context, index: int) -> Turn:
    """Load the turn at an index in the chain; the commits before it must exist. Raises StoreError."""
    return load_taker_turn(context, index // 2) if index % 2 else load_generator_turn(context, index // 2)


def load_generator_turn(context: Context, number: int) -> Turn:
    """Load the generators' turn in round `number`. Raises StoreError."""
    opponents = select_opponents(context, number)
    setup = search_setup.load(context).facing(opponents)
    index = chain_index(GENERATORS, number)
    return Turn(
        setup=setup,
        index=index,
        swarm=turn.load_swarm(context, setup, index - 2),
        opponents=setup.opponents,
        first=turn.load_first(context, setup, index, chain_index(GENERATORS, 0)),
    )


def load_taker_turn(context: Context, number: int) -> Turn:
    """Load the takers' turn in round `number`. Raises StoreError."""
    game = find_game(context.resolved)
    assert game is not None
    trains = game.train is not None and number > 0
    setup = search_setup.load(context, TAKERS, number if trains else 0)
    index = chain_index(TAKERS, number)
    swarm = turn.load_swarm(context, setup, index - 2)
    with_new_adapter = optimization.add_adapter(swarm) if trains else swarm
    first = turn.load_first(context, setup, index, chain_index(TAKERS, 0))
    return Turn(setup, index, with_new_adapter, TAKERS, pool=pools.build_pool(context, number), first=first)


def select_opponents(context: Context, number: int) -> tuple[NamedRecipe, ...]:
    """Select the takers that the generators of round `number` face, without repeats. Raises StoreError."""
    if number == 0:
        return tuple((f"t{index:02d}", recipe) for index, recipe in enumerate(load_initial_takers(context)))
    game = find_game(context.resolved)
    assert game is not None
    last_commit = commit_chain.load_existing(context.store, chain_index(TAKERS, number - 1))
    swarm = optimization.from_json(last_commit.swarm)
    opponents = [
        (f"t{rank:02d}", search_setup.find_recipe(context, last_commit, position))
        for rank, position in enumerate(select_positions(swarm, game.reference, game.opponents.leading))
    ]
    opponents += draw_league(context, number, game.opponents.league)
    return tuple({recipe.name: (name, recipe) for name, recipe in reversed(opponents)}.values())[::-1]


def draw_league(context: Context, number: int, size: int) -> list[NamedRecipe]:
    """Return the best takers of at most `size` random rounds before the last one. Raises StoreError."""
    earlier = number - 1
    rounds = streams.sample(context.resolved.seed, earlier, min(size, earlier), "league", number)
    commits = [commit_chain.load_existing(context.store, chain_index(TAKERS, drawn)) for drawn in rounds]
    return [(f"r{drawn:03d}", find_best_recipe(context, done)) for drawn, done in zip(rounds, commits, strict=True)]


def select_positions(swarm: SearchState, all_current: bool, count: int) -> Sequence[Position]:
    """Return the best measured positions of a swarm of takers, or the current positions of its particles."""
    leading = [record.position for record in estimates.rank(swarm.estimates)[:count]]
    current = optimization.current_positions(swarm)
    return current if all_current or not leading else leading


def load_initial_takers(context: Context) -> tuple[Recipe, ...]:
    """Return the takers at the start of the game. Raises StoreError."""
    setup = search_setup.load(context, TAKERS)
    return setup.initial_recipes


def find_best_recipe(context: Context, done: Commit) -> Recipe:
    """Return the best model of a commit. Raises StoreError if nothing was ever scored."""
    best = optimization.best(optimization.from_json(done.swarm))
    if best is None:
        failure = StoreError(f"{commit.key(done.iteration)}: no {done.swarm_name} could be scored; see its rollouts")
        raise add_code(failure, ErrorCode.NOTHING_ACCEPTED)
    return search_setup.find_recipe(context, done, best.position)
