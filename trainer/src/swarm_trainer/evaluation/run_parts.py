"""The parts of a run, made from its spec: objective, judge, and the gates that the spec adds.

What they are made from is what `api.parts` lists, so a part that is used is a part that the experiment's digest pins.
"""

from dataclasses import asdict

from swarm_core import recipe
from swarm_core.api import parts
from swarm_core.api.resolved import ResolvedJudge, ResolvedSpec
from swarm_core.errors import BadInputError
from swarm_core.gates.registry import GateChoice
from swarm_core.objectives.objective import Needs, Objective
from swarm_core.ports import Judge
from swarm_core.recipe import ModelName
from swarm_core.swarm_names import TAKERS

COLLECTED = Needs()
"""What measurements bring, but for the number of takers, which is the spec's."""


def build_objective(resolved: ResolvedSpec) -> Objective:
    """The objective. Raises BadInputError."""
    objective: Objective = parts.build(parts.find_objective(resolved))
    return objective


def build_judge(resolved: ResolvedSpec) -> Judge:
    """The judge. One that asks a model is told the name of it as `model`. Raises BadInputError."""
    model = find_judge_model(resolved)
    judge: Judge = parts.build(parts.find_judge(resolved), **({} if model is None else {"model": model}))
    return judge


def find_judge_model(resolved: ResolvedSpec) -> ModelName | None:
    """The name that requests to the judge's model give; None if it asks none."""
    asked = parts.find_judge_endpoint(resolved)
    return None if asked is None else recipe.remote_model_name(asked.url, asked.model)


def list_own_gates(resolved: ResolvedSpec) -> tuple[GateChoice, ...]:
    """The gates of this run beyond those of every run: the one that asks a judging model, and those the spec adds."""
    added = tuple(GateChoice(use.part.name, use.part.config) for use in parts.list_gates(resolved))
    if not isinstance(resolved.judge, ResolvedJudge) or not resolved.judge.vet:
        return added
    asked = {"model": find_judge_model(resolved), "maxTokens": resolved.judge.max_tokens}
    return (GateChoice(parts.ANSWERABLE, asked), *added)


def check(resolved: ResolvedSpec) -> None:
    """Make every part once, so that a config that one refuses is refused before anything else is done.

    Raises BadInputError, naming the field.
    """
    build_judge(resolved)
    for use in parts.list_gates(resolved):
        parts.build(use)
    check_needs(resolved, build_objective(resolved).needs)


def check_needs(resolved: ResolvedSpec, needs: Needs) -> None:
    """Pass if an objective with these needs can be measured in this run. Raises BadInputError."""
    takers = len(resolved.takers)
    if TAKERS not in resolved.swarms and takers < needs.takers:
        raise BadInputError(
            f"spec.takers: {takers} listed, and objective {resolved.objective} compares {needs.takers} or more; list"
            " more, or choose another objective"
        )
    wanted, there = asdict(needs), asdict(COLLECTED)
    missing = [name for name in wanted if name != "takers" and wanted[name] > there[name]]
    if missing:
        raise BadInputError(
            f"spec.objective: {resolved.objective} needs {', '.join(missing)}, which this release does not collect;"
            " choose another objective"
        )
