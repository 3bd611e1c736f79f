"""From what was measured of a candidate to its fitness: the one number that a swarm is told.

A candidate is measured by one objective or several, each a value with a name. A composition makes one fitness of them.
It sits between measuring and `tell`, and it is pure: a commit stores the named values and the fitness, so whoever has
the commit can compute the fitness again.

Some compositions put values on a common scale before they add them. That scale comes from the swarm's first iteration
and is frozen there (`Statistics`), so a fitness of iteration 3 can be compared with one of iteration 30.

Limits: no value, no fitness. Nothing here fills in for a value that is missing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum, sqrt
from typing import ClassVar, Protocol

Values = Mapping[str, float | None]
"""What was measured of one candidate, by name; None could not be measured."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How one value is distributed over the candidates of the first iteration."""

    mean: float
    deviation: float
    """The standard deviation over the candidates, not an estimate for more; 0 for one candidate."""
    count: int
    """Candidates that have the value."""


Statistics = Mapping[str, Spread]
"""The first iteration by the names of its values; a value that no candidate had is left out."""


class Composition(Protocol):
    """One way to make a fitness of named values."""

    @property
    def names(self) -> tuple[str, ...]:
        """The values it needs. The first is what results report."""
        ...

    @property
    def needs_start(self) -> bool:
        """Whether it reads the statistics of the first iteration."""
        ...

    def compose(self, values: Values, start: Statistics) -> float | None:
        """The fitness; None when a value that it needs could not be measured. Raises KeyError for one not given."""
        ...


@dataclass(frozen=True, slots=True)
class Single:
    """The fitness is one value as it stands."""

    name: str
    needs_start: ClassVar[bool] = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def compose(self, values: Values, start: Statistics) -> float | None:
        """The value called `name`."""
        return values[self.name]


def summarize_values(candidates: Iterable[Values]) -> Statistics:
    """The statistics of an iteration, from the values of its candidates."""
    found: dict[str, list[float]] = {}
    for values in candidates:
        for name, value in values.items():
            if value is not None:
                found.setdefault(name, []).append(value)
    return {name: measure_spread(values) for name, values in sorted(found.items())}


def measure_spread(values: list[float]) -> Spread:
    """Mean and deviation of one value or more."""
    mean = fsum(values) / len(values)
    return Spread(mean, sqrt(fsum((value - mean) ** 2 for value in values) / len(values)), len(values))
