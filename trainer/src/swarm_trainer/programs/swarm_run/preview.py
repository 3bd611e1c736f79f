"""Describes what a SwarmRun would do, and how much it would measure at most, for `dataswarm validate`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from swarm_core.api import parts
from swarm_core.api.objective_blocks import Normalization
from swarm_core.api.objective_data import ReferenceData
from swarm_core.api.resolved import (
    Part,
    PartUse,
    RemoteTaker,
    ResolvedGenerators,
    ResolvedPanel,
    ResolvedPareto,
    ResolvedSpec,
    ResolvedTaker,
    ResolvedWeighted,
    TrainedAdapters,
)
from swarm_core.api.student import Student
from swarm_core.api.takers import AnswerChecker, Generation
from swarm_core.optimizers import optimization
from swarm_core.programs import program_protocol, search_settings
from swarm_core.text.item_formats import ItemFormat
from swarm_trainer.evaluation import run_parts

STUDENT_DATA_SETS = 3
"""The number of data sets that students are trained on: found, initial and seed data."""


def describe_search_run(resolved: ResolvedSpec, items: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield pairs of a subject and a line. `items`: the number of seed items of each local data file, by URI."""
    yield "generators", describe_generators(resolved.generators, items)
    yield "takers", f"{len(resolved.takers)}: {', '.join(taker.name for taker in resolved.takers) or 'nobody is asked'}"
    yield "objective", describe_objective(resolved)
    if resolved.corpus is not None:
        yield "corpus", f"at most {resolved.corpus.max_items:,} documents of {resolved.corpus.uri}"
    if resolved.reference is not None:
        yield "reference", describe_reference(resolved.reference, len(resolved.takers))
    yield from describe_gate_data(resolved)
    if resolved.generation.format is not ItemFormat.QUESTIONS:
        yield "format", describe_format(resolved.generation, len(resolved.takers))
    yield "search", describe_search(resolved)
    yield "items", describe_items(resolved)
    if resolved.rivals:
        yield "rivals", describe_rivals(resolved)
    if resolved.unseen:
        yield "unseen", describe_unseen(resolved)
    if resolved.evaluation.student is not None:
        yield "student", describe_student(resolved.evaluation.student)
    if resolved.access:
        yield "endpoints", describe_endpoints(resolved)


def describe_objective(resolved: ResolvedSpec) -> str:
    """Describe the objective and the judge."""
    terms = "" if resolved.weighted is None else f": {describe_terms(resolved.weighted)}"
    if resolved.pareto is not None:
        terms = f" front: {describe_front(resolved.pareto)}"
    return f"{resolved.objective}{terms}, judged by {describe_judge(resolved)}"


def describe_terms(weighted: ResolvedWeighted) -> str:
    """Describe a weighted sum by its weights and its floors."""
    floors = [f"{term.name} at least {term.at_least:g}" for term in weighted.terms if term.at_least is not None]
    added = " + ".join(f"{term.weight:g} {term.name}" for term in weighted.terms if term.weight > 0)
    scaled = " in standard deviations of the first iteration" if weighted.normalize is Normalization.START else ""
    return ", ".join([f"{added}{scaled}", *floors])


def describe_front(pareto: ResolvedPareto) -> str:
    """Describe the objectives of a front by their names and floors."""
    return " against ".join(
        term.name if term.at_least is None else f"{term.name} (at least {term.at_least:g})" for term in pareto.terms
    )


def describe_reference(reference: ReferenceData, takers: int) -> str:
    """Describe the reference set, and how many answers to it are asked for once."""
    origin = "the held-out seed items" if reference.uri is None else f"the items of {reference.uri}"
    return f"at most {reference.items:,} of {origin}, answered once: at most {reference.items * takers:,} answers"


def describe_unseen(resolved: ResolvedSpec) -> str:
    """Describe the takers that the search never asks, and how many answers they are asked for at most."""
    names = ", ".join(taker.name for taker in resolved.unseen)
    answers = limit_unseen_items(resolved) * len(resolved.unseen)
    return (
        f"{len(resolved.unseen)}: {names}; asked at the end for at most {answers:,} answers to the items of the report"
    )


def describe_student(student: Student) -> str:
    """Describe how many students are trained at the end, and how many answers they give at most."""
    data = "the held-out seed items" if student.test is None else student.test.uri
    trained = STUDENT_DATA_SETS * student.seeds
    return (
        f"{trained} trained at the end, {student.seeds} on each of {STUDENT_DATA_SETS} data sets; at most"
        f" {count_student_answers(student):,} answers to {data}"
    )


def count_student_answers(student: Student | None) -> int:
    """Count the most answers of all students, and of the model that they start from."""
    return 0 if student is None else (STUDENT_DATA_SETS * student.seeds + 1) * student.items


def limit_unseen_items(resolved: ResolvedSpec) -> int:
    """Return the most items that each unseen taker answers: those of the report, and the reference set."""
    *_, report = list_measurements(resolved)
    _, most = limit_items(report.items, resolved.generation.shots, resolved.generation.rounds)
    return report.count * most + (0 if resolved.reference is None else resolved.reference.items)


def describe_format(generation: Generation, takers: int) -> str:
    """Describe what generators write, and who checks their answers."""
    needed = generation.agreeing_takers or takers // 2 + 1
    agreement = f"{needed} of {takers} takers"
    checkers = {
        None: f"the judge if it can do so without a reference, or else, and also if it is a model, by {agreement}",
        AnswerChecker.JUDGE: "the judge",
        AnswerChecker.TAKERS: agreement,
        AnswerChecker.JUDGE_AND_TAKERS: f"the judge and {agreement}",
        AnswerChecker.NOBODY: "nobody",
    }
    return f"{generation.format}; the writers' answers are checked by {checkers[generation.answer_check]}"


def describe_gate_data(resolved: ResolvedSpec) -> Iterator[tuple[str, str]]:
    """Yield a line for each data set that a gate compares items with."""
    for gate in parts.list_gates(resolved):
        for _, source in parts.list_data_sets(gate):
            named = f"{source.name}: " if source.name else ""
            yield "compared", f"{named}{source.uri}, by the gate {gate.part}"


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
    """Describe how many items are wanted, by purpose, and the limits of what is requested and answered."""
    search, choice, report = list_measurements(resolved)
    wanted = [one.count * one.items for one in (search, choice, report)]
    limits = estimate_limits(resolved)
    return (
        f"{sum(wanted):,} wanted ({wanted[0]:,} search, {wanted[1]:,} final choice, {wanted[2]:,} report); requested:"
        f" {limits.first_round:,} if gates accept all, at most {limits.requested:,}; at most {limits.answers:,} answers"
    )


def describe_rivals(resolved: ResolvedSpec) -> str:
    """Describe the rivals, and how many items and answers they add at most."""
    limits = estimate_rival_limits(resolved)
    return (
        f"{', '.join(rival.name for rival in resolved.rivals)}; requested in addition: at most {limits.requested:,}"
        f" items; at most {limits.answers:,} answers"
    )


def describe_endpoints(resolved: ResolvedSpec) -> str:
    """Describe the maximum number of requests to remote endpoints, and the budget, which is an exact limit."""
    limits = {"calls": resolved.budget.calls, "tokens": resolved.budget.tokens}
    budget = " and ".join(f"{limit:,} {name}" for name, limit in limits.items() if limit is not None)
    return (
        f"at most {estimate_endpoint_requests(resolved):,} requests if the search uses all iterations and every request"
        f" is answered at once, budget {budget or 'unlimited'}"
    )


@dataclass(frozen=True, slots=True)
class Measurements:
    """Sets of items of one purpose, and the number of items that each of them wants."""

    count: int
    """The number of measurements, times the repeats that the objective needs."""
    items: int


@dataclass(frozen=True, slots=True)
class ItemLimits:
    """The limits of a run that uses all its iterations."""

    first_round: int
    """Items that are requested if the gates accept all of them."""
    requested: int
    """The most items that are requested, if the gates reject all of them."""
    answers: int
    """The most answers of takers. A measurement may get more items than it wants, because a request asks for several.
    """


def list_measurements(resolved: ResolvedSpec) -> tuple[Measurements, Measurements, Measurements]:
    """Return the maximum numbers of measurements: of the search, of the final choice and of the report."""
    evaluation, repeats = resolved.evaluation, run_parts.find_needs(resolved).repeats
    # One finalist is an initial generator; the others are measured too, to choose the baseline.
    in_choice = evaluation.finalists + resolved.generators.count - 1
    ends = 0 if resolved.pareto is None else len(resolved.pareto.terms)
    in_report = (resolved.generators.count + 1 + ends) * evaluation.final.seeds
    return (
        Measurements(repeats * optimization.budget(search_settings.build_plan(resolved)), evaluation.items),
        Measurements(repeats * in_choice, search_settings.items_per_finalist(resolved)),
        Measurements(repeats * in_report, evaluation.final.items),
    )


def estimate_limits(resolved: ResolvedSpec) -> ItemLimits:
    """Estimate the limits of all measurements of the search and its report together."""
    limits = limit_measurements(resolved, list_measurements(resolved))
    reference = 0 if resolved.reference is None else resolved.reference.items * len(resolved.takers)
    return replace(limits, answers=limits.answers + reference)


def limit_measurements(resolved: ResolvedSpec, measurements: Iterable[Measurements]) -> ItemLimits:
    """Estimate the limits of these measurements together."""
    first_round = accepted = 0
    for one in measurements:
        first, most = limit_items(one.items, resolved.generation.shots, resolved.generation.rounds)
        first_round, accepted = first_round + one.count * first, accepted + one.count * most
    return ItemLimits(first_round, resolved.generation.rounds * first_round, accepted * len(resolved.takers))


def estimate_rival_limits(resolved: ResolvedSpec) -> ItemLimits:
    """Estimate the limits of all rivals together. Each may cost as much as the search, and has final items of its own.

    A plug-in that is not installed here counts as one that spends its budget.
    """
    search, choice, report = list_measurements(resolved)
    final = Measurements(report.count // (resolved.generators.count + 1), report.items)
    searching = sum(map(run_parts.spends_budget, parts.list_rivals(resolved)))
    every = [(searching, one) for one in (search, choice)] + [(len(resolved.rivals), final)]
    return limit_measurements(resolved, [Measurements(factor * one.count, one.items) for factor, one in every])


def limit_items(items: int, shots: int, rounds: int) -> tuple[int, int]:
    """Return how many items a measurement of `items` requests in a round at most, and how many it accepts at most.

    A round asks for all missing items, in requests for `shots` items. If one item is missing after the first round, the
    next request may bring `shots` more.
    """
    first_round = ceil(items / shots) * shots
    return first_round, first_round if rounds == 1 else items - 1 + shots


def estimate_endpoint_requests(resolved: ResolvedSpec) -> int:
    """Estimate the most requests to remote endpoints, if each of them is answered at once.

    An answer that is sampled and has no score is sampled once more.
    """
    tests = len(resolved.access)  # `prepare` tries each endpoint once
    return tests + sum(estimate_calls(resolved).values())


def estimate_calls(resolved: ResolvedSpec) -> dict[str, int]:
    """Estimate the most requests to remote endpoints by role: judges, gates, takers and rivals.

    A rival that asks a model asks at most once for each item of its budget.
    """
    searched, rivals, takers = estimate_limits(resolved), estimate_rival_limits(resolved), max(1, len(resolved.takers))
    requested, answers = searched.requested + rivals.requested, searched.answers + rivals.answers
    per_taker = count_tries(resolved) * (answers // takers)
    unseen = count_tries(resolved) * limit_unseen_items(resolved)
    students = count_tries(resolved) * count_student_answers(resolved.evaluation.student)
    judges = sum(use.part.endpoint is not None for use in parts.list_judges(resolved))
    asking = sum(rival.endpoint is not None for rival in resolved.rivals)
    checks = judges if resolved.generation.format is not ItemFormat.QUESTIONS else 0  # of the writers' answers
    return {
        "judges": judges * (per_taker * len(resolved.takers) + unseen * len(resolved.unseen) + students)
        + checks * requested,
        "gates": requested * sum(count_verdicts(gate) for gate in resolved.gates if gate.endpoint is not None),
        "takers": per_taker * count_remote(resolved.takers) + unseen * count_remote(resolved.unseen),
        "rivals": asking * limit_measurements(resolved, list_measurements(resolved)[:2]).requested,
    }


def count_verdicts(gate: Part) -> int:
    """Count the requests of a gate for one item: one, or as many as it takes votes."""
    votes = gate.config.get("votes")
    count = votes.get("count") if isinstance(votes, Mapping) else None
    return count if isinstance(count, int) else 1


def count_remote(takers: Sequence[ResolvedTaker | RemoteTaker]) -> int:
    """Count the takers behind endpoints."""
    return sum(isinstance(taker, RemoteTaker) for taker in takers)


def count_tries(resolved: ResolvedSpec) -> int:
    """Return how often an answer is asked for at most, if the first one has no score."""
    return 2 if resolved.answering.temperature > 0 else 1


def describe_judge(resolved: ResolvedSpec) -> str:
    """Describe the judge and the model that it asks, or every member of a panel and the rule of the panel."""
    members = ", ".join(map(describe_part, parts.list_judges(resolved)))
    panel = resolved.judge
    if not isinstance(panel, ResolvedPanel):
        return members
    return f"the {str(panel.rule).lower()} of at least {panel.at_least} of {len(panel.members)} judges: {members}"


def describe_part(use: PartUse) -> str:
    """Describe a part, and the model that it asks."""
    asked = use.part.endpoint
    named = f"the {use.group.removesuffix('s')} {use.part}"
    return named if asked is None else f"{named}, which asks {asked.model} at {asked.url}"
