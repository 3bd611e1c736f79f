"""What a run would do, in words: for `dataswarm validate`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from swarm_core.api import resolution
from swarm_core.api.resolved import RemoteTaker, ResolvedGame, ResolvedJudge, ResolvedSpec, TrainedAdapters
from swarm_core.engine import search_settings as search_of
from swarm_core.swarm import pso
from swarm_core.swarm_names import TAKERS
from swarm_trainer.cli.run_file import RunFile


def describe(run_file: RunFile, folder: Path) -> Iterator[str]:
    """The outlook, a line per subject."""
    resolved = run_file.worker_spec.resolved
    yield f"{run_file.name}: valid"
    yield f"  generators  {describe_generators(resolved, run_file.items)}"
    yield f"  takers      {describe_takers(resolved, run_file.items)}"
    yield f"  objective   {resolved.objective}, judged by {describe_judge(resolved)}"
    yield f"  search      {describe_game(resolved.game) if resolved.game else describe_search(resolved)}"
    if resolved.game is None:
        yield f"  questions   {describe_items(resolved)}"
    if resolved.access:
        yield f"  endpoints   {describe_endpoints(resolved)}"
    yield f"  digest      {resolution.spec_digest(resolved)}"
    yield f"  folder      {folder}"


def describe_generators(resolved: ResolvedSpec, items: Mapping[str, int]) -> str:
    generators = resolved.generators
    if isinstance(generators.origin, TrainedAdapters):
        count = items.get(generators.data.uri)
        known = "fetched when it is run" if count is None else f"{count} items"
        return f"{generators.count}, trained on clusters of {generators.data.uri} ({known})"
    return f"{generators.count} adapters as given"


def describe_takers(resolved: ResolvedSpec, items: Mapping[str, int]) -> str:
    """The fixed ones by name, or those that move by where they come from."""
    if resolved.game:
        return describe_generators(search_of.for_swarm(resolved, TAKERS), items)
    return f"{len(resolved.takers)}: {', '.join(taker.name for taker in resolved.takers)}"


def describe_game(game: ResolvedGame) -> str:
    """How the two sides move, and on what."""
    sides = " against ".join(f"{side.swarm.particles} ({type(side.rule).__name__})" for side in game.sides)
    pool = f"pool of {game.pool.size}, of which {game.pool.turnover:.0%} give way in a round"
    learning = "takers search and train" if game.train else "takers search"
    return f"{sides} particles, {game.rounds} rounds at most, {pool}; {learning}"


def describe_search(resolved: ResolvedSpec) -> str:
    size, iterations = resolved.swarm, search_of.build_outline(resolved).iterations
    rule = type(resolved.rule).__name__
    return f"{rule}: {size.particles} particles, {iterations} iterations at most, patience {size.patience}"


def describe_items(resolved: ResolvedSpec) -> str:
    """How many items are asked for at most, by purpose, and how many answers that makes."""
    search, choice, report = count_items(resolved)
    total = search + choice + report
    return (
        f"{total:,} items at most ({search:,} search, {choice:,} choice, {report:,} report), "
        f"{total * len(resolved.takers):,} answers"
    )


def describe_endpoints(resolved: ResolvedSpec) -> str:
    """How many requests go to other people's servers, about; what a budget bounds, it bounds exactly."""
    remote_models = sum(isinstance(taker, RemoteTaker) for taker in resolved.takers)
    if isinstance(resolved.judge, ResolvedJudge):
        remote_models += len(resolved.takers) + resolved.judge.vet
    limits = {"calls": resolved.budget.calls, "tokens": resolved.budget.tokens}
    budget = " and ".join(f"{limit:,} {name}" for name, limit in limits.items() if limit is not None)
    return (
        f"about {sum(count_items(resolved)) * remote_models:,} requests if the search goes to its end, budget"
        f" {budget or 'unlimited'}"
    )


def describe_judge(resolved: ResolvedSpec) -> str:
    if isinstance(resolved.judge, ResolvedJudge):
        return f"{resolved.judge.endpoint.model} at {resolved.judge.endpoint.url}"
    return f"the verifier {resolved.judge.name}"


def count_items(resolved: ResolvedSpec) -> tuple[int, int, int]:
    """Items asked for at most: in the search, for the choice, for the report."""
    evaluation = resolved.evaluation
    search = pso.budget(search_of.build_plan(resolved)) * evaluation.items
    choice = search_of.items_per_finalist(resolved) * evaluation.finalists
    report = (resolved.generators.count + 1) * evaluation.final.items * evaluation.final.seeds
    return search, choice, report
