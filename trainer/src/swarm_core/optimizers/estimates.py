"""Estimates of the fitness of positions from their scores, and their order."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from swarm_core.optimizers.positions import Position


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated fitness of one position: the mean of its scores.

    The best of many estimates is biased upward, because it is a maximum over noise. Only fresh data gives its value.
    """

    name: str
    """The candidate that found it, with its iteration unless it is of the start: g00, a03, p04-0012."""
    position: Position
    total: float
    """The sum of its scores."""
    count: int
    """The number of its scores, at least 1."""
    iteration: int
    """The iteration in which the position was found."""

    @property
    def value(self) -> float:
        """The mean of its scores."""
        return self.total / self.count

    def with_score(self, score: float) -> "Estimate":
        """Return the estimate after one more score."""
        return replace(self, total=self.total + score, count=self.count + 1)


def rank(estimates: Iterable[Estimate]) -> list[Estimate]:
    """Return the estimates by mean, best first. Equal ones keep their order."""
    return sorted(estimates, key=lambda estimate: -estimate.value)


def best(estimates: Iterable[Estimate]) -> Estimate | None:
    """Return the estimate with the highest mean, the first of equal ones. None if there is no estimate."""
    return max(estimates, key=lambda estimate: estimate.value, default=None)
