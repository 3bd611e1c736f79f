"""How answers are judged, and what the search makes of the scores."""

from enum import StrEnum
from typing import ClassVar

from swarm_core.api.block import Block, Rule, member


class JudgeType(StrEnum):
    """The kinds of judge."""

    VERIFIER = "Verifier"


class VerifierName(StrEnum):
    """The verifiers."""

    ARITHMETIC = "Arithmetic"


class Verifier(Block):
    """A program that knows the right answer."""

    name: VerifierName
    """Arithmetic computes the sum, difference or product asked for."""


class Judge(Block):
    """Who scores answers."""

    type: JudgeType
    """Verifier is a program that knows the right answer."""
    verifier: Verifier | None = None
    """The program, with type Verifier."""

    rules: ClassVar[tuple[Rule["Judge"], ...]] = (member("verifier", "type", JudgeType.VERIFIER, required=True),)


class ObjectiveType(StrEnum):
    """The objectives."""

    DIFFICULTY = "Difficulty"
    SEPARATION = "Separation"


class Objective(Block):
    """What makes generated data good."""

    type: ObjectiveType
    """Difficulty is higher the more takers fail; Separation, the further takers lie apart (two takers or more)."""
