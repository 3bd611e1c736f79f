"""Positions and velocities: coefficients over the basis of initial adapters, as plain tuples of floats.

A position names the adapter sum_k x_k * basis_k. Positions that sum to 1 form the affine hull of the basis, with one
dimension less than there are adapters; a velocity is a difference of positions and sums to 0 there. A LoRA's two
factors are both scaled by the coefficients, so x and -x are one adapter: fixing the sum searches each adapter once.

Sums are `fsum`, correctly rounded: the built-in `sum` rounds differently from one Python version to the next.
"""

from collections.abc import Sequence
from math import fsum

Position = tuple[float, ...]
"""[basis]: one block of coefficients, the same for every tensor."""


def vertex(basis: int, index: int) -> Position:
    """The initial adapter `index` by itself."""
    return tuple(1.0 if axis == index else 0.0 for axis in range(basis))


def vertices(basis: int) -> tuple[Position, ...]:
    """Every initial adapter by itself, in the order of the basis."""
    return tuple(vertex(basis, index) for index in range(basis))


def combination(terms: Sequence[tuple[float, Position]]) -> Position:
    """sum_k weight_k * position_k, one coordinate at a time. Needs at least one term."""
    weights = [weight for weight, _ in terms]
    columns = zip(*(position for _, position in terms), strict=True)
    return tuple(fsum(weight * value for weight, value in zip(weights, column, strict=True)) for column in columns)


def difference(first: Position, second: Position) -> Position:
    return tuple(a - b for a, b in zip(first, second, strict=True))


def clamped(position: Position, bound: float) -> Position:
    """Every coordinate moved into [-bound, bound]."""
    return tuple(max(-bound, min(bound, value)) for value in position)


def shifted(position: Position) -> Position:
    """The nearest position that sums to 1 (to rounding): the same number added to every coordinate."""
    shift = (1.0 - fsum(position)) / len(position)
    return tuple(value + shift for value in position)
