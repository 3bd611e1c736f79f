"""What a SwarmRun would do, in words: for `dataswarm validate`."""

from collections.abc import Iterator, Mapping

from swarm_core.api.resolved import RemoteTaker, ResolvedGenerators, ResolvedJudge, ResolvedSpec, TrainedAdapters
from swarm_core.engine import search_settings
from swarm_core.optimizers import optimization


def describe(resolved: ResolvedSpec, items: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Pairs of a subject and a line; `items` is the number of seed items of each data file, by URI."""
    yield "generators", describe_generators(resolved.generators, items)
    yield "takers", f"{len(resolved.takers)}: {', '.join(taker.name for taker in resolved.takers)}"
    yield "objective", describe_objective(resolved)
    yield "search", describe_search(resolved)
    yield "questions", describe_items(resolved)
    if resolved.access:
        yield "endpoints", describe_endpoints(resolved)


def describe_objective(resolved: ResolvedSpec) -> str:
    """What is sought, and what judges it."""
    return f"{resolved.objective}, judged by {describe_judge(resolved)}"


def describe_generators(found: ResolvedGenerators, items: Mapping[str, int]) -> str:
    """Where the adapters of one side come from."""
    if isinstance(found.origin, TrainedAdapters):
        count = items.get(found.data.uri)
        size = "fetched when it is run" if count is None else f"{count} items"
        return f"{found.count}, trained on clusters of {found.data.uri} ({size})"
    return f"{found.count} adapters as given"


def describe_search(resolved: ResolvedSpec) -> str:
    size, iterations = resolved.swarm, search_settings.build_outline(resolved).iterations
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
    """About how many requests go to endpoints. A budget bounds them exactly."""
    asked = sum(isinstance(taker, RemoteTaker) for taker in resolved.takers)
    if isinstance(resolved.judge, ResolvedJudge):
        asked += len(resolved.takers) + resolved.judge.vet
    limits = {"calls": resolved.budget.calls, "tokens": resolved.budget.tokens}
    bound = " and ".join(f"{limit:,} {name}" for name, limit in limits.items() if limit is not None)
    return (
        f"about {sum(count_items(resolved)) * asked:,} requests if the search goes to its end, budget"
        f" {bound or 'unlimited'}"
    )


def describe_judge(resolved: ResolvedSpec) -> str:
    if isinstance(resolved.judge, ResolvedJudge):
        return f"{resolved.judge.endpoint.model} at {resolved.judge.endpoint.url}"
    return f"the verifier {resolved.judge.name}"


def count_items(resolved: ResolvedSpec) -> tuple[int, int, int]:
    """Items asked for at most: in the search, for the choice, for the report."""
    evaluation = resolved.evaluation
    searched = optimization.budget(search_settings.build_plan(resolved)) * evaluation.items
    chosen = search_settings.items_per_finalist(resolved) * evaluation.finalists
    reported = (resolved.generators.count + 1) * evaluation.final.items * evaluation.final.seeds
    return searched, chosen, reported
