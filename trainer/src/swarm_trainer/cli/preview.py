"""The output of `dataswarm validate`: what a run would do and how much it would measure at most."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from swarm_core.api import resolution
from swarm_core.api.resolved import RemoteTaker, ResolvedGame, ResolvedJudge, ResolvedSpec, TrainedAdapters
from swarm_core.engine import search_settings as search_of
from swarm_core.optimizers import optimization
from swarm_core.swarm_names import TAKERS
from swarm_trainer.cli.run_file import RunFile


def describe(run_file: RunFile, folder: Path) -> Iterator[str]:
    """Yield the description of a run, one line per subject."""
    resolved = run_file.worker_spec.resolved
    yield f"{run_file.name}: valid"
    yield f"  generators  {describe_generators(resolved, run_file.items)}"
    yield f"  takers      {describe_takers(resolved, run_file.items)}"
    yield f"  objective   {resolved.objective}, judged by {describe_judge(resolved)}"
    yield f"  search      {describe_game(resolved.game) if resolved.game else describe_search(resolved)}"
    if resolved.game is None:
        yield f"  items       {describe_items(resolved)}"
    if resolved.access:
        yield f"  endpoints   {describe_endpoints(resolved)}"
    yield f"  digest      {resolution.spec_digest(resolved)}"
    yield f"  folder      {folder}"


def describe_generators(resolved: ResolvedSpec, items: Mapping[str, int]) -> str:
    """Describe the initial generators. `items`: the number of seed items of each local data file, by URI."""
    generators = resolved.generators
    if isinstance(generators.origin, TrainedAdapters):
        count = items.get(generators.data.uri)
        known = "fetched when the run starts" if count is None else f"{count} items"
        return f"{generators.count}, trained on clusters of {generators.data.uri} ({known})"
    return f"{generators.count} adapters, given in the file"


def describe_takers(resolved: ResolvedSpec, items: Mapping[str, int]) -> str:
    """Describe the takers: fixed ones by name, moving ones by their origin."""
    if resolved.game:
        return describe_generators(search_of.for_swarm(resolved, TAKERS), items)
    return f"{len(resolved.takers)}: {', '.join(taker.name for taker in resolved.takers)}"


def describe_game(game: ResolvedGame) -> str:
    """Describe how the two swarms of a game move, and the item pool."""
    sides = " against ".join(f"{side.swarm.particles} ({side.rule.optimizer_name})" for side in game.sides)
    pool = f"pool of {game.pool.size} items, of which each round replaces {game.pool.turnover:.0%}"
    learning = "takers search and train" if game.train else "takers search"
    return f"{sides} particles, at most {game.rounds} rounds, {pool}; {learning}"


def describe_search(resolved: ResolvedSpec) -> str:
    """Describe the optimizer and its size."""
    size, iterations = resolved.swarm, search_of.build_outline(resolved).iterations
    rule = resolved.rule.optimizer_name
    return f"{rule}: {size.particles} particles, at most {iterations} iterations, patience {size.patience}"


def describe_items(resolved: ResolvedSpec) -> str:
    """Describe the maximum number of items, by purpose, and of answers."""
    search, choice, report = count_items(resolved)
    total = search + choice + report
    return (
        f"at most {total:,} ({search:,} search, {choice:,} final choice, {report:,} report), "
        f"{total * len(resolved.takers):,} answers"
    )


def describe_endpoints(resolved: ResolvedSpec) -> str:
    """Describe the approximate number of requests to remote endpoints, and the budget, which is an exact limit."""
    remote_models = sum(isinstance(taker, RemoteTaker) for taker in resolved.takers)
    if isinstance(resolved.judge, ResolvedJudge):
        remote_models += len(resolved.takers) + resolved.judge.vet
    limits = {"calls": resolved.budget.calls, "tokens": resolved.budget.tokens}
    budget = " and ".join(f"{limit:,} {name}" for name, limit in limits.items() if limit is not None)
    return (
        f"about {sum(count_items(resolved)) * remote_models:,} requests if the search uses all iterations, budget"
        f" {budget or 'unlimited'}"
    )


def describe_judge(resolved: ResolvedSpec) -> str:
    """Describe the judge: a remote model or a verifier."""
    if isinstance(resolved.judge, ResolvedJudge):
        return f"{resolved.judge.endpoint.model} at {resolved.judge.endpoint.url}"
    return f"the verifier {resolved.judge.name}"


def count_items(resolved: ResolvedSpec) -> tuple[int, int, int]:
    """Return the maximum numbers of items: for the search, for the final choice and for the report."""
    evaluation = resolved.evaluation
    search = optimization.budget(search_of.build_plan(resolved)) * evaluation.items
    choice = search_of.items_per_finalist(resolved) * evaluation.finalists
    report = (resolved.generators.count + 1) * evaluation.final.items * evaluation.final.seeds
    return search, choice, report
