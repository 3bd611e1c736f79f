"""The weighted sum of several values as the fitness of a candidate, with floors.

    fitness   sum_i w_i x_i                                  if every value meets its floor
              B - W * sum_i max(0, (f_i - v_i) / (f_i - l_i))     otherwise, and always below B

v_i is the value of term i, w_i its weight, f_i its floor and l_i the lowest value that its objective can have. x_i is
v_i or, normalized, (v_i - m_i) / d_i with the mean m_i and the population standard deviation d_i of the first
iteration. B is the sum at the lowest values that meet all floors, and W the sum of the weights. So a candidate below a
floor ranks below every candidate that meets all floors, and such candidates rank by what they lack. The fitness is
finite, and proportional to the weights. It uses only statistics that stay fixed, so fitnesses of different iterations
can be compared.

If all candidates of the first iteration have the same value, there is no deviation to divide by. Then d_i is 1, so the
term counts with its plain difference, as in `StandardScaler` of scikit-learn.

Limits: a floor is compared with a measured value, which is noisy. A candidate at a floor meets it in some measurements
and not in others, and the mean of its fitnesses counts both. Normalized, a weight refers to the spread of the start,
which is in part the noise of its measurements.
"""

from dataclasses import dataclass
from math import fsum, inf, nextafter

from swarm_core.composition import Spread, Statistics, Values

REVISION = 1
"""The revision of the sum. It is raised when its results change."""
NEGLIGIBLE = 1e-9
"""A standard deviation that is due to rounding alone, relative to the mean."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term of the sum."""

    name: str
    """The name of its value."""
    weight: float
    """The factor, at least 0."""
    range: tuple[float, float]
    """The lowest and the highest possible value."""
    at_least: float | None = None
    """The floor, above the lowest possible value; None if every value is acceptable."""

    @property
    def lowest(self) -> float:
        """The lowest acceptable value."""
        return self.range[0] if self.at_least is None else self.at_least

    def measure_lack(self, value: float) -> float:
        """Return how far `value` is below the floor, as a share of the way from the lowest possible value; 0 if it is
        not."""
        if self.at_least is None or value >= self.at_least:
            return 0.0
        return (self.at_least - value) / (self.at_least - self.range[0])


@dataclass(frozen=True, slots=True)
class WeightedSum:
    """The composition whose fitness is a weighted sum of values."""

    terms: tuple[Term, ...]
    """The terms, of which at least one has a weight above 0."""
    normalized: bool = False
    """Whether values are scaled by the statistics of the first iteration."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(term.name for term in self.terms)

    @property
    def needs_start(self) -> bool:
        return self.normalized

    @property
    def total_weight(self) -> float:
        """The sum of the weights."""
        return fsum(term.weight for term in self.terms)

    def compose(self, values: Values, start: Statistics) -> float | None:
        """Return the fitness; None if a value is None, or if it has no statistics though they are needed.

        Raises KeyError if `values` lacks a term.
        """
        found = {term.name: values[term.name] for term in self.terms}
        measured = {name: value for name, value in found.items() if value is not None}
        if len(measured) < len(found) or not self.has_statistics(start):
            return None
        lack = fsum(term.measure_lack(measured[term.name]) for term in self.terms)
        if lack == 0:
            return self.add(measured, start)
        bottom = self.find_bottom(start)
        return min(bottom - self.total_weight * lack, nextafter(bottom, -inf))

    def bound(self, start: Statistics) -> tuple[float, float]:
        """Return the lowest and the highest possible fitness. Raises KeyError without the statistics."""
        floors = sum(term.at_least is not None for term in self.terms)
        highest = self.add({term.name: term.range[1] for term in self.terms}, start)
        return self.find_bottom(start) - self.total_weight * floors, highest

    def find_bottom(self, start: Statistics) -> float:
        """Return the lowest sum of values that meet all floors."""
        return self.add({term.name: term.lowest for term in self.terms}, start)

    def has_statistics(self, start: Statistics) -> bool:
        """Return whether `start` has what the sum needs."""
        return not self.normalized or all(name in start for name in self.names)

    def add(self, values: dict[str, float], start: Statistics) -> float:
        """Return the sum, without floors."""
        scaled = [
            standardize(values[term.name], start[term.name]) if self.normalized else values[term.name]
            for term in self.terms
        ]
        return fsum(term.weight * value for term, value in zip(self.terms, scaled, strict=True))


def standardize(value: float, spread: Spread) -> float:
    """Return the deviation of `value` from the mean in standard deviations; without any, the difference itself."""
    constant = spread.deviation <= NEGLIGIBLE * abs(spread.mean)
    return (value - spread.mean) / (1.0 if constant else spread.deviation)
