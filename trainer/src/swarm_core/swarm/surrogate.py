"""What scores say of each other: the posterior mean of a Gaussian process at the positions that were measured.

    (G1)  k(a, b) = signal^2 exp(-|a - b|^2 / (2 length^2)), with |a - b|^2 per block of coefficients
    (G2)  noise_i^2 = noise^2 / count_i: the variance of a mean of count_i scores
    (G3)  (K + diag(noise_i^2)) alpha = y - mean
    (G4)  posterior_i = y_i - noise_i^2 alpha_i, which is mean + K alpha at the measured positions

Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, equation 2.25. The mean is that of all scores;
signal^2 is what the variance of the y_i leaves over their mean noise_i^2, and noise^2 at least: where nothing but noise
is seen, a score is believed half.

Invariants: +, -, *, /, sqrt, `fsum` and `exact.exp` only, so the same bits on every machine. Limits: cubic in plain
Python; about a second for 300 positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import fsum, sqrt
from operator import mul

from swarm_core.swarm import exact
from swarm_core.swarm.matrices import Vector
from swarm_core.swarm.positions import Position


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of one position."""

    position: Position
    value: float
    """Their mean."""
    count: int
    """How many; at least one."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before any score."""

    length: float
    """The distance, in coefficients, over which the landscape changes."""
    noise: float
    """The standard deviation of one score; above 0."""
    groups: int = 1
    """Blocks in a position: layers that move alike move as far as one block would."""


def posterior(prior: Prior, scored: Sequence[Scored]) -> Vector:
    """What each position of `scored`, all different, is worth by all the scores."""
    if not scored:
        return ()
    doubts = [prior.noise * prior.noise / one.count for one in scored]
    mean = fsum(one.value * one.count for one in scored) / fsum(one.count for one in scored)
    offsets = [one.value - mean for one in scored]
    signal = _signal(prior, offsets, doubts)
    factor = _factor(prior, signal, [one.position for one in scored], doubts)
    alpha = _solved(factor, offsets)
    return tuple(one.value - doubt * part for one, doubt, part in zip(scored, doubts, alpha, strict=True))


def _signal(prior: Prior, offsets: Sequence[float], doubts: Sequence[float]) -> float:
    """signal^2."""
    size = len(offsets)
    return max(prior.noise * prior.noise, fsum(map(mul, offsets, offsets)) / size - fsum(doubts) / size)


def _factor(prior: Prior, signal: float, places: Sequence[Position], doubts: Sequence[float]) -> list[Vector]:
    """Row by row, the lower Cholesky factor of K + diag(doubts); positive definite, for every doubt is above 0."""
    scale = -0.5 / (prior.length * prior.length * prior.groups)
    rows: list[Vector] = []
    for index, here in enumerate(places):
        row: list[float] = []
        for there, done in zip(places[:index], rows, strict=True):
            gap = fsum((a - b) * (a - b) for a, b in zip(here, there, strict=True))
            row.append((signal * _fallen(scale * gap) - fsum(map(mul, row, done))) / done[-1])
        row.append(sqrt(signal + doubts[index] - fsum(map(mul, row, row))))
        rows.append(tuple(row))
    return rows


@lru_cache(maxsize=1 << 16)
def _fallen(exponent: float) -> float:
    """exp, remembered: an iteration has the pairs of the one before, and `exact.exp` takes 20 microseconds."""
    return exact.exp(exponent)


def _solved(factor: Sequence[Vector], right: Sequence[float]) -> list[float]:
    """x of L L^T x = right: forwards with L, then backwards with its transpose."""
    half: list[float] = []
    for row, value in zip(factor, right, strict=True):
        half.append((value - fsum(map(mul, row, half))) / row[-1])
    found = [0.0] * len(half)
    for index in reversed(range(len(half))):
        later = fsum(factor[below][index] * found[below] for below in range(index + 1, len(half)))
        found[index] = (half[index] - later) / factor[index][index]
    return found
