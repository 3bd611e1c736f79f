"""Scores of answers. A missing score is never a number.

A `Score` is a float in [0, 1], where 1 is a correct answer, or `Unscored` with a reason. An `Unscored` is never
converted to a number: a mean leaves it out, and below the required coverage the mean raises `CoverageError`. So an
outage, an unreadable answer or an empty generation never raises the difficulty of a generator.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean


class UnscoredReason(StrEnum):
    """The reasons for a missing score."""

    NO_ANSWER = "NoAnswer"
    """The request to the taker failed, or its answer is empty."""
    UNREADABLE = "Unreadable"
    """The judge cannot parse the answer."""
    JUDGE_FAILED = "JudgeFailed"
    """The judge failed."""


@dataclass(frozen=True, slots=True)
class Unscored:
    """A missing score, with its reason."""

    reason: UnscoredReason
    detail: str = ""


Score = float | Unscored


class CoverageError(ValueError):
    """Too few scores exist for a mean."""


def validate(value: float) -> float:
    """`value`, if it is a valid score. Raises ValueError outside of [0, 1] and for NaN."""
    if not math.isfinite(value) or not 0.0 <= value <= 1.0:
        raise ValueError(f"score {value!r}: a score is a finite number from 0 to 1; report Unscored for a missing one")
    return value


def mean_score(row: Sequence[Score], coverage: float) -> float:
    """Return the mean of the existing scores. `row`: [item]. Raises CoverageError if their share is below
    `coverage` or 0."""
    values = [value for value in row if not isinstance(value, Unscored)]
    if not values or len(values) < coverage * len(row):
        raise CoverageError(f"{len(values)} of {len(row)} answers are scored; coverage requires {coverage:.0%}")
    return fmean(values)
