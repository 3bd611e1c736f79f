"""How answers are judged, and what the search makes of the scores.

Objectives, verifiers, judges and gates are named by `type`: a key of the catalog, or `Plugin` for one that another
distribution brings.
"""

from typing import Annotated, ClassVar

from pydantic import Field, Strict

from swarm_core import catalog
from swarm_core.api.block import Block, Rule, union_member_rule
from swarm_core.api.endpoints import EndpointSpec
from swarm_core.api.plugin_spec import PLUGIN_RULE, PluginSpec
from swarm_core.api.scalars import Flag, Integer, OneOf

VERIFIER = "Verifier"
"""The type of a judge that is one of the verifiers."""
MODEL = "Model"
"""The type of a judge that is a language model with a rubric."""
COMPARISON = "Comparison"
"""The type of a judge that is a language model with references."""
SEPARATION = "Separation"
MAX_LENGTH = "MaxLength"

JudgeType = Annotated[str, OneOf((VERIFIER, *catalog.JUDGES, catalog.PLUGIN))]
VerifierType = Annotated[str, OneOf((*catalog.VERIFIERS, catalog.PLUGIN))]
ObjectiveType = Annotated[str, OneOf((*catalog.OBJECTIVES, catalog.PLUGIN))]
GateType = Annotated[str, OneOf((*catalog.GATES, catalog.PLUGIN))]


class Verifier(Block):
    """A program that knows the right answer."""

    type: VerifierType
    """Arithmetic computes the value of an expression; LastDigit compares last digits alone; Plugin is a
    verifier that another distribution brings."""
    plugin: PluginSpec | None = None
    """The plug-in, with type Plugin."""

    rules: ClassVar[tuple[Rule["Verifier"], ...]] = (PLUGIN_RULE,)


class Scale(Block):
    """The marks that a judging model may give; a score is the mark divided by the highest."""

    low: Integer = Field(1, ge=0, le=1)
    """Lowest mark, 0 or 1."""
    high: Integer = Field(10, ge=1, le=100)
    """Highest mark."""

    rules: ClassVar[tuple[Rule["Scale"], ...]] = (
        Rule("self.low < self.high", "low is not below high; lower it", "low", lambda it: it.low < it.high),
    )


class ModelJudge(Block):
    """A language model that marks answers, greedily, and is asked the same thing once."""

    endpoint: EndpointSpec
    """The model that judges."""
    rubric: Annotated[str, Strict(), Field(min_length=1, max_length=16_384)] = (
        "Mark how correct and how helpful the response is."
    )
    """What is good, in words for the judge; the query, the response and the form of the mark are added to it."""
    scale: Scale = Scale()
    """The marks it may give."""
    vet: Flag = True
    """Whether items are put to the judge first and those it calls unanswerable are rejected."""
    max_tokens: Integer = Field(256, ge=1, le=1_048_576)
    """Longest judgement, in tokens; one that is cut off is not read."""


class ComparisonJudge(Block):
    """A language model that compares answers with the references of the items, greedily."""

    endpoint: EndpointSpec
    """The model that judges."""
    max_tokens: Integer = Field(256, ge=1, le=1_048_576)
    """Longest judgement, in tokens; one that is cut off is not read."""


class JudgePlugin(PluginSpec):
    """A judge that another distribution brings."""

    endpoint: EndpointSpec | None = None
    """The model that it asks; absent, it asks none."""


class JudgeSpec(Block):
    """Who scores answers."""

    type: JudgeType
    """Verifier is a program that knows the right answer; Model is a language model that marks by a rubric; Comparison
    is one that compares with references; Plugin is a judge that another distribution brings."""
    verifier: Verifier | None = None
    """The program, with type Verifier."""
    model: ModelJudge | None = None
    """The language model, with type Model."""
    comparison: ComparisonJudge | None = None
    """The language model, with type Comparison."""
    plugin: JudgePlugin | None = None
    """The plug-in, with type Plugin."""

    rules: ClassVar[tuple[Rule["JudgeSpec"], ...]] = (
        union_member_rule("verifier", "type", VERIFIER, required=True),
        union_member_rule("model", "type", MODEL, required=True),
        union_member_rule("comparison", "type", COMPARISON, required=True),
        PLUGIN_RULE,
    )

    @property
    def endpoint(self) -> tuple[str, EndpointSpec] | None:
        """The model that the judge asks, and the field that names it; None if it asks none."""
        if self.model is not None:
            return "spec.judge.model.endpoint", self.model.endpoint
        if self.comparison is not None:
            return "spec.judge.comparison.endpoint", self.comparison.endpoint
        if self.plugin is not None and self.plugin.endpoint is not None:
            return "spec.judge.plugin.endpoint", self.plugin.endpoint
        return None


class MaxLength(Block):
    """The longest item that is admitted."""

    characters: Integer = Field(ge=1, le=1_048_576)
    """Most characters of an item, spaces at its ends left out."""


class GateSpec(Block):
    """One more condition that items meet before they count."""

    type: GateType
    """MaxLength rejects long items; Plugin is a gate that another distribution brings."""
    max_length: MaxLength | None = None
    """The limit, with type MaxLength."""
    plugin: PluginSpec | None = None
    """The plug-in, with type Plugin."""

    rules: ClassVar[tuple[Rule["GateSpec"], ...]] = (
        union_member_rule("max_length", "type", MAX_LENGTH, required=True),
        PLUGIN_RULE,
    )


Gates = Annotated[tuple[GateSpec, ...], Field(max_length=16)]


class ObjectiveSpec(Block):
    """What makes generated data good."""

    type: ObjectiveType
    """Difficulty is higher the more the best taker fails, MeanDifficulty the more takers fail on average; Separation is
    higher the further takers lie apart, of two or more; Plugin is an objective that another distribution brings."""
    plugin: PluginSpec | None = None
    """The plug-in, with type Plugin."""

    rules: ClassVar[tuple[Rule["ObjectiveSpec"], ...]] = (PLUGIN_RULE,)
