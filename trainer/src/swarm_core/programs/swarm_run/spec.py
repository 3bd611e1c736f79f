"""The SwarmRun resource: a search for generators, measured by takers that do not move.

Invariant: every field of `SwarmRunSpec` is in exactly one of `IDENTITY_FIELDS`, `FIXED_NON_IDENTITY_FIELDS` and
`MUTABLE_FIELDS`.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from swarm_core.api import model_families, unseen_takers
from swarm_core.api.base import BaseSpec
from swarm_core.api.evaluation import Evaluation
from swarm_core.api.generators import Generators
from swarm_core.api.judging import GATES_RULE, GatesField, JudgeSpec
from swarm_core.api.lifecycle import Budget
from swarm_core.api.objective_blocks import PARETO, TAKERS_RULES, ObjectiveSpec
from swarm_core.api.prompt_texts import Prompts, build_answering_rule, build_generation_rule
from swarm_core.api.resuming import ResumeFrom
from swarm_core.api.run import Run, RunSpec
from swarm_core.api.swarm import RuleName, SwarmSpec
from swarm_core.api.takers import Answering, Generation, Taker
from swarm_core.api.unseen_takers import UNSEEN_RULES
from swarm_core.blocks.block import RULE_BROKEN, Rule, RuleReason, list_repeated
from swarm_core.blocks.scalars import Line
from swarm_core.programs.swarm_run.status import SwarmRunStatus

IDENTITY_FIELDS = (
    "seed", "base", "generators", "domain", "takers", "generation", "answering", "prompts", "judge", "gates",
    "objective", "swarm", "evaluation",
)  # fmt: skip
"""The fields that are the identity of the experiment. The digests cover them, and they are fixed after creation."""
FIXED_NON_IDENTITY_FIELDS = ("storage", "resumeFrom")
"""Fields that the digests do not cover and that are fixed after creation: the store and the start of the run."""
MUTABLE_FIELDS = (
    "suspend", "stopAfter", "deadlineSeconds", "ttlSecondsAfterFinished", "deletionPolicy", "budget", "rerun",
    "execution",
)  # fmt: skip
"""Fields that the digests do not cover and that may change."""


def _build_single_value_rule(field: str, reason: str) -> Rule["SwarmRunSpec"]:
    """Return the rule that a comparison of `evaluation`, which needs one value, is not asked for with a front."""
    path = f"self.evaluation.{field}"
    return Rule(
        f"self.objective.type != 'Pareto' || !has({path}) || {path}.size() == 0",
        f"{reason}, and an objective of type Pareto has a front; remove evaluation.{field}",
        f"evaluation.{field}",
        lambda it: it.objective.type != PARETO or not getattr(it.evaluation, field),
        lambda _: ("evaluation", field),
        RuleReason.FORBIDDEN,
    )


class SwarmRunSpec(RunSpec):
    """The specification of a search for generators."""

    budget: Budget = Budget()
    """Budget of the run. It can end a search early and changes no other result."""
    base: BaseSpec
    """The base model. Every generator is an adapter of it, and so is every taker that names no other model."""
    generators: Generators
    """The initial generators and their seed data."""
    domain: Line = "general knowledge"
    """Topic of the data, as the prompt names it."""
    takers: Annotated[tuple[Taker, ...], Field(max_length=16)] = ()
    """The models that take the generated tests. Only an objective that asks no taker has none."""
    generation: Generation = Generation()
    """Settings for asking generators for items."""
    answering: Answering = Answering()
    """Settings for asking takers for answers."""
    prompts: Prompts | None = None
    """Words of the prompts. If absent, those of base.template."""
    judge: JudgeSpec
    """The judge, which scores the answers of takers."""
    gates: GatesField = None
    objective: ObjectiveSpec
    """The objective: the property of the generated data that the search maximizes."""
    swarm: SwarmSpec = SwarmSpec()
    """The search over weighted sums of the generators."""
    evaluation: Evaluation = Evaluation()
    """Measurement of generators."""
    resume_from: ResumeFrom | None = None
    """Iteration of another run to start from. If absent, the run starts a new search."""

    rules: ClassVar[tuple[Rule["SwarmRunSpec"], ...]] = (
        Rule(
            "self.takers.all(a, self.takers.exists_one(b, a.name == b.name))",
            "another taker has this name; give each taker its own name",
            "takers",
            lambda it: not _list_repeated_takers(it),
            lambda it: ("takers", _list_repeated_takers(it)[0], "name"),
        ),
        *TAKERS_RULES,
        *UNSEEN_RULES,
        Rule(
            "self.objective.type != 'Pareto' || self.swarm.rule == 'MultiObjective'",
            "an objective of type Pareto needs rule MultiObjective, which keeps a front; set swarm.rule to"
            " MultiObjective",
            "swarm.rule",
            lambda it: it.objective.type != PARETO or it.swarm.rule is RuleName.MULTI_OBJECTIVE,
            lambda _: ("swarm", "rule"),
        ),
        Rule(
            "self.swarm.rule != 'MultiObjective' || self.objective.type == 'Pareto'",
            "rule MultiObjective searches for a front; set objective.type to Pareto, or choose rule Standard or"
            " Published",
            "swarm.rule",
            lambda it: it.swarm.rule is not RuleName.MULTI_OBJECTIVE or it.objective.type == PARETO,
            lambda _: ("swarm", "rule"),
        ),
        _build_single_value_rule("unseen", "unseen takers judge one generator by one value"),
        _build_single_value_rule("rivals", "rivals are compared by one value"),
        Rule(
            "!has(self.generation.agreeingTakers) || self.generation.agreeingTakers <= self.takers.size()",
            "more takers must agree than there are; lower agreeingTakers, or list more takers",
            "generation",
            lambda it: it.generation.agreeing_takers is None or it.generation.agreeing_takers <= len(it.takers),
            lambda _: ("generation", "agreeingTakers"),
        ),
        GATES_RULE,
        build_generation_rule(),
        build_answering_rule(
            "(self.takers.all(t, has(t.endpoint)) &&"
            " (!has(self.evaluation.unseen) || self.evaluation.unseen.all(t, has(t.endpoint))))",
            lambda it: all(taker.endpoint for taker in it.every_taker),
        ),
    )

    @property
    def every_taker(self) -> tuple[Taker, ...]:
        """The takers of the search, and those that it never asks."""
        return (*self.takers, *self.evaluation.unseen)

    @model_validator(mode="after")
    def _check_families(self) -> Self:
        """Refuse a judge of a taker's family. This is no `Rule`, because CEL cannot tell families."""
        found = model_families.find_kinship(self.judge, self.every_taker, self.base.model)
        if found is None or self.judge.allow_same_family:
            return self
        raise PydanticCustomError(
            RULE_BROKEN,
            "a judge marks texts of its own family too high, and taker {taker} is {model} ({family}, too); choose a"
            " judge of another family, or set judge.allowSameFamily to true",
            {"at": found.at, "taker": found.taker, "model": found.model, "family": found.family},
        )

    @model_validator(mode="after")
    def _check_unseen(self) -> Self:
        """Refuse an unseen taker behind an endpoint that the search asks."""
        known = unseen_takers.find_known_endpoint(self)
        if known is None:
            return self
        raise PydanticCustomError(
            RULE_BROKEN, unseen_takers.KNOWN_MODEL, {"at": ("evaluation", "unseen", known, "endpoint")}
        )


def _list_repeated_takers(spec: SwarmRunSpec) -> list[int]:
    """Return the indices of takers whose name an earlier taker has."""
    return list_repeated(taker.name for taker in spec.takers)


class SwarmRun(Run):
    """A search for generators of synthetic data: a swarm of LoRA adapters of one base model, scored by test takers."""

    kind: Literal["SwarmRun"]
    """Kind of this resource."""
    spec: SwarmRunSpec
    """Specification of the search."""
    status: SwarmRunStatus | None = None
    """Status of the run, as dataswarm reports it."""
