"""Builds the parts of a run from its spec: the objective, the judge, and the gates that the spec adds.

They are built from the list that `api.parts` gives, so the experiment's digest pins every part that is used.
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
"""The data that measurements collect, except for the number of takers, which the spec gives."""


def build_objective(resolved: ResolvedSpec) -> Objective:
    """Build the objective. Raises BadInputError."""
    objective: Objective = parts.build_spec_part(parts.find_objective(resolved))
    return objective


def build_judge(resolved: ResolvedSpec) -> Judge:
    """Build the judge. A judge that asks a model gets the model's name as `model`. Raises BadInputError.

    This looks up plug-ins, so build the judge once for many items.
    """
    model = find_judge_model(resolved)
    judge: Judge = parts.build_spec_part(parts.find_judge(resolved), **({} if model is None else {"model": model}))
    return judge


def find_judge_model(resolved: ResolvedSpec) -> ModelName | None:
    """Return the model name for requests to the judge's endpoint, or None if the judge asks no model."""
    endpoint = parts.find_judge_endpoint(resolved)
    if endpoint is None:
        return None
    return recipe.remote_model_name(endpoint.url, endpoint.model, endpoint.parameters)


def list_own_gates(resolved: ResolvedSpec) -> tuple[GateChoice, ...]:
    """List the gates that not every run has: the gate that asks a judging model, and the gates that the spec adds."""
    added = tuple(GateChoice(use.part.name, use.part.config) for use in parts.list_gates(resolved))
    if not isinstance(resolved.judge, ResolvedJudge) or not resolved.judge.vet:
        return added
    config = {"model": find_judge_model(resolved), "maxTokens": resolved.judge.max_tokens}
    return (GateChoice(parts.ANSWERABLE, config), *added)


def check(resolved: ResolvedSpec) -> None:
    """Build every part once, so that a bad config is refused before the run does anything else.

    Raises BadInputError, naming the field.
    """
    build_judge(resolved)
    for use in parts.list_gates(resolved):
        parts.build_spec_part(use)
    check_needs(resolved, build_objective(resolved).needs)


def check_needs(resolved: ResolvedSpec, needs: Needs) -> None:
    """Check that this run can measure an objective with these needs. Raises BadInputError."""
    takers = len(resolved.takers)
    if TAKERS not in resolved.swarms and takers < needs.takers:
        raise BadInputError(
            f"spec.takers: {takers} listed, but objective {resolved.objective} compares {needs.takers} or more; list"
            " more takers, or choose another objective"
        )
    needed, collected = asdict(needs), asdict(COLLECTED)
    missing = [name for name in needed if name != "takers" and needed[name] > collected[name]]
    if missing:
        raise BadInputError(
            f"spec.objective: {resolved.objective} needs {', '.join(missing)}, which this release does not collect;"
            " choose another objective"
        )
