"""The parts of a run, made from its spec: objective, judge, and the gates that the spec adds.

What they are made from is what `api.parts` lists, so a part that is used is a part that the experiment's digest pins.
"""

from swarm_core import recipe
from swarm_core.api import parts
from swarm_core.api.resolved import NamedJudge, ResolvedJudge, ResolvedSpec
from swarm_core.judges.rubric import RubricJudge
from swarm_core.objectives.bootstrap import ResampledObjective
from swarm_core.ports import Judge


def build_objective(resolved: ResolvedSpec) -> ResampledObjective:
    """The objective. Raises BadInputError."""
    objective: ResampledObjective = parts.build(parts.list_parts(resolved)[0])
    return objective


def build_judge(resolved: ResolvedSpec) -> Judge | RubricJudge:
    """The judge: a program, or one that asks a model. Raises BadInputError."""
    match resolved.judge:
        case ResolvedJudge() as chosen:
            return build_rubric_judge(chosen)
        case NamedJudge(endpoint=asked) if asked is not None:
            named: Judge = parts.build(
                parts.find_judge(resolved), **{parts.MODEL_SETTING: recipe.remote_model_name(asked.url, asked.model)}
            )
            return named
        case _:
            judge: Judge = parts.build(parts.find_judge(resolved))
            return judge


def build_rubric_judge(chosen: ResolvedJudge) -> RubricJudge:
    return RubricJudge(
        model=recipe.remote_model_name(chosen.endpoint.url, chosen.endpoint.model),
        text=chosen.rubric,
        low=chosen.scale.low,
        high=chosen.scale.high,
        max_tokens=chosen.max_tokens,
        vet=chosen.vet,
    )
