"""Describes what a SwarmRun would do, and how much it would measure at most, for `dataswarm validate`."""

from collections.abc import Iterator, Mapping

from swarm_core.api import parts
from swarm_core.api.resolved import RemoteTaker, ResolvedGenerators, ResolvedSpec, TrainedAdapters
from swarm_core.optimizers import optimization
from swarm_core.programs import program_protocol, search_settings


def describe(resolved: ResolvedSpec, items: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield pairs of a subject and a line. `items`: the number of seed items of each local data file, by URI."""
    yield "generators", describe_generators(resolved.generators, items)
    yield "takers", f"{len(resolved.takers)}: {', '.join(taker.name for taker in resolved.takers)}"
    yield "objective", describe_objective(resolved)
    yield "search", describe_search(resolved)
    yield "items", describe_items(resolved)
    if resolved.access:
        yield "endpoints", describe_endpoints(resolved)


def describe_objective(resolved: ResolvedSpec) -> str:
    """Describe the objective and the judge."""
    return f"{resolved.objective}, judged by {describe_judge(resolved)}"


def describe_generators(generators: ResolvedGenerators, items: Mapping[str, int]) -> str:
    """Describe the origin of the adapters of one side."""
    if isinstance(generators.origin, TrainedAdapters):
        count = items.get(generators.data.uri)
        size = "fetched when the run starts" if count is None else f"{count} items"
        return f"{generators.count}, trained on clusters of {generators.data.uri} ({size})"
    return f"{generators.count} adapters, given in the file"


def describe_search(resolved: ResolvedSpec) -> str:
    """Describe the optimizer and its size."""
    size, iterations = resolved.swarm, program_protocol.build_outline(resolved).iterations
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
    remote_models += len(resolved.takers) * (parts.find_judge(resolved).part.endpoint is not None)
    remote_models += sum(gate.endpoint is not None for gate in resolved.gates)
    limits = {"calls": resolved.budget.calls, "tokens": resolved.budget.tokens}
    budget = " and ".join(f"{limit:,} {name}" for name, limit in limits.items() if limit is not None)
    return (
        f"about {sum(count_items(resolved)) * remote_models:,} requests if the search uses all iterations, budget"
        f" {budget or 'unlimited'}"
    )


def describe_judge(resolved: ResolvedSpec) -> str:
    """Describe the judge, and the model that it asks."""
    use = parts.find_judge(resolved)
    asked = use.part.endpoint
    named = f"the {use.group.removesuffix('s')} {use.part}"
    return named if asked is None else f"{named}, which asks {asked.model} at {asked.url}"


def count_items(resolved: ResolvedSpec) -> tuple[int, int, int]:
    """Return the maximum numbers of items: for the search, for the final choice and for the report."""
    evaluation = resolved.evaluation
    search = optimization.budget(search_settings.build_plan(resolved)) * evaluation.items
    chosen = evaluation.finalists + resolved.generators.count - 1  # one finalist is an initial generator
    choice = search_settings.items_per_finalist(resolved) * chosen
    report = (resolved.generators.count + 1) * evaluation.final.items * evaluation.final.seeds
    return search, choice, report
