"""The strategy parameters of CMA-ES, all of them functions of the number of coordinates and of candidates.

Hansen, arXiv 1604.00772, equations (49) to (58) and table 1, with (58) as in its first version.
"""

from dataclasses import dataclass
from functools import cache
from math import fsum, prod, sqrt

from swarm_core import portable_math

ALPHA = 2.0
"""alpha_cov."""


@dataclass(frozen=True, slots=True)
class StrategyParameters:
    """The parameters of an update."""

    weights: tuple[float, ...]
    """[candidates], best first. The positive ones sum to 1, and those of the worse half are at most 0."""
    mu: int
    """The number of candidates in the new mean."""
    mu_eff: float
    """The number of equal weights that would give the same variance."""
    c_sigma: float
    d_sigma: float
    c_c: float
    c_1: float
    c_mu: float
    chi_n: float
    """E |N(0, I)|."""
    longest_path: float
    """The length of p_sigma above which p_c pauses."""


@cache
def strategy_parameters(size: int, candidates: int) -> StrategyParameters:
    """Return the parameters for `size` coordinates and at least two `candidates`."""
    raw = [portable_math.ln((candidates + 1) / 2) - portable_math.ln(rank) for rank in range(1, candidates + 1)]  # (49)
    mu = candidates // 2
    mu_eff = _mu_eff(raw[:mu])
    c_1 = ALPHA / ((size + 1.3) * (size + 1.3) + mu_eff)  # (57)
    spread = mu_eff - 2.0 + 1.0 / mu_eff
    c_mu = min(1.0 - c_1 - 1e-8, ALPHA * spread / ((size + 2) * (size + 2) + ALPHA * mu_eff / 2.0))  # (58)
    c_sigma = (mu_eff + 2.0) / (size + mu_eff + 5.0)  # (55)
    chi_n = sqrt(size) * (1.0 - 1.0 / (4.0 * size) + 1.0 / (21.0 * size * size))
    return StrategyParameters(
        weights=_weights(raw, size, c_1, c_mu),
        mu=mu,
        mu_eff=mu_eff,
        c_sigma=c_sigma,
        d_sigma=1.0 + 2.0 * max(0.0, sqrt((mu_eff - 1.0) / (size + 1.0)) - 1.0) + c_sigma,  # (55)
        c_c=(4.0 + mu_eff / size) / (size + 4.0 + 2.0 * mu_eff / size),  # (56)
        c_1=c_1,
        c_mu=c_mu,
        chi_n=chi_n,
        longest_path=(1.4 + 2.0 / (size + 1.0)) * chi_n,
    )


def power(base: float, exponent: int) -> float:
    """Return `base` to the power of `exponent`. It multiplies, because C libraries round `**` differently."""
    return prod([base] * exponent)


def _mu_eff(weights: list[float]) -> float:
    """Return (sum w)^2 / sum w^2."""
    total = fsum(weights)
    return total * total / fsum(weight * weight for weight in weights)


def _weights(raw: list[float], size: int, c_1: float, c_mu: float) -> tuple[float, ...]:
    """Return the weights (53). The better half sums to 1, and the worse half to minus the least of (50), (51), (52)."""
    mu = len(raw) // 2
    gains, losses = fsum(weight for weight in raw if weight > 0), fsum(-weight for weight in raw if weight < 0)
    bounds = [1.0 + 2.0 * _mu_eff(raw[mu:]) / (_mu_eff(raw[:mu]) + 2.0)]  # (51)
    if c_mu > 0.0:  # it is 0 for two or three candidates, where negative weights have no effect
        bounds += [1.0 + c_1 / c_mu, (1.0 - c_1 - c_mu) / (size * c_mu)]  # (50), (52)
    least = min(bounds)
    return tuple(weight / gains if weight >= 0 else weight * least / losses for weight in raw)
