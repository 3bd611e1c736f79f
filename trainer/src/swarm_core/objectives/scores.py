"""Scores of answers, and the fate of every answer from one closed list. A missing score is never a number.

A `Score` is a float in [0, 1], where 1 is a correct answer, or `Unscored` with a reason. An `Unscored` is never
converted to a number. Below the required coverage a mean raises `CoverageError`, and above it the whole item counts as
a rejected one (`scored_items`). So an unreadable answer or an answer that was cut off never raises the difficulty of a
generator. Only what could not be had is missing: a finished answer that is blank is wrong, so silence helps no taker.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean
from typing import assert_never


class UnscoredReason(StrEnum):
    """The reasons for a missing score."""

    CUT_OFF = "CutOff"
    """The answer was cut off at its maximum length."""
    THINKING_ONLY = "ThinkingOnly"
    """The model thought, and gave no answer after it."""
    REFUSED = "Refused"
    """The server refused this request: by moderation, or because the item does not fit the model or breaks it."""
    UNREADABLE = "Unreadable"
    """The judge cannot parse the answer, or the server's reply holds no text."""
    UNAVAILABLE = "Unavailable"
    """The model could not be reached. This stops a measurement, so it is never stored."""
    JUDGE_FAILED = "JudgeFailed"
    """The judge failed."""


class AnswerFate(StrEnum):
    """The fates of an answer. Every answer has exactly one."""

    SCORED = "Scored"
    """The judge scored the answer."""
    BLANK = "Blank"
    """The taker finished without an answer. The score is 0."""
    CUT_OFF = UnscoredReason.CUT_OFF.value
    THINKING_ONLY = UnscoredReason.THINKING_ONLY.value
    REFUSED = UnscoredReason.REFUSED.value
    UNREADABLE = UnscoredReason.UNREADABLE.value
    UNAVAILABLE = UnscoredReason.UNAVAILABLE.value
    JUDGE_FAILED = UnscoredReason.JUDGE_FAILED.value


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


def advise(fate: AnswerFate) -> str | None:
    """Return what the user can do about answers of this fate; None if there is nothing to do."""
    match fate:
        case AnswerFate.SCORED | AnswerFate.BLANK:
            advice = None
        case AnswerFate.CUT_OFF:
            advice = "raise spec.answering.maxTokens"
        case AnswerFate.THINKING_ONLY:
            advice = "raise spec.answering.thinkingTokens, or set it to 0 so that the model does not think"
        case AnswerFate.REFUSED:
            advice = (
                "ask a model that takes these items, keep such items out with spec.gates, or raise timeoutSeconds if"
                " the model is slow"
            )
        case AnswerFate.UNREADABLE:
            advice = "read some of these answers; a judge of another type may understand them"
        case AnswerFate.UNAVAILABLE:
            advice = "run again once the model can be reached"
        case AnswerFate.JUDGE_FAILED:
            advice = "raise maxTokens or thinkingTokens of spec.judge, or choose another judge"
        case _ as never:
            assert_never(never)
    return advice


def is_covered(present: int, total: int, coverage: float) -> bool:
    """Return whether `present` of `total` suffice: at least one, and at least the share `coverage`, from 0 to 1.

    One may always be missing if `coverage` is below 1. So one item that a server refuses costs a small sample itself
    alone.
    """
    one_missing = total - present == 1 and coverage < 1
    return present > 0 and (present >= coverage * total or one_missing)


def mean_score(row: Sequence[Score], coverage: float) -> float:
    """Return the mean of the existing scores. `row`: [item].

    Raises CoverageError if `is_covered` says that they are too few.
    """
    values = [value for value in row if not isinstance(value, Unscored)]
    if not is_covered(len(values), len(row), coverage):
        reasons = Counter(value.reason for value in row if isinstance(value, Unscored))
        raise CoverageError(
            f"{len(values)} of {len(row)} answers are scored; coverage requires {coverage:.0%}{format_reasons(reasons)}"
        )
    return fmean(values)


def format_reasons(reasons: Counter[UnscoredReason]) -> str:
    """Return the reasons of missing scores with their counts and advice, most frequent first, after a semicolon."""
    parts = [f"{count} {reason}: {advise(AnswerFate(str(reason)))}" for reason, count in reasons.most_common()]
    return f"; {'; '.join(parts)}" if parts else ""
