"""What the data is good for: students trained on the data found, on the initial data and on seed data, compared.

Limits: the intervals cover the drawing of test items. The spread over training seeds is stated beside them, and a
difference whose sign is not that of every training seed is not resolved.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from swarm_core.objectives.objective import Measurement
from swarm_core.objectives.verdict import WORDS, Verdict, judge_difference
from swarm_core.rollout import Unmeasured
from swarm_trainer.report.columns import COLUMNS
from swarm_trainer.report.usage_report import Json

NAME_WIDTH = 12
"""The width of the column with the names of data sets."""
Measured = Measurement | Unmeasured


@dataclass(frozen=True, slots=True)
class TrainedStudents:
    """The students that one data set trained, one for each training seed."""

    data: str
    """The name of the data set."""
    distinct: int
    """The number of distinct items of the data set."""
    in_test: int
    """The number of those that the test set has, too. They are left out."""
    unanswered: int
    """The number of those without a right answer. They are left out."""
    pairs: int
    """The number of training pairs."""
    tokens: int
    """The number of their tokens."""
    steps: int
    """The number of optimizer steps of each student."""
    accuracy: Measured
    """The mean score over test items and training seeds."""
    by_seed: tuple[float, ...]
    """The mean score of each student on the test items that it has a score of."""


@dataclass(frozen=True, slots=True)
class StudentDifference:
    """The accuracy of the students of one data set minus that of another."""

    first: str
    second: str
    difference: Measured
    by_seed: tuple[float, ...]
    """The difference of each training seed."""

    @property
    def verdict(self) -> Verdict:
        """What the difference says: a gain or a loss only if the interval and every training seed agree."""
        if isinstance(self.difference, Unmeasured):
            return Verdict.NOT_RESOLVED
        verdict = judge_difference(self.difference.low, self.difference.high)
        sign = {Verdict.GAIN: 1, Verdict.LOSS: -1}.get(verdict, 0)
        return verdict if all(one * sign > 0 for one in self.by_seed) else Verdict.NOT_RESOLVED


@dataclass(frozen=True, slots=True)
class StudentReport:
    """The comparison of students. It is a `Supplement`."""

    field: ClassVar[str] = "student"
    test_items: int
    untrained: Measured
    """The accuracy of the model that all students start from."""
    students: tuple[TrainedStudents, ...]
    differences: tuple[StudentDifference, ...]
    missing: str = ""
    """Why nothing was trained; empty if students were."""

    def to_json(self) -> Json:
        """Return the comparison. A value that could not be measured is `{"unmeasured": REASON}`."""
        if self.missing:
            return {"unmeasured": self.missing}
        return {
            "testItems": self.test_items,
            "untrained": measured_to_json(self.untrained),
            "students": [
                {
                    "data": one.data,
                    "items": one.distinct,
                    "inTest": one.in_test,
                    "unanswered": one.unanswered,
                    "pairs": one.pairs,
                    "tokens": one.tokens,
                    "steps": one.steps,
                    "accuracy": measured_to_json(one.accuracy),
                    "bySeed": list(one.by_seed),
                }
                for one in self.students
            ],
            "differences": [
                {
                    "first": one.first,
                    "second": one.second,
                    **measured_to_json(one.difference),
                    "bySeed": list(one.by_seed),
                    "verdict": str(one.verdict),
                }
                for one in self.differences
            ],
        }

    def format_lines(self) -> Iterator[str]:
        """Yield the comparison as lines of text, under 80 columns."""
        yield f"students trained on equal tokens, on {self.test_items:,} test items"
        if self.missing:
            yield from wrap(f"not trained: {self.missing}")
            return
        yield f"{'data':<{NAME_WIDTH}}{'pairs':>7}{'tokens':>9}{'steps':>7}{'accuracy':>10}   95 % interval    by seed"
        yield f"{'untrained':<{NAME_WIDTH}}{'':>23}{format_accuracy(self.untrained)}"
        for one in self.students:
            seeds = format_spread(one.by_seed)
            row = f"{one.data:<{NAME_WIDTH}}{one.pairs:>7,}{one.tokens:>9,}{one.steps:>7,}"
            yield f"{row}{format_accuracy(one.accuracy)}   {seeds}"
        for one in self.students:
            if one.in_test or one.unanswered:
                left_out = f"{one.in_test:,} that the test set has, {one.unanswered:,} without a right answer"
                yield from wrap(f"left out of {one.distinct:,} items of {one.data}: {left_out}")
        for difference in self.differences:
            yield from wrap(format_difference(difference))


def measured_to_json(measured: Measured) -> dict[str, Json]:
    """Return a value with its 95 % interval, or the reason why there is none."""
    if isinstance(measured, Unmeasured):
        return {"unmeasured": measured.reason}
    return {"value": measured.value, "low": measured.low, "high": measured.high}


def wrap(text: str) -> list[str]:
    """Return `text` as lines of the summary."""
    return textwrap.wrap(text, COLUMNS, subsequent_indent="  ")


def format_accuracy(measured: Measured) -> str:
    """Return an accuracy with its interval, in two columns."""
    if isinstance(measured, Unmeasured):
        return f"{'-':>10}   {'not measured':<14}"
    return f"{measured.value:>10.3f}   {measured.low:.3f} to {measured.high:.3f}"


def format_spread(values: tuple[float, ...]) -> str:
    """Return the lowest and the highest value; empty without values."""
    return f"{min(values):.3f} to {max(values):.3f}" if values else ""


def format_difference(one: StudentDifference) -> str:
    """Return a difference with its interval, its spread and its verdict."""
    name = f"{one.first} - {one.second}"
    if isinstance(one.difference, Unmeasured):
        return f"{name}: not measured ({one.difference.reason})"
    found, words = one.difference, WORDS[one.verdict]
    interval = f"95 % interval {found.low:+.3f} to {found.high:+.3f}"
    seeds = ", ".join(f"{value:+.3f}" for value in one.by_seed)
    return f"{name}: {found.value:+.3f}, {interval}; by training seed {seeds}: {words}"
