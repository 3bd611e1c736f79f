"""Novelty: how much the takers' mean scores differ from those on a reference set.

    KullbackLeibler  sum_m p_m ln(p_m / q_m)    p_m = r_m / sum r, q_m = a_m / sum a
    RankCorrelation  1 - Spearman's rank correlation of (r_m) and (a_m)

a_m is the mean score of taker m on the generated items, and r_m that on the reference set, which is answered once. Both
are multiplied by accepted / asked, an addition of dataswarm (`objective`). Source of the first form: the released code
of Data Swarms (arXiv 2506.00741), objective "novel": KL(P_ref || P_G) with the natural logarithm. The second form is
the novelty of AutoBencher (arXiv 2407.08351) for one earlier data set, because a linear prediction from one data set
has the ranks of that data set.

A mean of zero has no logarithm: a mean below half an item, 1 / (2 n) over n scored items, counts as half an item. So
the first form is at most ln(2 n m) for m takers. Ties have the mean of their ranks. If all takers are level, on either
side, there is no correlation, and the second form is 0. The range of the first form is [0, 18], that of the second is
[0, 2].

Limits: both forms ignore the level: if every score is halved, the value stays. Noise alone gives a value above 0: for
right or wrong answers with mean a, the first form is about (m - 1) / (2 m n) * (1 / a - 1). Values of the first form
are small: 0.001 is much for takers that score alike. Items that no taker can answer make the takers level, which
differs from a reference with a clear best taker; gates have to reject them. Intervals take the reference set as it is.
"""

from collections.abc import Sequence
from enum import StrEnum
from math import fsum, sqrt
from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.objectives.objective import Needs, ReferenceScores, Sample
from swarm_core.objectives.scores import Unscored
from swarm_core.portable_math import ln


class NoveltyForm(StrEnum):
    """The measures of difference."""

    KULLBACK_LEIBLER = "KullbackLeibler"
    RANK_CORRELATION = "RankCorrelation"


class NoveltySettings(Settings):
    """The measure of difference."""

    form: NoveltyForm = NoveltyForm.KULLBACK_LEIBLER
    """Measure of difference: KullbackLeibler compares the takers' shares of all points, RankCorrelation their order."""


class Novelty:
    """The objective that rises as the takers' mean scores differ from those on a reference set."""

    needs: ClassVar[Needs] = Needs(takers=2, reference=True)
    revision: ClassVar[int] = 1
    settings: ClassVar[type[Settings]] = NoveltySettings

    def __init__(self, form: NoveltyForm = NoveltyForm.KULLBACK_LEIBLER) -> None:
        self.form = form
        self.of_means = form is NoveltyForm.KULLBACK_LEIBLER  # ranks jump
        self.range = (0.0, 18.0) if form is NoveltyForm.KULLBACK_LEIBLER else (0.0, 2.0)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Novelty":
        assert isinstance(settings, NoveltySettings)
        return cls(settings.form)

    def value(self, sample: Sample) -> float:
        """Return the value of `sample`; 0 if no item was accepted.

        Raises CoverageError if a taker has no score, and ValueError for a sample without a reference set.
        """
        if sample.reference is None:
            raise ValueError("novelty compares takers with a reference set, and the sample has none; add it")
        if sample.accepted == 0:
            return 0.0
        means, reference = sample.means(), [sample.reference.means[taker] for taker in sample.takers]
        if self.form is NoveltyForm.RANK_CORRELATION:
            return (1.0 - correlate_ranks(reference, means)) * sample.accepted_share
        found = raise_to_half_an_item(means, count_scores(sample))
        expected = raise_to_half_an_item(reference, list_counts(sample.reference, sample.takers))
        return measure_divergence(normalize(expected), normalize(found)) * sample.accepted_share


def count_scores(sample: Sample) -> list[int]:
    """Return the number of scores of each taker, [taker]."""
    return [sum(not isinstance(score, Unscored) for score in row) for row in sample.rows()]


def list_counts(reference: ReferenceScores, takers: Sequence[str]) -> list[int]:
    """Return the number of scores of each taker on the reference set, [taker]."""
    return [reference.counts[taker] for taker in takers]


def raise_to_half_an_item(means: Sequence[float], counts: Sequence[int]) -> list[float]:
    """Return the means, of which none is less than half an item. `counts`: the number of items of each."""
    return [max(mean, 0.5 / count) for mean, count in zip(means, counts, strict=True)]


def normalize(values: Sequence[float]) -> list[float]:
    """Return the values, which are positive, divided by their sum."""
    total = fsum(values)
    return [value / total for value in values]


def measure_divergence(expected: Sequence[float], found: Sequence[float]) -> float:
    """Return the divergence KL(expected || found) of two distributions of positive shares; never below 0."""
    return max(0.0, fsum(p * ln(p / q) for p, q in zip(expected, found, strict=True)))


def correlate_ranks(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's rank correlation; 1 if all values of one side are equal, so that there is none."""
    left, right = rank_values(first), rank_values(second)
    center = (len(left) + 1) / 2
    products = fsum((a - center) * (b - center) for a, b in zip(left, right, strict=True))
    spread = fsum((a - center) ** 2 for a in left) * fsum((b - center) ** 2 for b in right)
    return products / sqrt(spread) if spread > 0 else 1.0


def rank_values(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, from 1; equal values have the mean of their ranks."""
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2 for value in values
    ]
