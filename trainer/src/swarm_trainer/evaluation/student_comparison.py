"""Compares students on test items, from their scores. Pure.

The score of an item is the mean over the training seeds. Items are compared in pairs, because all students answered the
same items with the same sampling seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from swarm_core import streams
from swarm_core.items import Item
from swarm_core.objectives import intervals
from swarm_core.objectives.mean_score import MeanScore
from swarm_core.objectives.objective import Measurement, Sample
from swarm_core.objectives.scores import CoverageError, Score, Unscored
from swarm_core.rollout import Rollout, Unmeasured
from swarm_trainer.report.student_report import Measured, StudentDifference


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of the students of one data set, [training seed][test item]."""

    rows: tuple[tuple[Score, ...], ...]

    @classmethod
    def of(cls, rollouts: Sequence[Rollout]) -> "Scores":
        """Return the scores of the only taker of each rollout."""
        return cls(tuple(tuple(one.answers[0].score for one in rollout.items) for rollout in rollouts))

    def by_item(self) -> tuple[Score, ...]:
        """Return the mean score of each item over the training seeds; without a score if one seed has none."""
        return tuple(map(average, zip(*self.rows, strict=True)))

    def by_seed(self) -> tuple[float, ...]:
        """Return the mean of the existing scores of each training seed that has any."""
        rows = ([score for score in row if not isinstance(score, Unscored)] for row in self.rows)
        return tuple(fmean(row) for row in rows if row)


def average(scores: Sequence[Score]) -> Score:
    """Return the mean of `scores`; the first that is missing, if any is."""
    present = [score for score in scores if not isinstance(score, Unscored)]
    missing = [score for score in scores if isinstance(score, Unscored)]
    return missing[0] if missing else fmean(present)


def measure_accuracy(scores: Scores, items: Sequence[Item], coverage: float) -> Measured:
    """Return the mean score with its interval over test items."""
    row = scores.by_item()
    sample = Sample((tuple(items),), ("student",), ((row,),), len(items))
    try:
        return intervals.measure(sample, MeanScore(), coverage, 0)
    except CoverageError as error:
        return Unmeasured(str(error))


def compare(data: Mapping[str, Scores], first: str, second: str, coverage: float, seed: int) -> StudentDifference:
    """Return the accuracy of the students of one data set minus that of another."""
    ours, theirs = data[first], data[second]
    pairs = zip(ours.rows, theirs.rows, strict=True)
    by_seed = [subtract_rows(*pair) for pair in pairs]
    drawn = streams.derive_seed(seed, "bootstrap", "student", first, second)
    difference: Measurement | Unmeasured
    try:
        difference = intervals.measure_paired_difference(ours.by_item(), theirs.by_item(), coverage, drawn)
    except CoverageError as error:
        difference = Unmeasured(str(error))
    return StudentDifference(first, second, difference, tuple(one for one in by_seed if one is not None))


def subtract_rows(first: Sequence[Score], second: Sequence[Score]) -> float | None:
    """Return the mean difference over the items that both rows have a score of; None if there are none."""
    gaps = [
        a - b for a, b in zip(first, second, strict=True) if not isinstance(a, Unscored) and not isinstance(b, Unscored)
    ]
    return fmean(gaps) if gaps else None
