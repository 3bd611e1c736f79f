"""What a run would do, in words: for `dataswarm validate`."""

from collections.abc import Iterator
from pathlib import Path

from swarm_core.api import defaults
from swarm_core.api.resolved import RemoteTaker, ResolvedJudge, ResolvedSpec, Trained
from swarm_core.engine import search as search_of
from swarm_core.swarm import pso
from swarm_trainer.cli.reading import Reading


def lines(reading: Reading, folder: Path) -> Iterator[str]:
    """The outlook, a line per subject."""
    resolved = reading.order.resolved
    names = ", ".join(taker.name for taker in resolved.takers)
    yield f"{reading.name}: valid"
    yield f"  generators  {generators(reading)}"
    yield f"  takers      {len(resolved.takers)}: {names}"
    yield f"  objective   {resolved.objective}, judged by {judge(resolved)}"
    yield f"  search      {search(resolved)}"
    yield f"  questions   {questions(resolved)}"
    if resolved.access:
        yield f"  endpoints   {endpoints(resolved)}"
    yield f"  digest      {defaults.spec_digest(resolved)}"
    yield f"  folder      {folder}"


def generators(reading: Reading) -> str:
    found = reading.order.resolved.generators
    if isinstance(found.origin, Trained):
        items = "fetched when it is run" if reading.items is None else f"{reading.items} items"
        return f"{found.count}, trained on clusters of {found.data.uri} ({items})"
    return f"{found.count} adapters as given"


def search(resolved: ResolvedSpec) -> str:
    size, iterations = resolved.swarm, search_of.outline(resolved).iterations
    rule = type(resolved.rule).__name__
    return f"{rule}: {size.particles} particles, {iterations} iterations at most, patience {size.patience}"


def questions(resolved: ResolvedSpec) -> str:
    """How many items are asked for at most, by purpose, and how many answers that makes."""
    searched, chosen, reported = items(resolved)
    total = searched + chosen + reported
    return (
        f"{total:,} items at most ({searched:,} search, {chosen:,} choice, {reported:,} report), "
        f"{total * len(resolved.takers):,} answers"
    )


def endpoints(resolved: ResolvedSpec) -> str:
    """How many requests go to other people's servers, about; what a budget bounds, it bounds exactly."""
    asked = sum(isinstance(taker, RemoteTaker) for taker in resolved.takers)
    if isinstance(resolved.judge, ResolvedJudge):
        asked += len(resolved.takers) + resolved.judge.vet
    limits = {"calls": resolved.budget.calls, "tokens": resolved.budget.tokens}
    bound = " and ".join(f"{limit:,} {name}" for name, limit in limits.items() if limit is not None)
    return (
        f"about {sum(items(resolved)) * asked:,} requests if the search goes to its end, budget {bound or 'unlimited'}"
    )


def judge(resolved: ResolvedSpec) -> str:
    if isinstance(resolved.judge, ResolvedJudge):
        return f"{resolved.judge.endpoint.model} at {resolved.judge.endpoint.url}"
    return f"the verifier {resolved.judge.name}"


def items(resolved: ResolvedSpec) -> tuple[int, int, int]:
    """Items asked for at most: in the search, for the choice, for the report."""
    evaluation = resolved.evaluation
    searched = pso.budget(search_of.plan(resolved)) * evaluation.items
    chosen = search_of.choice_items(resolved) * evaluation.finalists
    reported = (resolved.generators.count + 1) * evaluation.final.items * evaluation.final.seeds
    return searched, chosen, reported
