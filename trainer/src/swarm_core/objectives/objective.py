"""The protocol of an objective: its needs, and the function from the sample of one measurement to one number.

An objective is higher for better data. It is a pure function of a `Sample`. `Needs` declares what it needs in addition
to one set of items and its scores. Stages that no objective needs are skipped.

Rejected items lower the value of a generator: the value is an average over requested items, and a rejected item counts
as zero, so value = raw * accepted / asked. Otherwise, a generator of one hard item and much noise would be the best.

Limits: an objective computes no interval. `intervals` resamples it. An objective that is a function of the takers'
means subclasses `MeansObjective`, so that `intervals` can leave out each request in turn with sums of integers. For any
other objective, such as a measure of a set, `intervals` takes random halves of the requests.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import ClassVar, Protocol, Self, runtime_checkable

from swarm_core.blocks.settings import Settings
from swarm_core.items import Item
from swarm_core.objectives import scores
from swarm_core.objectives.scores import CoverageError, Score, Unscored


@dataclass(frozen=True, slots=True)
class Needs:
    """The data that an objective needs."""

    takers: int = 1
    """The minimum number of test takers."""
    repeats: int = 1
    """The number of independent sets of items per measurement."""
    reference: bool = False
    """Whether it uses the scores of the takers on a reference set."""
    corpus: bool = False
    """Whether it uses a corpus of real items."""
    embeddings: bool = False
    """Whether it uses embeddings of the items."""


@dataclass(frozen=True, slots=True)
class RequestCount:
    """The counts of one request for items. Its number in the measurement is `Item.request` of the items it brought."""

    round: int
    """The round of the measurement, from 0."""
    number: int
    """The number within the round. Round and number are the request's place: all candidates share its prompt."""
    asked: int
    """The number of items requested, without lost ones; 0 if the request failed."""
    repeated: int = 0
    """The number of accepted items that an earlier repeat brought too. They count in the accepted share alone."""
    repeat: int = 0
    """The set of items within its rollout, from 0. A rollout has several if the objective needs repeats."""


@dataclass(frozen=True, slots=True)
class ReferenceScores:
    """The scores of the takers on a reference set."""

    means: Mapping[str, float]
    """The mean of the existing scores of each taker, by its name."""
    counts: Mapping[str, int]
    """The number of existing scores of each taker, by its name."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The data of one measurement of one generator or of one taker."""

    items: tuple[tuple[Item, ...], ...]
    """Accepted items, [repeat][item]. An item that an earlier repeat brought is left out."""
    takers: tuple[str, ...]
    scores: tuple[tuple[tuple[Score, ...], ...], ...]
    """The scores of accepted items, [repeat][taker][item]."""
    asked: int
    """The number of requested items over all repeats, without lost ones. The accepted share is relative to it."""
    lost: int = 0
    """The number of items in requests that failed. They are not in `asked` and affect no value."""
    undecided: int = 0
    """The number of items in `asked` that a gate or the check of answers could not decide about."""
    features: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Further values of accepted items by name, [item], with all repeats concatenated."""
    reference: ReferenceScores | None = None
    """The scores of the takers on a reference set; None if no objective needs one."""
    requests: tuple[tuple[RequestCount, ...], ...] = ()
    """The requests that brought the items, [repeat][request]. If it is empty, `request_units` derives them."""

    @property
    def accepted(self) -> int:
        """The number of accepted items over all repeats, each counted once."""
        return sum(map(len, self.items))

    @property
    def accepted_share(self) -> float:
        """The share of the requested items that were accepted, from 0 to 1."""
        repeated = sum(one.repeated for requests in self.requests for one in requests)
        return (self.accepted + repeated) / self.asked

    def rows(self) -> tuple[tuple[Score, ...], ...]:
        """Return the scores, [taker][item], with all repeats concatenated."""
        return tuple(
            tuple(chain.from_iterable(repeat[taker] for repeat in self.scores)) for taker in range(len(self.takers))
        )

    def means(self, coverage: float = 0.0) -> list[float]:
        """Return the mean of the existing scores of each taker, [taker]. Raises CoverageError if their share is too
        low."""
        return [scores.mean_score(row, coverage) for row in self.rows()]


def check_sample(sample: Sample) -> None:
    """Check that `sample` can be measured.

    Raises ValueError for an invalid score, for wrong numbers of scores, and for more items than were requested. Raises
    CoverageError if no item was requested.
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
        raise ValueError(
            f"{accepted} items accepted of {sample.asked} requested; count every requested item in `asked`"
        )
    if sample.asked == 0:
        raise CoverageError("0 items were requested; request at least one")


@dataclass(frozen=True, slots=True)
class Measurement:
    """The value of an objective on one sample, with its interval."""

    value: float
    """The value of the objective, with rejected items counted as zero."""
    low: float
    """Lower end of the 95% interval of `value`."""
    high: float
    """Upper end of the 95% interval of `value`."""
    n: int
    """The number of accepted items."""
    parts: tuple[tuple[str, float], ...] = ()
    """Further values by name for people, such as the mean of each taker."""


class Objective(Protocol):
    """The protocol of an objective."""

    @property
    def needs(self) -> Needs:
        """The data that the objective needs."""
        ...

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest possible value."""
        ...

    @property
    def revision(self) -> int:
        """The revision, which is raised when the value of the same sample changes."""
        ...

    def value(self, sample: Sample) -> float:
        """Return the value of `sample`. It is higher for better data.

        Raises CoverageError if a score that it needs is missing.
        """
        ...


@runtime_checkable
class FunctionOfMeans(Objective, Protocol):
    """An objective that `intervals` computes from sums over items."""

    def value_of_share(self, means: Sequence[float], share: float) -> float:
        """Return the value from the takers' means, [taker], and the accepted share of the requested items."""
        ...


class MeansObjective(ABC):
    """An objective that is a function of the takers' means."""

    of_means: ClassVar[bool] = True
    """Whether it is a smooth function of means over items. A weighted sum of such objectives leaves out each request in
    turn for its interval."""
    needs: ClassVar[Needs] = Needs()
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    revision: ClassVar[int] = 3
    settings: ClassVar[type[Settings]] = Settings

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the objective. One with settings of its own overrides this."""
        return cls()

    @abstractmethod
    def value_of_means(self, means: Sequence[float]) -> float:
        """Return the value of accepted items alone, from the takers' means, [taker]."""

    def value_of_share(self, means: Sequence[float], share: float) -> float:
        """Return the value from the takers' means, [taker], and the accepted share of the requested items."""
        return self.value_of_means(means) * share

    def value(self, sample: Sample) -> float:
        """`value_of_means` times accepted / asked; 0 if no item was accepted.

        Raises CoverageError if a taker has no score.
        """
        if sample.accepted == 0:
            return 0.0
        return self.value_of_share(sample.means(), sample.accepted_share)
