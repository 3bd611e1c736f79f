"""The 95% interval around a value, from the values that remain when each unit is left out in turn (jackknife).

With n units in strata, theta_j the value without unit j, and d_j = mean(theta) - theta_j within the stratum of j:

    V       sum over strata of (n_s - 1) / n_s * sum d_j^2                     the variance of the value
    K       sum over strata of ((n_s - 1) / n_s)^3 * sum d_j^3                 its third cumulant
    V'      V + a * mean of (theta_j - median)^2 over the m units that differ from the median
    a       min(3.5, 0.45 m) * (1 - m / n)^2
    bounds  value + K / V' * (2 z^2 + 1) / 6 -+ t * sqrt(V')                   t of n - strata degrees of freedom

The shift by K corrects for skewness (Johnson 1978, Hall 1992). The addition to V counts a more units of the kind that
differ, in the manner of Agresti and Min (2005). Without it, an interval from a few units that differ is too narrow. If
most units differ, Student's t is enough. If all units agree, the bounds are those of Wilson (1927) for n units with the
same outcome: value -+ span z^2 / (n + z^2).
`benchmarks/coverage.py` measures how often such intervals contain the truth.

The values of random halves of the units, drawn without replacement, vary as much as the value itself. They give V for a
value of a set, and for a maximum of means that are level, where the values without single units say too little. With b
the mean of the halves minus the value, they also show its bias: the mean of a maximum is above the maximum of the
means. Both bounds move against it. Seen from the value, b is about half of the bias if the means are level, and more
than the bias if they are not. So the bound on the side of the bias moves by b, and the other one by 2 b:

    low   - max(b, 2 b)        high   - min(b, 2 b)

The biases of two sides mostly cancel in their difference, and most of its b is noise. So a difference moves by half of
that. Its V is always that of the halves, around their own mean, because V around the value contains the noise of b too.

Limits: with one unit nothing is known, and the interval is the whole range. A bound never lies outside of the range.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from math import fsum, sqrt
from statistics import fmean, median

Z = 1.959963984540054
"""The 97.5% quantile of the standard normal distribution."""
EXACT_T = {1: 12.706204736432095, 2: 4.302652729911275}
"""The 97.5% quantiles of Student's t distribution for which the series is inaccurate."""
ADDED_UNITS = 3.5
"""The most units added to those that differ. With 2, coverage falls to 92.6% if 10% of 144 requests differ."""
ADDED_SHARE = 0.45
"""The most units added for each one that differs. With 0.35, three units of 144 that differ alike exclude 0, and
coverage falls to 90.5% if 4% of the requests differ. With 0.5 it is 97.3% if 3% differ."""
KINK = 1.35
"""How many times as much halves have to vary before they count. By chance alone they vary 1.35 times as much rarely."""
NEGLIGIBLE = 1e-12
"""A difference between values that is due to rounding alone."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known about a value before it is measured."""

    low: float
    high: float
    span: float
    """The most that one unit can contribute, if the value were that of one unit."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The variance of a value, with what is needed for an interval."""

    variance: float
    cumulant: float = 0.0
    added: float = 0.0
    """The addition to the variance for a small number of units that differ."""
    bias: float = 0.0
    """The mean of halves of the units minus the value, by side."""


def bound_value(
    value: float,
    left_out: Sequence[tuple[Hashable, float | None]],
    halves: Sequence[float],
    counted: int,
    bounds: Bounds,
    sides: int = 1,
) -> tuple[float, float]:
    """Return the 95% interval of `value`.

    `left_out`: the stratum of each unit, and the value without it; None if there is none. `halves`: the values of
    random halves of the units, if there are any. `counted`: the number of units that brought anything. `sides`: 2 if
    the value is a difference of two sides.
    """
    if counted < 2 or any(theta is None for _, theta in left_out):
        return bounds.low, bounds.high
    strata = stratify([(stratum, theta) for stratum, theta in left_out if theta is not None])
    spread = measure_spread(strata, counted)
    if halves:
        mean = fmean(halves)
        variance = measure_variance(halves, mean if sides > 1 else value)
        counts = sides > 1 or variance > KINK * spread.variance
        spread = replace(spread, variance=variance if counts else spread.variance, bias=(mean - value) / sides)
    return bound_spread(value, spread, counted, counted - len(strata), bounds)


def bound_set_value(value: float, halves: Sequence[float], units: int, bounds: Bounds) -> tuple[float, float]:
    """Return the 95% interval of a value of a set, from its values on random halves of the units.

    The value may depend on the size of the set, so the variance is that around the mean of the halves. Source: Politis,
    Romano and Wolf (1999).
    """
    if units < 4:
        return bounds.low, bounds.high
    variance = measure_variance(halves, fmean(halves))
    return bound_spread(value, Spread(variance), units, units - 1, bounds)


def measure_variance(values: Sequence[float], center: float) -> float:
    """Return the mean square distance of `values` from `center`."""
    return fmean((value - center) * (value - center) for value in values)


def stratify(left_out: Sequence[tuple[Hashable, float]]) -> list[list[float]]:
    """Return the values by stratum; all as one stratum if any has a single value, whose variance is unknown."""
    strata: dict[Hashable, list[float]] = defaultdict(list)
    for stratum, theta in left_out:
        strata[stratum].append(theta)
    if min(map(len, strata.values())) < 2:
        return [[theta for _, theta in left_out]]
    return list(strata.values())


def measure_spread(strata: Sequence[Sequence[float]], counted: int) -> Spread:
    """Return the spread of a value from the values without each unit, [stratum][unit].

    `counted`: the number of units that brought anything.
    """
    variance, cumulant = 0.0, 0.0
    for values in strata:
        center, factor = fmean(values), (len(values) - 1) / len(values)
        gaps = [center - theta for theta in values]
        variance += factor * fsum(gap * gap for gap in gaps)
        cumulant += factor * factor * factor * fsum(gap * gap * gap for gap in gaps)
    pooled = [theta for values in strata for theta in values]
    middle = median(pooled)
    differing = [(theta - middle) * (theta - middle) for theta in pooled if abs(theta - middle) > NEGLIGIBLE]
    return Spread(variance, cumulant, count_added(len(differing), counted) * fmean(differing) if differing else 0.0)


def count_added(differing: int, units: int) -> float:
    """Return how many units of the kind that differ are added to `units`, of which `differing` differ."""
    agreeing = max(0.0, 1 - differing / units)
    return min(ADDED_UNITS, ADDED_SHARE * differing) * agreeing * agreeing


def bound_spread(value: float, spread: Spread, units: int, freedom: int, bounds: Bounds) -> tuple[float, float]:
    """Return the 95% interval of a value with this spread, which always contains the value."""
    if spread.variance <= NEGLIGIBLE * NEGLIGIBLE:
        low = value - bounds.span * Z * Z / (units + Z * Z)
        high = value + bounds.span * Z * Z / (units + Z * Z)
    else:
        variance = spread.variance + spread.added
        center = value + spread.cumulant / variance * (2 * Z * Z + 1) / 6
        half = student_quantile(max(1, freedom)) * sqrt(variance)
        low = center - half - max(spread.bias, 2 * spread.bias)
        high = center + half - min(spread.bias, 2 * spread.bias)
    return min(value, max(bounds.low, low)), max(value, min(bounds.high, high))


def student_quantile(freedom: int) -> float:
    """Return the 97.5% quantile of Student's t distribution, by its expansion in 1 / freedom.

    The error is below 0.2% from three degrees of freedom. Source: Abramowitz and Stegun, 26.7.5.
    """
    if freedom in EXACT_T:
        return EXACT_T[freedom]
    inverse = 1 / freedom
    return Z + inverse * (2.372271 + inverse * (2.822499 + inverse * (2.555850 + inverse * 1.589534)))
