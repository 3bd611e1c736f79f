"""The port of an objective: what it needs, and how it turns what one measurement brought into one number.

An objective is higher for data that does its job better. It is a pure function of a `Sample`; what it needs beyond one
set of items and its scores it says in `Needs`, and stages that nobody needs are skipped.

Rejected items cost the generator: a value is reported over *asked* items, a rejected one counting as zero, so
value = raw * accepted / asked. Otherwise the best generator would be the one that writes one hard item and noise.

An objective knows nothing of intervals: `intervals` resamples around it. One that is a function of the takers' means
subclasses `MeansObjective`, which lets intervals resample by integer sums.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import ClassVar, Protocol

from swarm_core.items import Item
from swarm_core.objectives import scores
from swarm_core.objectives.scores import CoverageError, Score, Unscored


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be collected before an objective has a value."""

    takers: int = 1
    """The least number of test takers it is defined for."""
    repeats: int = 1
    """Independent sets of items per measurement."""
    reference: bool = False
    """Whether it compares with what takers score on a reference set."""
    corpus: bool = False
    """Whether it compares with a corpus of real items."""
    embeddings: bool = False
    """Whether it compares items by their embeddings."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one measurement of one generator, or of one taker, brought."""

    items: tuple[tuple[Item, ...], ...]
    """Accepted items, [repeat][item]."""
    takers: tuple[str, ...]
    scores: tuple[tuple[tuple[Score, ...], ...], ...]
    """[repeat][taker][item]."""
    asked: int
    """Items asked for over all repeats, without the lost ones: what the accepted share is a share of."""
    lost: int = 0
    """Items asked for beside those, in requests that failed: nobody's fault, and nobody's gain."""
    features: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Further values of accepted items by name, [item], all repeats one after the other."""
    reference_means: Mapping[str, float] | None = None
    """The mean score of each taker on a reference set, by the taker's name."""

    @property
    def accepted(self) -> int:
        """Accepted items over all repeats."""
        return sum(map(len, self.items))

    def rows(self) -> tuple[tuple[Score, ...], ...]:
        """Scores [taker][item], all repeats one after the other."""
        return tuple(
            tuple(chain.from_iterable(repeat[taker] for repeat in self.scores)) for taker in range(len(self.takers))
        )

    def means(self, coverage: float = 0.0) -> list[float]:
        """The takers' means over the scores that exist, [taker]. Raises CoverageError if their share is too low."""
        return [scores.mean_score(row, coverage) for row in self.rows()]


def check_sample(sample: Sample) -> None:
    """Pass if `sample` can be measured.

    Raises ValueError for a score that is none, for items without their scores, and for more items than were asked for;
    CoverageError when nothing was asked: there is no share of nothing.
    """
    for repeat, of_takers in enumerate(sample.scores):
        if len(of_takers) != len(sample.takers):
            raise ValueError(f"repeat {repeat} has {len(of_takers)} rows for {len(sample.takers)} takers")
    rows, accepted = sample.rows(), sample.accepted
    for value in chain.from_iterable(rows):
        if not isinstance(value, Unscored):
            scores.validate(value)
    counts = [len(row) for repeat in sample.scores for row in repeat]
    expected = [len(items) for items in sample.items for _ in sample.takers]
    if counts != expected:
        raise ValueError(f"{accepted} items, but takers have {[len(row) for row in rows]} scores; give one per item")
    if accepted > sample.asked:
        raise ValueError(f"{accepted} items accepted of {sample.asked} asked: count every item that was asked for")
    if sample.asked == 0:
        raise CoverageError("0 items asked for: nothing can be said of none")


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a sample says."""

    value: float
    """The objective, rejected items counted as zero."""
    low: float
    """Lower end of the 95 % bootstrap interval of `value`."""
    high: float
    n: int
    """Accepted items it rests on."""
    parts: tuple[tuple[str, float], ...] = ()
    """Named ingredients, such as each taker's mean: for people to read."""


class Objective(Protocol):
    """One way in which generated data can do its job."""

    @property
    def needs(self) -> Needs:
        """What must be collected."""
        ...

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest value there can be."""
        ...

    @property
    def revision(self) -> int:
        """Raised when the same sample comes to another value."""
        ...

    def value(self, sample: Sample) -> float:
        """The value of `sample`, higher for better data.

        Raises CoverageError when a score that it cannot do without is missing.
        """
        ...


class MeansObjective(ABC):
    """An objective that is a function of the takers' means."""

    needs: ClassVar[Needs] = Needs()
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    revision: ClassVar[int] = 1

    @abstractmethod
    def value_of_means(self, means: Sequence[float]) -> float:
        """The value of accepted items alone, from the takers' means, [taker]."""

    def value(self, sample: Sample) -> float:
        """`value_of_means` times accepted / asked; 0 when no item was accepted.

        Raises CoverageError when a taker has no score at all.
        """
        accepted = sample.accepted
        if accepted == 0:
            return 0.0
        return self.value_of_means(sample.means()) * (accepted / sample.asked)
