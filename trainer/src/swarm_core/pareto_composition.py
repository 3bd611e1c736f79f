"""Several objectives without weights: how their values are scaled for a Pareto front, and the fitness of one candidate.

    x_i       (v_i - l_i) / u_i
    u_i       h_i - l_i, with h_i the highest value of the first iteration
    fitness   the product of all x_i                           if every value meets its floor
              minus the sum of what the values lack, -sum_i max(0, -x_i)     otherwise

v_i is the value of term i and l_i its lowest acceptable value: the floor, or the lowest value that its objective can
have. So the origin is the reference point of every hypervolume, 1 is the highest value of the first iteration, and a
hypervolume is a share of the box up to these highest values. It may exceed 1 as the search goes on. The fitness is the
hypervolume of the candidate alone. Only statistics that stay fixed are used, so hypervolumes of different iterations
can be compared.

If no value of the first iteration is above l_i, u_i is f_i minus the lowest possible value with a floor f_i, and
otherwise 1.

Limits: h_i is the highest of many noisy values, so hypervolumes of runs with different first iterations have different
units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, prod
from typing import ClassVar

from swarm_core.composition import Statistics, Values

REVISION = 1
"""The revision of the scale and of the fitness. It is raised when their results change."""


@dataclass(frozen=True, slots=True)
class ParetoTerm:
    """One of the objectives."""

    name: str
    """The name of its value."""
    range: tuple[float, float]
    """The lowest and the highest possible value."""
    at_least: float | None = None
    """The floor, above the lowest possible value; None if every value is acceptable."""

    @property
    def lowest(self) -> float:
        """The lowest acceptable value."""
        return self.range[0] if self.at_least is None else self.at_least

    def find_unit(self, highest: float) -> float:
        """Return u_i. `highest`: the highest value of the first iteration."""
        if highest > self.lowest:
            return highest - self.lowest
        return 1.0 if self.at_least is None else self.at_least - self.range[0]


@dataclass(frozen=True, slots=True)
class ParetoComposition:
    """The composition of objectives whose front is searched for."""

    terms: tuple[ParetoTerm, ...]
    """At least two objectives."""
    needs_start: ClassVar[bool] = True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(term.name for term in self.terms)

    def has_statistics(self, start: Statistics) -> bool:
        """Return whether `start` has what the scale needs."""
        return all(name in start for name in self.names)

    def compose(self, values: Values, start: Statistics) -> float | None:
        """Return the fitness; None if a value is None or has no statistics. Raises KeyError if `values` lacks one."""
        found = {name: values[name] for name in self.names}
        measured = {name: value for name, value in found.items() if value is not None}
        if len(measured) < len(found) or not self.has_statistics(start):
            return None
        return compute_fitness(self.scale(measured, start))

    def scale(self, values: Mapping[str, float], start: Statistics) -> tuple[float, ...]:
        """Return x_i of each term. Raises KeyError without a value or its statistics."""
        units = self.list_units(start)
        return tuple((values[term.name] - term.lowest) / unit for term, unit in zip(self.terms, units, strict=True))

    def list_units(self, start: Statistics) -> tuple[float, ...]:
        """Return u_i of each term. Raises KeyError without statistics."""
        return tuple(term.find_unit(start[term.name].highest) for term in self.terms)

    def bound(self, start: Statistics) -> tuple[float, float]:
        """Return the lowest and the highest possible fitness. Raises KeyError without the statistics."""
        low, high = (self.scale({term.name: term.range[side] for term in self.terms}, start) for side in (0, 1))
        return min(0.0, compute_fitness(low)), prod(high)


def compute_fitness(scaled: Sequence[float]) -> float:
    """Return the fitness of scaled values: their product, or minus what they lack."""
    lack = fsum(max(0.0, -value) for value in scaled)
    return -lack if lack > 0 else prod(scaled)
