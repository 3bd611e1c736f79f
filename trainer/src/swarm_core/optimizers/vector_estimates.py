"""Estimates of the values of positions on several objectives, from noisy scores, and the front that they form.

An estimate is the mean of all scores of a position, with the standard error that follows from those of its scores.
So a lucky newcomer that enters the front leaves it when it is measured again, and what it dominated returns.

Limits: the front of many noisy estimates looks better than it is, because it is a maximum over noise. Only fresh data
gives the values of its positions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, sqrt

from swarm_core.optimizers import pareto_front
from swarm_core.optimizers.candidate import Purpose, VectorResult, VectorScore
from swarm_core.optimizers.pareto_front import Vector
from swarm_core.optimizers.positions import Position


@dataclass(frozen=True, slots=True)
class VectorEstimate:
    """The estimated values of one position."""

    name: str
    """The candidate that found it, with its iteration unless it is of the start: g00, a03, p04-0012."""
    position: Position
    totals: tuple[float, ...]
    """The sum of its scores, [objective]."""
    variances: tuple[float, ...]
    """The sum of the squared standard errors of its scores, [objective]."""
    count: int
    """The number of its measurements, at least 1."""
    iteration: int
    """The iteration in which the position was found."""

    @property
    def values(self) -> Vector:
        """The mean of its scores, [objective]."""
        return tuple(total / self.count for total in self.totals)

    @property
    def errors(self) -> tuple[float, ...]:
        """The standard error of each mean, [objective]."""
        return tuple(sqrt(variance) / self.count for variance in self.variances)

    def with_score(self, score: VectorScore) -> "VectorEstimate":
        """Return the estimate after one more measurement."""
        return replace(
            self,
            totals=tuple(total + value for total, value in zip(self.totals, score.values, strict=True)),
            variances=tuple(
                variance + error * error for variance, error in zip(self.variances, score.errors, strict=True)
            ),
            count=self.count + 1,
        )


Known = Mapping[Position, VectorEstimate]


def update_estimates(
    known: Iterable[VectorEstimate], results: Iterable[VectorResult], iteration: int
) -> dict[Position, VectorEstimate]:
    """Return the estimates by position after the `results` of `iteration`. A missing score changes nothing.

    Raises ValueError for a score with another number of objectives than before.
    """
    updated = {one.position: one for one in known}
    for candidate, score in results:
        if score is None:
            continue
        before = updated.get(candidate.position)
        if before is None:
            name = candidate.name if candidate.purpose is Purpose.START else f"{candidate.name}-{iteration:04d}"
            before = VectorEstimate(
                name, candidate.position, (0.0,) * len(score.values), (0.0,) * len(score.values), 0, iteration
            )
        updated[candidate.position] = before.with_score(score)
    return updated


def list_values(estimates: Iterable[VectorEstimate]) -> list[Vector]:
    """Return the values of each estimate."""
    return [one.values for one in estimates]


def select_front(estimates: Sequence[VectorEstimate], size: int) -> tuple[VectorEstimate, ...]:
    """Return the front of the means: at most `size` estimates, the least crowded ones, in their order."""
    front = [estimates[index] for index in pareto_front.list_front(list_values(estimates))]
    return tuple(front[index] for index in sorted(pareto_front.order_front(list_values(front))[:size]))


def rank(estimates: Sequence[VectorEstimate]) -> list[VectorEstimate]:
    """Return the estimates by front, and in a front by crowding distance."""
    return [estimates[index] for index in pareto_front.rank(list_values(estimates))]


def measure_hypervolume(estimates: Iterable[VectorEstimate]) -> float:
    """Return the hypervolume of the means."""
    return pareto_front.measure_hypervolume(list_values(estimates))


def measure_growth(front: Sequence[VectorEstimate], since: int) -> tuple[float, float]:
    """Return by how much the positions found after iteration `since` raise the hypervolume of `front`, and its error.

    The error is that of propagation: each value of each position is lowered by its standard error in turn, and the
    squares of the changes are added.
    """
    values = list_values(front)
    new = [one.iteration > since for one in front]
    growth = _measure_growth(values, new)
    changes = []
    for index, one in enumerate(front):
        for axis, error in enumerate(one.errors):
            lowered = (*values[index][:axis], values[index][axis] - error, *values[index][axis + 1 :])
            changes.append(_measure_growth([*values[:index], lowered, *values[index + 1 :]], new) - growth)
    return growth, sqrt(fsum(change * change for change in changes))


def _measure_growth(values: Sequence[Vector], new: Sequence[bool]) -> float:
    """Return the hypervolume of all `values` minus that of those that are not `new`."""
    old = [value for value, is_new in zip(values, new, strict=True) if not is_new]
    return pareto_front.measure_hypervolume(values) - pareto_front.measure_hypervolume(old)
