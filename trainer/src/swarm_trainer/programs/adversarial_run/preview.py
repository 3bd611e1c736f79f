"""Describes what an AdversarialRun would do, for `dataswarm validate`."""

from collections.abc import Iterator, Mapping

from swarm_core.api.resolved import ResolvedSpec
from swarm_core.programs.adversarial_run.resolved import ResolvedGame, find_game
from swarm_trainer.programs.swarm_run import preview as search_preview


def describe_game_run(resolved: ResolvedSpec, items: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield pairs of a subject and a line. `items`: the number of seed items of each local data file, by URI."""
    game = find_game(resolved)
    assert game is not None
    yield "generators", search_preview.describe_generators(resolved.generators, items)
    yield "takers", search_preview.describe_generators(game.takers, items)
    yield "objective", search_preview.describe_objective(resolved)
    yield from search_preview.describe_gate_data(resolved)
    yield "search", describe_game(game)
    if resolved.access:
        yield "endpoints", search_preview.describe_endpoints(resolved)


def describe_game(game: ResolvedGame) -> str:
    """Describe how the two swarms of a game move, and the item pool."""
    sides = " against ".join(f"{side.swarm.particles} ({side.rule.optimizer_name})" for side in game.sides)
    pool = f"pool of {game.pool.size} items, of which each round replaces {game.pool.turnover:.0%}"
    learning = "takers search and train" if game.train else "takers search"
    return f"{sides} particles, at most {game.rounds} rounds, {pool}; {learning}"
