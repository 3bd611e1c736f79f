"""What a run would do, in words: for `dataswarm validate`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from swarm_core.api import defaults
from swarm_core.api.resolved import Game, ResolvedSpec, Trained
from swarm_core.engine import search as search_of
from swarm_core.sides import TAKERS
from swarm_core.swarm import pso
from swarm_trainer.cli.reading import Reading


def lines(reading: Reading, folder: Path) -> Iterator[str]:
    """The outlook, a line per subject."""
    resolved = reading.order.resolved
    yield f"{reading.name}: valid"
    yield f"  generators  {generators(resolved, reading.items)}"
    yield f"  takers      {takers(resolved, reading.items)}"
    yield f"  objective   {resolved.objective}, judged by the verifier {resolved.judge.name}"
    yield f"  search      {game(resolved.game) if resolved.game else search(resolved)}"
    if resolved.game is None:
        yield f"  questions   {questions(resolved)}"
    yield f"  digest      {defaults.spec_digest(resolved)}"
    yield f"  folder      {folder}"


def generators(resolved: ResolvedSpec, items: Mapping[str, int]) -> str:
    found = resolved.generators
    if isinstance(found.origin, Trained):
        return f"{found.count}, trained on clusters of {found.data.uri} ({items[found.data.uri]} items)"
    return f"{found.count} adapters as given"


def takers(resolved: ResolvedSpec, items: Mapping[str, int]) -> str:
    """The fixed ones by name, or those that move by where they come from."""
    if resolved.game:
        return generators(search_of.side(resolved, TAKERS), items)
    return f"{len(resolved.takers)}: {', '.join(taker.name for taker in resolved.takers)}"


def game(played: Game) -> str:
    """How the two sides move, and on what."""
    sides = " against ".join(f"{side.swarm.particles} ({type(side.rule).__name__})" for side in played.sides)
    pool = f"pool of {played.pool.size}, of which {played.pool.turnover:.0%} give way in a round"
    learning = "takers search and train" if played.train else "takers search"
    return f"{sides} particles, {played.rounds} rounds at most, {pool}; {learning}"


def search(resolved: ResolvedSpec) -> str:
    size, iterations = resolved.swarm, search_of.outline(resolved).iterations
    rule = type(resolved.rule).__name__
    return f"{rule}: {size.particles} particles, {iterations} iterations at most, patience {size.patience}"


def questions(resolved: ResolvedSpec) -> str:
    """How many items are asked for at most, by purpose, and how many answers that makes."""
    evaluation, takers = resolved.evaluation, len(resolved.takers)
    searched = pso.budget(search_of.plan(resolved)) * evaluation.items
    chosen = search_of.choice_items(resolved) * evaluation.finalists
    reported = (resolved.generators.count + 1) * evaluation.final.items * evaluation.final.seeds
    total = searched + chosen + reported
    return (
        f"{total:,} items at most ({searched:,} search, {chosen:,} choice, {reported:,} report), "
        f"{total * takers:,} answers"
    )
