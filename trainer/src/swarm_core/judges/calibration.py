"""Calibration of a judge: how its scores compare with scores that are known to be right.

A score of at least 0.5 calls an answer right. Answers without a score are counted, and are left out of every figure:

    accuracy     the share of answers that the judge and the gold scores call the same
    kappa        (accuracy - chance) / (1 - chance), where chance is the share on which two judges with the same rates
                 of right answers would agree by chance (Cohen 1960)
    bias         the mean of score - gold score
    full marks   the share of answers with a gold score below 0.5 that the judge gives 1.0

Intervals are 95% intervals by jackknife over items, so the answers to one item stand and fall together
(`swarm_core.objectives.interval_bounds`).

Limits: kappa is not defined if both call all answers the same.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum

from swarm_core.canonical_items import canonicalize_item
from swarm_core.items import Item
from swarm_core.objectives import interval_bounds
from swarm_core.objectives.interval_bounds import Bounds
from swarm_core.objectives.scores import Score, Unscored

RIGHT = 0.5
"""The least score that calls an answer right."""
LENGTH_GROUPS = 3
"""The number of groups of answers by length, each with about as many answers."""
SHARE, DIFFERENCE = Bounds(0.0, 1.0, 1.0), Bounds(-1.0, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class GoldAnswer:
    """An answer to an item, with the score that it should get."""

    item: Item
    answer: str
    gold: float
    """In [0, 1]."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a judge, with its 95% interval."""

    value: float | None
    """None if it is not defined for these answers."""
    low: float
    high: float
    answers: int
    """The number of answers that it is computed from."""


@dataclass(frozen=True, slots=True)
class LengthGroup:
    """The answers of one group by length."""

    shortest: int
    longest: int
    """In characters."""
    accuracy: Figure
    bias: Figure


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a judge compares with gold scores."""

    answers: int
    unscored: dict[str, int]
    """The number of answers without a score, by reason."""
    accuracy: Figure
    kappa: Figure
    bias: Figure
    full_marks: Figure
    lengths: tuple[LengthGroup, ...]
    """From the shortest answers to the longest."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over answers, which every figure is a function of."""

    answers: int = 0
    agreed: int = 0
    judged_right: int = 0
    gold_right: int = 0
    difference: float = 0.0
    wrong: int = 0
    full: int = 0

    def accuracy(self) -> float | None:
        """The share of answers on which both agree; None without answers."""
        return self.agreed / self.answers if self.answers else None

    def kappa(self) -> float | None:
        """Cohen's kappa; None if it is not defined."""
        count = self.answers
        both_wrong = (count - self.judged_right) * (count - self.gold_right)
        chance = self.judged_right * self.gold_right + both_wrong
        return (self.agreed * count - chance) / (count * count - chance) if count * count > chance else None

    def bias(self) -> float | None:
        """The mean difference; None without answers."""
        return self.difference / self.answers if self.answers else None

    def full_marks(self) -> float | None:
        """The share of wrong answers with full marks; None without wrong answers."""
        return self.full / self.wrong if self.wrong else None


Judged = tuple[GoldAnswer, float]
"""A gold answer, and the score that the judge gave it."""


def calibrate(answers: Sequence[GoldAnswer], scores: Sequence[Score]) -> Calibration:
    """Return how `scores`, one for each of `answers`, compare with the gold scores."""
    pairs = list(zip(answers, scores, strict=True))
    judged = [(gold, score) for gold, score in pairs if not isinstance(score, Unscored)]
    reasons = Counter(str(score.reason) for _, score in pairs if isinstance(score, Unscored))
    return Calibration(
        answers=len(pairs),
        unscored=dict(sorted(reasons.items())),
        accuracy=measure(judged, Counts.accuracy, SHARE),
        kappa=measure(judged, Counts.kappa, DIFFERENCE),
        bias=measure(judged, Counts.bias, DIFFERENCE),
        full_marks=measure([one for one in judged if one[0].gold < RIGHT], Counts.full_marks, SHARE),
        lengths=tuple(map(measure_group, divide_by_length(judged))),
    )


def measure(judged: Sequence[Judged], figure: Callable[[Counts], float | None], bounds: Bounds) -> Figure:
    """Return a figure over `judged`, with its interval by jackknife over items."""
    units: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        units[canonicalize_item(one[0].item)].append(one)
    parts = list(map(count, units.values()))
    total = add(parts)
    value = figure(total)
    if value is None:
        return Figure(None, bounds.low, bounds.high, len(judged))
    left_out = [(0, figure(subtract(total, part))) for part in parts]
    low, high = interval_bounds.bound_value(value, left_out, (), len(parts), bounds)
    return Figure(value, low, high, len(judged))


def count(judged: Sequence[Judged]) -> Counts:
    """Return the sums over `judged`."""
    rights = [(score >= RIGHT, gold.gold >= RIGHT) for gold, score in judged]
    return Counts(
        answers=len(judged),
        agreed=sum(ours == theirs for ours, theirs in rights),
        judged_right=sum(ours for ours, _ in rights),
        gold_right=sum(theirs for _, theirs in rights),
        difference=fsum(score - gold.gold for gold, score in judged),
        wrong=sum(not theirs for _, theirs in rights),
        full=sum(score == 1.0 and gold.gold < RIGHT for gold, score in judged),
    )


def add(parts: Sequence[Counts]) -> Counts:
    """Return the sum of `parts`."""
    return Counts(
        answers=sum(part.answers for part in parts),
        agreed=sum(part.agreed for part in parts),
        judged_right=sum(part.judged_right for part in parts),
        gold_right=sum(part.gold_right for part in parts),
        difference=fsum(part.difference for part in parts),
        wrong=sum(part.wrong for part in parts),
        full=sum(part.full for part in parts),
    )


def subtract(total: Counts, part: Counts) -> Counts:
    """Return `total` without `part`."""
    return Counts(
        answers=total.answers - part.answers,
        agreed=total.agreed - part.agreed,
        judged_right=total.judged_right - part.judged_right,
        gold_right=total.gold_right - part.gold_right,
        difference=total.difference - part.difference,
        wrong=total.wrong - part.wrong,
        full=total.full - part.full,
    )


def divide_by_length(judged: Sequence[Judged]) -> list[list[Judged]]:
    """Return the answers in groups by length, the shortest first. Answers of one length are in one group."""
    ordered = sorted(judged, key=lambda one: len(one[0].answer))
    lengths = [len(gold.answer) for gold, _ in ordered]
    cuts = [lengths[place * len(lengths) // LENGTH_GROUPS] for place in range(1, LENGTH_GROUPS)] if lengths else []
    borders = [0, *cuts, 1 + max(lengths, default=0)]
    groups = [
        [one for one in ordered if low <= len(one[0].answer) < high] for low, high in pairwise(sorted(set(borders)))
    ]
    return [group for group in groups if group]


def measure_group(group: Sequence[Judged]) -> LengthGroup:
    """Return the figures of answers that are sorted by length."""
    return LengthGroup(
        shortest=len(group[0][0].answer),
        longest=len(group[-1][0].answer),
        accuracy=measure(group, Counts.accuracy, SHARE),
        bias=measure(group, Counts.bias, DIFFERENCE),
    )
