"""CMA-ES as a function over a value: the normal distribution from which candidates are drawn, before and after scores.

Source: Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv 1604.00772 (equations as numbered in its appendix A);
the covariance learns from the worse half too, with negative weights. Nothing here knows of adapters or of a seed.

Limits: the distribution of d coordinates has d^2 numbers, 2,016 different ones for 64 adapters. An update needs two
candidates; one of fewer is none.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import fsum, sqrt

from swarm_core.swarm import exact, matrices, strategy
from swarm_core.swarm.matrices import Eigen, Matrix, Vector
from swarm_core.swarm.state import Evolution
from swarm_core.swarm.strategy import Strategy

FINEST = 1e-6
"""Least step size: smaller steps change an adapter by less than its 16-bit tensors can hold."""
SPARE = 1e-8
"""Keeps a candidate at the mean from dividing by 0 in (46)."""


def begun(mean: Vector, sigma: float) -> Evolution:
    """The first distribution: round, about `mean`."""
    still = (0.0,) * len(mean)
    return Evolution(mean, sigma, matrices.identity(len(mean)), still, still)


def drawn(evolution: Evolution, normals: Sequence[Vector]) -> tuple[Vector, ...]:
    """(38) to (40): x = m + sigma B D z, for each z ~ N(0, I) of `normals`."""
    shape = matrices.eigen(evolution.covariance)
    return tuple(
        tuple(m + evolution.sigma * y for m, y in zip(evolution.mean, shape.stretched(z), strict=True)) for z in normals
    )


def updated(evolution: Evolution, ranked: Sequence[Vector]) -> Evolution:
    """The distribution after `ranked` candidates, best first; unchanged by fewer than two."""
    if len(ranked) < 2:
        return evolution
    told, shape = strategy.of(len(evolution.mean), len(ranked)), matrices.eigen(evolution.covariance)
    steps = [tuple((x - m) / evolution.sigma for x, m in zip(point, evolution.mean, strict=True)) for point in ranked]
    chosen = steps[: told.parents]
    step = tuple(matrices.dot(told.weights[: told.parents], column) for column in zip(*chosen, strict=True))  # (41)
    step_path = _step_path(evolution, told, shape.powered(step, inverse=True))
    generation = evolution.generation + 1
    length = matrices.norm(step_path)
    steady = length / sqrt(1.0 - strategy.power(1.0 - told.c_sigma, 2 * (generation + 1))) < told.longest  # h_sigma
    shape_path = _shape_path(evolution, told, step if steady else (0.0,) * len(step))
    growth = exact.exp(told.c_sigma / told.d_sigma * (length / told.chi - 1.0))  # (44)
    return replace(
        evolution,
        mean=tuple(m + evolution.sigma * y for m, y in zip(evolution.mean, step, strict=True)),  # (42), c_m = 1
        sigma=max(FINEST, evolution.sigma * growth),
        covariance=_covariance(evolution, told, shape, steps, shape_path, steady),
        step_path=step_path,
        shape_path=shape_path,
        generation=generation,
    )


def _step_path(evolution: Evolution, told: Strategy, whitened: Vector) -> Vector:
    """(43), with C^(-1/2) <y>_w."""
    gain = sqrt(told.c_sigma * (2.0 - told.c_sigma) * told.effective)
    return tuple(
        (1.0 - told.c_sigma) * old + gain * new for old, new in zip(evolution.step_path, whitened, strict=True)
    )


def _shape_path(evolution: Evolution, told: Strategy, step: Vector) -> Vector:
    """(45), with h_sigma <y>_w."""
    gain = sqrt(told.c_c * (2.0 - told.c_c) * told.effective)
    return tuple((1.0 - told.c_c) * old + gain * new for old, new in zip(evolution.shape_path, step, strict=True))


def _covariance(
    evolution: Evolution, told: Strategy, shape: Eigen, steps: Sequence[Vector], path: Vector, steady: bool
) -> Matrix:
    """(47), symmetric to the bit: what lies below the diagonal is a copy of what lies above."""
    size = len(path)
    weights = [_weight(told, shape, rank, step) for rank, step in enumerate(steps)]
    missed = 0.0 if steady else told.c_c * (2.0 - told.c_c)  # delta(h_sigma)
    kept = 1.0 + told.c_1 * missed - told.c_1 - told.c_mu * fsum(told.weights)
    upper = {
        (i, j): kept * evolution.covariance[i][j]
        + told.c_1 * path[i] * path[j]
        + told.c_mu * fsum(weight * y[i] * y[j] for weight, y in zip(weights, steps, strict=True))
        for i in range(size)
        for j in range(i, size)
    }
    return tuple(tuple(upper[min(i, j), max(i, j)] for j in range(size)) for i in range(size))


def _weight(told: Strategy, shape: Eigen, rank: int, step: Vector) -> float:
    """(46): a negative weight is scaled so that a long step cannot make the covariance indefinite."""
    weight = told.weights[rank]
    if weight >= 0.0:
        return weight
    length = matrices.norm(shape.powered(step, inverse=True))
    return weight * len(step) / (length * length + SPARE)
