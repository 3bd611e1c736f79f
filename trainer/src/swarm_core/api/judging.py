"""How answers are judged, and what the search makes of the scores."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, Strict

from swarm_core.api.block import Block, Rule, union_member_rule
from swarm_core.api.endpoints import EndpointSpec
from swarm_core.api.scalars import Flag, Integer


class JudgeType(StrEnum):
    """The kinds of judge."""

    VERIFIER = "Verifier"
    MODEL = "Model"


class VerifierName(StrEnum):
    """The verifiers."""

    ARITHMETIC = "Arithmetic"


class Verifier(Block):
    """A program that knows the right answer."""

    name: VerifierName
    """Arithmetic computes the sum, difference or product asked for."""


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


class JudgeSpec(Block):
    """Who scores answers."""

    type: JudgeType
    """Verifier is a program that knows the right answer; Model, a language model that marks by a rubric."""
    verifier: Verifier | None = None
    """The program, with type Verifier."""
    model: ModelJudge | None = None
    """The language model, with type Model."""

    rules: ClassVar[tuple[Rule["JudgeSpec"], ...]] = (
        union_member_rule("verifier", "type", JudgeType.VERIFIER, required=True),
        union_member_rule("model", "type", JudgeType.MODEL, required=True),
    )


class ObjectiveType(StrEnum):
    """The objectives."""

    DIFFICULTY = "Difficulty"
    SEPARATION = "Separation"


class ObjectiveSpec(Block):
    """What makes generated data good."""

    type: ObjectiveType
    """Difficulty is higher the more takers fail; Separation, the further takers lie apart (two takers or more)."""
