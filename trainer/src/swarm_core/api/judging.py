"""The judge, which scores answers, the objective, which turns scores into a fitness, and the gates.

`type` names an objective, a verifier, a judge or a gate: it is a key of the catalog, or `Plugin` for a plug-in that
another distribution provides.
"""

from typing import Annotated, ClassVar

from pydantic import Field, Strict

from swarm_core import catalog
from swarm_core.api.block import Block, Rule, union_member_rule
from swarm_core.api.endpoints import EndpointSpec
from swarm_core.api.plugin_spec import PLUGIN_RULE, PluginSpec
from swarm_core.api.scalars import Flag, Integer, OneOf

VERIFIER = "Verifier"
"""The type of a judge that is a verifier."""
MODEL = "Model"
"""The type of a judge that is a language model with a rubric."""
SEPARATION = "Separation"

JudgeType = Annotated[str, OneOf((VERIFIER, *catalog.JUDGES, catalog.PLUGIN))]
VerifierType = Annotated[str, OneOf((*catalog.VERIFIERS, catalog.PLUGIN))]
ObjectiveType = Annotated[str, OneOf((*catalog.OBJECTIVES, catalog.PLUGIN))]
GateType = Annotated[str, OneOf((*catalog.GATES, catalog.PLUGIN))]


class Verifier(Block):
    """A program that computes the correct answer."""

    type: VerifierType
    """Type of the verifier: Arithmetic computes the value of an expression, Plugin is a verifier that another
    distribution provides."""
    plugin: PluginSpec | None = None
    """Settings of type Plugin."""

    rules: ClassVar[tuple[Rule["Verifier"], ...]] = (PLUGIN_RULE,)


class Scale(Block):
    """The range of marks that a judge model can give. A score is the mark divided by the highest mark."""

    low: Integer = Field(1, ge=0, le=1)
    """Lowest mark, 0 or 1."""
    high: Integer = Field(10, ge=1, le=100)
    """Highest mark."""

    rules: ClassVar[tuple[Rule["Scale"], ...]] = (
        Rule("self.low < self.high", "low must be below high; lower low", "low", lambda it: it.low < it.high),
    )


class ModelJudge(Block):
    """A language model that marks answers. It decodes greedily, and it is asked each question only once."""

    endpoint: EndpointSpec
    """Endpoint of the judge model."""
    rubric: Annotated[str, Strict(), Field(min_length=1, max_length=16_384)] = (
        "Mark how correct and how helpful the response is."
    )
    """Instruction that tells the judge what makes a response good. The query, the response and the format of the mark
    are added to it."""
    scale: Scale = Scale()
    """Range of marks that the judge can give."""
    vet: Flag = True
    """Whether the judge checks each item first. Items that it considers unanswerable are rejected."""
    max_tokens: Integer = Field(256, ge=1, le=1_048_576)
    """Maximum length of a judgment, in tokens, without thinking. A judgment that is cut off gives no score."""
    thinking_tokens: Integer = Field(0, ge=0, le=1_048_576)
    """Tokens that the judge may think, in addition to maxTokens."""


class JudgePlugin(PluginSpec):
    """A judge that another distribution provides."""

    endpoint: EndpointSpec | None = None
    """Endpoint of the model that the judge asks. If absent, the judge asks no model."""


class JudgeSpec(Block):
    """The judge, which scores the answers of takers."""

    type: JudgeType
    """Type of the judge: Verifier is a program that computes the correct answer, Model is a language model that marks
    by a rubric, and Plugin is a judge that another distribution provides."""
    verifier: Verifier | None = None
    """Settings of type Verifier."""
    model: ModelJudge | None = None
    """Settings of type Model."""
    plugin: JudgePlugin | None = None
    """Settings of type Plugin."""

    rules: ClassVar[tuple[Rule["JudgeSpec"], ...]] = (
        union_member_rule("verifier", "type", VERIFIER, required=True),
        union_member_rule("model", "type", MODEL, required=True),
        PLUGIN_RULE,
    )

    @property
    def endpoint(self) -> tuple[str, EndpointSpec] | None:
        """The path of the field with the endpoint, and the endpoint that the judge asks; None if it asks no model."""
        if self.model is not None:
            return "spec.judge.model.endpoint", self.model.endpoint
        if self.plugin is not None and self.plugin.endpoint is not None:
            return "spec.judge.plugin.endpoint", self.plugin.endpoint
        return None


class GateSpec(Block):
    """A gate: a condition that an item must meet to be accepted."""

    type: GateType
    """Type of the gate: Plugin is a gate that another distribution provides."""
    plugin: PluginSpec | None = None
    """Settings of type Plugin."""

    rules: ClassVar[tuple[Rule["GateSpec"], ...]] = (PLUGIN_RULE,)


Gates = Annotated[tuple[GateSpec, ...], Field(max_length=16)]


class ObjectiveSpec(Block):
    """The objective: the property of the generated data that the search maximizes."""

    type: ObjectiveType
    """Type of the objective: Difficulty rises when even the best taker scores low, Separation rises with the distance
    between the scores of two or more takers, and Plugin is an objective that another distribution provides."""
    plugin: PluginSpec | None = None
    """Settings of type Plugin."""

    rules: ClassVar[tuple[Rule["ObjectiveSpec"], ...]] = (PLUGIN_RULE,)
