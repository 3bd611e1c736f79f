"""Composition of fitness: from the measured values of a candidate to the one number that a swarm receives.

One or several objectives measure a candidate, and each gives a named value. A composition computes one fitness from
them. It is pure, and a commit stores the named values and the fitness, so the fitness can be computed again.

Some compositions normalize values before they add them. The statistics for this come from the swarm's first iteration
and stay fixed (`Statistics`), so fitnesses of different iterations can be compared.

Limits: a candidate without one of the values has no fitness. A missing value is never replaced.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum, sqrt
from typing import ClassVar, Protocol

Values = Mapping[str, float | None]
"""The measured values of one candidate by name; None means unmeasured."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of one value over the candidates of the first iteration."""

    mean: float
    deviation: float
    """The population standard deviation over the candidates; 0 for one candidate."""
    count: int
    """The number of candidates that have the value."""
    highest: float
    """The highest value."""


Statistics = Mapping[str, Spread]
"""The distribution of each value in the first iteration, by name. A value that no candidate had is left out."""


class Composition(Protocol):
    """The protocol of a composition, which computes a fitness from named values."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the values that it needs. Results report the first one."""
        ...

    @property
    def needs_start(self) -> bool:
        """Whether it uses the statistics of the first iteration."""
        ...

    def compose(self, values: Values, start: Statistics) -> float | None:
        """Return the fitness; None if a value that it needs is None. Raises KeyError if `values` lacks one."""
        ...


@dataclass(frozen=True, slots=True)
class Single:
    """The composition whose fitness is one value, unchanged."""

    name: str
    needs_start: ClassVar[bool] = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def compose(self, values: Values, start: Statistics) -> float | None:
        """Return the value called `name`."""
        return values[self.name]


def summarize_values(candidates: Iterable[Values]) -> Statistics:
    """Return the statistics of an iteration, computed from the values of its candidates."""
    found: dict[str, list[float]] = {}
    for values in candidates:
        for name, value in values.items():
            if value is not None:
                found.setdefault(name, []).append(value)
    return {name: measure_spread(values) for name, values in sorted(found.items())}


def measure_spread(values: list[float]) -> Spread:
    """Return the mean and the population standard deviation of `values`, which has at least one value."""
    mean = fsum(values) / len(values)
    return Spread(mean, sqrt(fsum((value - mean) ** 2 for value in values) / len(values)), len(values), max(values))
