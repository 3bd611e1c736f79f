"""What the scores say of each position: an estimate of its fitness, and the order of the estimates."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from swarm_core.optimizers.positions import Position


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated fitness of one position: the mean of its scores.

    The best of many is still a maximum over noise: only fresh data says what it is worth.
    """

    name: str
    """The candidate that found it, with its iteration unless it is of the start: g00, a03, p04-0012."""
    position: Position
    total: float
    """The sum of its scores."""
    count: int
    """How many scores; at least one."""
    iteration: int
    """When the position was found."""

    @property
    def value(self) -> float:
        """The mean of its scores."""
        return self.total / self.count

    def with_score(self, score: float) -> "Estimate":
        """The estimate after one more score."""
        return replace(self, total=self.total + score, count=self.count + 1)


def rank(estimates: Iterable[Estimate]) -> list[Estimate]:
    """Best first by mean; of equals the earlier found."""
    return sorted(estimates, key=lambda estimate: -estimate.value)


def best(estimates: Iterable[Estimate]) -> Estimate | None:
    """The highest mean, of equals the earlier found; None if there is no estimate."""
    return max(estimates, key=lambda estimate: estimate.value, default=None)
