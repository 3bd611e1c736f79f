"""Rank correlations of two lists of values of the same things: do both put them in the same order?

    tau-b   (concordant - discordant pairs) / sqrt(pairs that differ in the first * pairs that differ in the second)
    rho     Pearson's correlation of the ranks, in which equal values share the mean of their ranks

Sources: Kendall, The treatment of ties in ranking problems (Biometrika 33, 1945), for tau-b; Spearman, The proof and
measurement of association between two things (1904).

Limits: with fewer than three values, or if all values of one list are equal, there is no correlation, and the functions
return None. Values that differ by less than 1e-12 count as equal, because rounding alone can make such a difference.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from math import sqrt
from statistics import StatisticsError, correlation

LEAST_VALUES = 3
"""The fewest values that have a correlation. Two values are always in the same order, or in the opposite one."""
DIGITS = 12
"""The decimal places to which values are compared."""
RankCorrelation = Callable[[Sequence[float], Sequence[float]], float | None]


def compute_kendall(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Kendall's tau-b, from -1 to 1; None if there is none. Raises ValueError for lists of different lengths."""
    if len(first) < LEAST_VALUES:
        return None
    pairs = list(combinations(zip(_round(first), _round(second), strict=True), 2))
    signs = [(_compare(a, c), _compare(b, d)) for (a, b), (c, d) in pairs]
    differing = sum(x != 0 for x, _ in signs) * sum(y != 0 for _, y in signs)
    return sum(x * y for x, y in signs) / sqrt(differing) if differing else None


def compute_spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Spearman's rho, from -1 to 1; None if there is none. Raises ValueError for lists of different lengths."""
    if len(first) != len(second):
        raise ValueError(f"{len(first)} values and {len(second)}; give as many of both")
    if len(first) < LEAST_VALUES:
        return None
    try:
        return correlation(rank(first), rank(second))
    except StatisticsError:  # one list has the same rank everywhere
        return None


def rank(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 1, the smallest first. Equal values share the mean of their ranks.

    >>> rank([0.5, 0.1, 0.5])
    [2.5, 1.0, 2.5]
    """
    rounded = _round(values)
    return [
        sum(other < value for other in rounded) + (1 + sum(other == value for other in rounded)) / 2
        for value in rounded
    ]


def _round(values: Sequence[float]) -> list[float]:
    return [round(value, DIGITS) for value in values]


def _compare(first: float, second: float) -> int:
    """Return 1 if `first` is larger, -1 if it is smaller, and 0 if both are equal."""
    return (first > second) - (first < second)
