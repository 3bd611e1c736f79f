"""What a run would do, in words: for `dataswarm validate`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from swarm_core.api import resolution
from swarm_core.api.resolved import (
    NamedJudge,
    RemoteTaker,
    ResolvedGame,
    ResolvedJudge,
    ResolvedSpec,
    ResolvedVerifier,
    TrainedAdapters,
)
from swarm_core.engine import search_settings as search_of
from swarm_core.optimizers import optimization
from swarm_core.swarm_names import TAKERS
from swarm_trainer.cli.run_file import RunFile


def describe(reading: RunFile, folder: Path) -> Iterator[str]:
    """The outlook, a line per subject."""
    resolved = reading.order.resolved
    yield f"{reading.name}: valid"
    yield f"  generators  {describe_generators(resolved, reading.items)}"
    yield f"  takers      {describe_takers(resolved, reading.items)}"
    yield f"  objective   {resolved.objective}, judged by {describe_judge(resolved)}"
    yield f"  search      {describe_game(resolved.game) if resolved.game else describe_search(resolved)}"
    if resolved.game is None:
        yield f"  questions   {describe_items(resolved)}"
    if resolved.access:
        yield f"  endpoints   {describe_endpoints(resolved)}"
    yield f"  digest      {resolution.spec_digest(resolved)}"
    yield f"  folder      {folder}"


def describe_generators(resolved: ResolvedSpec, items: Mapping[str, int]) -> str:
    found = resolved.generators
    if isinstance(found.origin, TrainedAdapters):
        count = items.get(found.data.uri)
        told = "fetched when it is run" if count is None else f"{count} items"
        return f"{found.count}, trained on clusters of {found.data.uri} ({told})"
    return f"{found.count} adapters as given"


def describe_takers(resolved: ResolvedSpec, items: Mapping[str, int]) -> str:
    """The fixed ones by name, or those that move by where they come from."""
    if resolved.game:
        return describe_generators(search_of.for_swarm(resolved, TAKERS), items)
    return f"{len(resolved.takers)}: {', '.join(taker.name for taker in resolved.takers)}"


def describe_game(played: ResolvedGame) -> str:
    """How the two sides move, and on what."""
    sides = " against ".join(f"{side.swarm.particles} ({side.rule.optimizer_name})" for side in played.sides)
    pool = f"pool of {played.pool.size}, of which {played.pool.turnover:.0%} give way in a round"
    learning = "takers search and train" if played.train else "takers search"
    return f"{sides} particles, {played.rounds} rounds at most, {pool}; {learning}"


def describe_search(resolved: ResolvedSpec) -> str:
    size, iterations = resolved.swarm, search_of.build_outline(resolved).iterations
    rule = resolved.rule.optimizer_name
    return f"{rule}: {size.particles} particles, {iterations} iterations at most, patience {size.patience}"


def describe_items(resolved: ResolvedSpec) -> str:
    """How many items are asked for at most, by purpose, and how many answers that makes."""
    searched, chosen, reported = count_items(resolved)
    total = searched + chosen + reported
    return (
        f"{total:,} items at most ({searched:,} search, {chosen:,} choice, {reported:,} report), "
        f"{total * len(resolved.takers):,} answers"
    )


def describe_endpoints(resolved: ResolvedSpec) -> str:
    """How many requests go to other people's servers, about; what a budget bounds, it bounds exactly."""
    asked = sum(isinstance(taker, RemoteTaker) for taker in resolved.takers)
    if isinstance(resolved.judge, ResolvedJudge):
        asked += len(resolved.takers) + resolved.judge.vet
    elif isinstance(resolved.judge, NamedJudge) and resolved.judge.endpoint is not None:
        asked += len(resolved.takers)
    limits = {"calls": resolved.budget.calls, "tokens": resolved.budget.tokens}
    bound = " and ".join(f"{limit:,} {name}" for name, limit in limits.items() if limit is not None)
    return (
        f"about {sum(count_items(resolved)) * asked:,} requests if the search goes to its end, budget"
        f" {bound or 'unlimited'}"
    )


def describe_judge(resolved: ResolvedSpec) -> str:
    match resolved.judge:
        case ResolvedJudge(endpoint=endpoint):
            return f"{endpoint.model} at {endpoint.url}"
        case ResolvedVerifier(verifier=part):
            return f"the verifier {part}"
        case NamedJudge(judge=part, endpoint=asked):
            return f"the judge {part}" + (f", which asks {asked.model} at {asked.url}" if asked else "")


def count_items(resolved: ResolvedSpec) -> tuple[int, int, int]:
    """Items asked for at most: in the search, for the choice, for the report."""
    evaluation = resolved.evaluation
    searched = optimization.budget(search_of.build_plan(resolved)) * evaluation.items
    chosen = search_of.items_per_finalist(resolved) * evaluation.finalists
    reported = (resolved.generators.count + 1) * evaluation.final.items * evaluation.final.seeds
    return searched, chosen, reported
