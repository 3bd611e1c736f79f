"""The constants of CMA-ES, all of them functions of the number of coordinates and of candidates.

Hansen, arXiv 1604.00772, equations (49) to (58) and table 1, with (58) as in its first version.
"""

from dataclasses import dataclass
from functools import cache
from math import fsum, prod, sqrt

from swarm_core.swarm import exact

ALPHA = 2.0
"""alpha_cov."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """What an update goes by."""

    weights: tuple[float, ...]
    """[candidates], best first: positive ones sum to 1, those of the worse half are at most 0."""
    parents: int
    """mu: how many candidates make the new mean."""
    effective: float
    """mu_eff: as many equal weights would vary as much."""
    c_sigma: float
    d_sigma: float
    c_c: float
    c_1: float
    c_mu: float
    chi: float
    """E |N(0, I)|."""
    longest: float
    """The step path above which the shape path pauses."""


@cache
def of(size: int, candidates: int) -> Strategy:
    """For `size` coordinates and `candidates`, at least two."""
    raw = [exact.ln((candidates + 1) / 2) - exact.ln(rank) for rank in range(1, candidates + 1)]  # (49)
    parents = candidates // 2
    effective = _effective(raw[:parents])
    c_1 = ALPHA / ((size + 1.3) * (size + 1.3) + effective)  # (57)
    spread = effective - 2.0 + 1.0 / effective
    c_mu = min(1.0 - c_1 - 1e-8, ALPHA * spread / ((size + 2) * (size + 2) + ALPHA * effective / 2.0))  # (58)
    c_sigma = (effective + 2.0) / (size + effective + 5.0)  # (55)
    chi = sqrt(size) * (1.0 - 1.0 / (4.0 * size) + 1.0 / (21.0 * size * size))
    return Strategy(
        weights=_weights(raw, size, c_1, c_mu),
        parents=parents,
        effective=effective,
        c_sigma=c_sigma,
        d_sigma=1.0 + 2.0 * max(0.0, sqrt((effective - 1.0) / (size + 1.0)) - 1.0) + c_sigma,  # (55)
        c_c=(4.0 + effective / size) / (size + 4.0 + 2.0 * effective / size),  # (56)
        c_1=c_1,
        c_mu=c_mu,
        chi=chi,
        longest=(1.4 + 2.0 / (size + 1.0)) * chi,
    )


def power(base: float, exponent: int) -> float:
    """Multiplied out: `**` is rounded differently from one C library to the next."""
    return prod([base] * exponent)


def _effective(weights: list[float]) -> float:
    """(sum w)^2 / sum w^2."""
    total = fsum(weights)
    return total * total / fsum(weight * weight for weight in weights)


def _weights(raw: list[float], size: int, c_1: float, c_mu: float) -> tuple[float, ...]:
    """(53): the better half sums to 1, the worse to minus the least of (50), (51) and (52)."""
    parents = len(raw) // 2
    gains, losses = fsum(weight for weight in raw if weight > 0), fsum(-weight for weight in raw if weight < 0)
    bounds = [1.0 + 2.0 * _effective(raw[parents:]) / (_effective(raw[:parents]) + 2.0)]  # (51)
    if c_mu > 0.0:  # with two or three candidates it is 0, and the negative weights act on nothing
        bounds += [1.0 + c_1 / c_mu, (1.0 - c_1 - c_mu) / (size * c_mu)]  # (50), (52)
    least = min(bounds)
    return tuple(weight / gains if weight >= 0 else weight * least / losses for weight in raw)
