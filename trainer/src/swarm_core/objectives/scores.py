"""Scores, where a missing one is not a number.

A `Score` is a float in [0, 1], 1 for a right answer, or `Unscored` with the reason. Nothing here turns an `Unscored`
into a number: a mean leaves it out, and below the coverage asked for there is no mean at all but a `CoverageError`.
An outage, an answer that cannot be read or an empty generation can so never make a generator look hard.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean


class UnscoredReason(StrEnum):
    """Why a score is missing."""

    NO_ANSWER = "NoAnswer"
    """The taker could not be asked, or gave nothing."""
    UNREADABLE = "Unreadable"
    """The answer holds nothing that the judge can read."""
    JUDGE_FAILED = "JudgeFailed"
    """The judge itself failed."""


@dataclass(frozen=True, slots=True)
class Unscored:
    """The absence of a score, and why."""

    reason: UnscoredReason
    detail: str = ""


Score = float | Unscored


class CoverageError(ValueError):
    """Too few of the scores exist to speak of a mean."""


def validate(value: float) -> float:
    """`value` if it is a score. Raises ValueError outside [0, 1] and on NaN."""
    if not math.isfinite(value) or not 0.0 <= value <= 1.0:
        raise ValueError(f"score {value!r}: a score is a finite number from 0 to 1; report Unscored for a missing one")
    return value


def mean_score(row: Sequence[Score], coverage: float) -> float:
    """The mean of the scores that exist. Raises CoverageError if their share is below `coverage`, or there are none."""
    values = [value for value in row if not isinstance(value, Unscored)]
    if not values or len(values) < coverage * len(row):
        raise CoverageError(f"{len(values)} of {len(row)} answers are scored; coverage asks for {coverage:.0%}")
    return fmean(values)
