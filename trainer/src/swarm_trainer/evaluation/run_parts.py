"""Builds the parts of a run from its spec: the objectives and their composition, the judge, the gates, and the
check of answers.

They are built from the list that `api.parts` gives, so the experiment's digest pins every part that is used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite

from swarm_core.answer_check import AnswerCheck
from swarm_core.api import parts
from swarm_core.api.judging import PanelRule
from swarm_core.api.objective_blocks import Normalization
from swarm_core.api.resolved import PartUse, ResolvedPanel, ResolvedSpec
from swarm_core.composition import Single
from swarm_core.errors import BadInputError
from swarm_core.gates.gate_context import GateContext
from swarm_core.gates.registry import GateChoice
from swarm_core.judges.panel import PanelJudge
from swarm_core.objectives.composed import unite_needs
from swarm_core.objectives.objective import Needs, Objective
from swarm_core.pareto_composition import ParetoComposition, ParetoTerm
from swarm_core.plugins import PluginNotFoundError
from swarm_core.ports import Judge
from swarm_core.rivals.rival import DemandingRival
from swarm_core.swarm_names import TAKERS
from swarm_core.text.item_formats import ItemFormat
from swarm_core.weighted_sum import Term, WeightedSum

COLLECTED = Needs(repeats=16, reference=True, corpus=True)
"""The most data that measurements collect, except for the number of takers, which the spec gives."""


def build_objectives(resolved: ResolvedSpec) -> dict[str, Objective]:
    """Build the objective, or those of several terms, by the names of their values. Raises BadInputError."""
    several = resolved.weighted or resolved.pareto
    names = [str(resolved.objective)] if several is None else [term.name for term in several.terms]
    return dict(zip(names, map(parts.build_spec_part, parts.list_objectives(resolved)), strict=True))


def build_composition(
    resolved: ResolvedSpec, objectives: Mapping[str, Objective]
) -> Single | WeightedSum | ParetoComposition:
    """Build the rule that makes the fitness of the values of `objectives`. Raises BadInputError for a floor that has
    no effect or that no value meets."""
    weighted, pareto = resolved.weighted, resolved.pareto
    if pareto is not None:
        goals = tuple(ParetoTerm(term.name, objectives[term.name].range, term.at_least) for term in pareto.terms)
        check_terms(goals, parts.PARETO_FIELD, "a hypervolume")
        return ParetoComposition(goals)
    if weighted is None:
        return Single(str(resolved.objective))
    terms = tuple(Term(term.name, term.weight, objectives[term.name].range, term.at_least) for term in weighted.terms)
    check_terms(terms, parts.WEIGHTED_FIELD, "a weighted sum")
    return WeightedSum(terms, weighted.normalize is Normalization.START)


def check_terms(terms: Sequence[Term | ParetoTerm], field: str, what: str) -> None:
    """Check each term of an objective with terms. `field`: its path; `what`: what needs the limits of the terms."""
    for place, term in enumerate(terms):
        check_term(term, f"{field}.terms[{place}]", what)


def check_term(term: Term | ParetoTerm, field: str, what: str) -> None:
    """Check that a term has limits, and that its floor separates possible values. Raises BadInputError."""
    low, high = term.range
    if not (isfinite(low) and isfinite(high)):
        raise BadInputError(
            f"{field}.objective: {term.name} has values from {low:g} to {high:g}, but {what} needs finite"
            " limits; choose another objective"
        )
    if term.at_least is not None and not low < term.at_least <= high:
        raise BadInputError(
            f"{field}.atLeast: {term.at_least:g}, but {term.name} has values from {low:g} to {high:g}; write a floor"
            f" above {low:g} and at most {high:g}, or remove it"
        )


def find_needs(resolved: ResolvedSpec) -> Needs:
    """Return what the objectives of the run need; nothing in particular if one is a plug-in that is not installed here.

    Raises BadInputError.
    """
    try:
        return unite_needs([one.needs for one in build_objectives(resolved).values()])
    except PluginNotFoundError:
        return Needs()


def build_judge(resolved: ResolvedSpec) -> Judge:
    """Build the judge. Raises BadInputError.

    This looks up plug-ins, so build the judge once for many items.
    """
    members: tuple[Judge, ...] = tuple(map(parts.build_spec_part, parts.list_judges(resolved)))
    match resolved.judge:
        case ResolvedPanel(rule=rule, at_least=at_least):
            return PanelJudge(members, at_least, majority=rule is PanelRule.MAJORITY)
        case _:
            return members[0]


def build_answer_check(resolved: ResolvedSpec, judge: Judge) -> AnswerCheck | None:
    """Build the check of the answers that generators write; None if they write questions alone."""
    generation = resolved.generation
    if generation.format is ItemFormat.QUESTIONS:
        return None
    return AnswerCheck(judge, generation.answer_check, generation.agreeing_takers)


def list_gates(resolved: ResolvedSpec) -> tuple[GateChoice, ...]:
    """List the gates of the run, each with the config for its factory. Raises BadInputError."""
    return tuple(GateChoice(use.part.name, parts.complete_config(use)) for use in parts.list_gates(resolved))


def spends_budget(use: PartUse) -> bool:
    """Return whether a rival makes measurements of its own; True if it is a plug-in that is not installed here.

    Raises BadInputError.
    """
    try:
        return bool(parts.build_spec_part(use).spends_budget)
    except PluginNotFoundError:
        return True


def check(resolved: ResolvedSpec) -> None:
    """Build every part once, so that a bad config is refused before the run does anything else.

    Raises BadInputError, naming the field.
    """
    context = GateContext(build_judge(resolved))
    for use in parts.list_gates(resolved):
        parts.build_spec_part(use, context)
    check_rivals(resolved)
    check_objectives(resolved)


def check_rivals(resolved: ResolvedSpec) -> None:
    """Build every rival once, and check that a run of this spec can have it. Raises BadInputError, naming the field."""
    for use in parts.list_rivals(resolved):
        rival = parts.build_spec_part(use)
        misfit = rival.find_misfit(resolved.wording) if isinstance(rival, DemandingRival) else None
        if misfit is not None:
            raise BadInputError(f"{use.field}: {misfit}")


def check_objectives(resolved: ResolvedSpec) -> None:
    """Build every objective and their composition once, and check that this run can measure them.

    Raises BadInputError, naming the field.
    """
    objectives = build_objectives(resolved)
    build_composition(resolved, objectives)
    check_needs(resolved, unite_needs([one.needs for one in objectives.values()]))


def check_needs(resolved: ResolvedSpec, needs: Needs) -> None:
    """Check that this run can measure an objective with these needs. Raises BadInputError."""
    takers = len(resolved.takers)
    if TAKERS not in resolved.swarms and takers < needs.takers:
        raise BadInputError(
            f"spec.takers: {takers} listed, but objective {resolved.objective} compares {needs.takers} or more; list"
            " more takers, or choose another objective"
        )
    if needs.reference and resolved.reference is None:
        raise BadInputError(
            f"spec.objective: {resolved.objective} needs a reference set; write spec.objective.reference, with the uri"
            " of its items, or without one for the held-out seed items"
        )
    if needs.corpus and resolved.corpus is None:
        raise BadInputError(
            f"spec.objective: {resolved.objective} needs a corpus; write spec.objective.corpus with the uri of one"
        )
    needed, collected = asdict(needs), asdict(COLLECTED)
    missing = [name for name in needed if name != "takers" and needed[name] > collected[name]]
    if missing:
        raise BadInputError(
            f"spec.objective: {resolved.objective} needs {', '.join(missing)}, which this release does not collect;"
            " choose another objective"
        )
