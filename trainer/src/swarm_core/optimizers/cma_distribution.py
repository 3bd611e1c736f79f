"""CMA-ES as pure functions: the normal distribution that candidates are sampled from, and its update.

Source: Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv 1604.00772 (equations as numbered in its appendix A);
the covariance also learns from the worse half, with negative weights. It uses neither adapters nor a seed.

Limits: the distribution of d coordinates has d^2 numbers, of which 2,016 differ for 64 adapters. An update with fewer
than two candidates changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum, sqrt

from swarm_core import portable_math
from swarm_core.optimizers import cma_parameters, matrices
from swarm_core.optimizers.cma_parameters import StrategyParameters
from swarm_core.optimizers.matrices import Eigen, Matrix, Vector

LEAST_SIGMA = 1e-6
"""Minimum step size. A smaller step changes an adapter by less than the precision of its 16-bit tensors."""
EPSILON = 1e-8
"""Prevents a division by 0 in (46) for a candidate at the mean."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """N(mean, sigma^2 covariance) with its evolution paths, in the d = n - 1 coordinates of `hyperplane`."""

    mean: Vector
    """[d]"""
    sigma: float
    """The step size."""
    covariance: Matrix
    """[d, d], symmetric and positive definite: its shape."""
    p_sigma: Vector
    """[d]: the evolution path that controls the step size; it tells whether steps add up."""
    p_c: Vector
    """[d]: the evolution path of the covariance, the direction in which steps add up."""
    generation: int = 0
    """The number of its updates."""


def initial_distribution(mean: Vector, sigma: float) -> Distribution:
    """Return the first distribution: round, about `mean`."""
    zero = (0.0,) * len(mean)
    return Distribution(mean, sigma, matrices.identity(len(mean)), zero, zero)


def sample(distribution: Distribution, normals: Sequence[Vector]) -> tuple[Vector, ...]:
    """Return a sample x = m + sigma B D z for each z ~ N(0, I) of `normals`, equations (38) to (40)."""
    eigen = matrices.eigen(distribution.covariance)
    mean, sigma = distribution.mean, distribution.sigma
    return tuple(tuple(m + sigma * y for m, y in zip(mean, eigen.scale_and_rotate(z), strict=True)) for z in normals)


def update(distribution: Distribution, ranked: Sequence[Vector]) -> Distribution:
    """Return the distribution after an update by `ranked` candidates, [candidate][d], best first; unchanged for
    fewer than two."""
    if len(ranked) < 2:
        return distribution
    mean, sigma = distribution.mean, distribution.sigma
    strategy = cma_parameters.strategy_parameters(len(mean), len(ranked))
    eigen = matrices.eigen(distribution.covariance)
    steps = [tuple((x - m) / sigma for x, m in zip(point, mean, strict=True)) for point in ranked]  # y_i:lambda
    best = steps[: strategy.mu]
    step = tuple(matrices.dot(strategy.weights[: strategy.mu], column) for column in zip(*best, strict=True))  # (41)
    p_sigma = _update_p_sigma(distribution, strategy, eigen.apply_root(step, inverse=True))
    generation = distribution.generation + 1
    length = matrices.norm(p_sigma)
    expected = sqrt(1.0 - cma_parameters.power(1.0 - strategy.c_sigma, 2 * (generation + 1)))
    h_sigma = length / expected < strategy.longest_path
    p_c = _update_p_c(distribution, strategy, step if h_sigma else (0.0,) * len(step))
    factor = portable_math.exp(strategy.c_sigma / strategy.d_sigma * (length / strategy.chi_n - 1.0))  # (44)
    return replace(
        distribution,
        mean=tuple(m + sigma * y for m, y in zip(mean, step, strict=True)),  # (42), c_m = 1
        sigma=max(LEAST_SIGMA, sigma * factor),
        covariance=_update_covariance(distribution, strategy, eigen, steps, p_c, h_sigma),
        p_sigma=p_sigma,
        p_c=p_c,
        generation=generation,
    )


def _update_p_sigma(distribution: Distribution, strategy: StrategyParameters, whitened: Vector) -> Vector:
    """Return the next p_sigma (43). `whitened` is C^(-1/2) <y>_w."""
    c_sigma = strategy.c_sigma
    gain = sqrt(c_sigma * (2.0 - c_sigma) * strategy.mu_eff)
    return tuple((1.0 - c_sigma) * old + gain * new for old, new in zip(distribution.p_sigma, whitened, strict=True))


def _update_p_c(distribution: Distribution, strategy: StrategyParameters, step: Vector) -> Vector:
    """Return the next p_c (45). `step` is h_sigma <y>_w."""
    gain = sqrt(strategy.c_c * (2.0 - strategy.c_c) * strategy.mu_eff)
    return tuple((1.0 - strategy.c_c) * old + gain * new for old, new in zip(distribution.p_c, step, strict=True))


def _update_covariance(
    distribution: Distribution,
    strategy: StrategyParameters,
    eigen: Eigen,
    steps: Sequence[Vector],
    p_c: Vector,
    h_sigma: bool,
) -> Matrix:
    """Return the next covariance (47). It is exactly symmetric, because the lower half is a copy of the upper."""
    size = len(p_c)
    weights = [_weight(strategy, eigen, rank, step) for rank, step in enumerate(steps)]
    delta = 0.0 if h_sigma else strategy.c_c * (2.0 - strategy.c_c)  # delta(h_sigma)
    kept = 1.0 + strategy.c_1 * delta - strategy.c_1 - strategy.c_mu * fsum(strategy.weights)
    upper = {
        (i, j): kept * distribution.covariance[i][j]
        + strategy.c_1 * p_c[i] * p_c[j]  # rank one
        + strategy.c_mu * fsum(weight * y[i] * y[j] for weight, y in zip(weights, steps, strict=True))  # rank mu
        for i in range(size)
        for j in range(i, size)
    }
    return tuple(tuple(upper[min(i, j), max(i, j)] for j in range(size)) for i in range(size))


def _weight(strategy: StrategyParameters, eigen: Eigen, rank: int, step: Vector) -> float:
    """Return the weight (46). A negative one is scaled, so a long step cannot make the covariance indefinite."""
    weight = strategy.weights[rank]
    if weight >= 0.0:
        return weight
    length = matrices.norm(eigen.apply_root(step, inverse=True))
    return weight * len(step) / (length * length + EPSILON)
