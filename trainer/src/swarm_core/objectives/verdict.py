"""The verdict on a gain: what its 95% interval says, in one word and in one sentence.

A gain, a loss and an interval that contains 0 are three different findings. A result without any accepted item is none
of them: it is a failure (`final_evaluation`).

Limits: a verdict is about one comparison. With an interval of 95%, one comparison in forty of equal models is called a
gain, and one in forty a loss.
"""

from enum import StrEnum


class Verdict(StrEnum):
    """What the interval of a difference says."""

    GAIN = "Gain"
    """The whole interval lies above 0."""
    LOSS = "Loss"
    """The whole interval lies below 0."""
    NOT_RESOLVED = "NotResolved"
    """The interval contains 0."""


WORDS = {Verdict.GAIN: "a gain", Verdict.LOSS: "a loss", Verdict.NOT_RESOLVED: "not resolved"}
"""The verdicts in words, behind a difference and its interval."""


def judge_difference(low: float, high: float) -> Verdict:
    """Return the verdict of a difference with the interval from `low` to `high`."""
    if low > 0:
        return Verdict.GAIN
    return Verdict.LOSS if high < 0 else Verdict.NOT_RESOLVED


def describe_difference(value: float, low: float, high: float) -> str:
    """Return the difference with its interval and verdict, in a few words for a status."""
    words = WORDS[judge_difference(low, high)]
    return f"difference {value:+.3f}, 95% interval {low:+.3f} to {high:+.3f}: {words}"
