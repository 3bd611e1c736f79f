"""Positions and velocities: coefficients over the basis of initial adapters, as plain tuples of floats.

A position names the adapter sum_k x_k * basis_k. Positions that sum to 1 form the affine hull of the basis, with one
dimension less than there are adapters; a velocity is a difference of positions and sums to 0 there. A LoRA's two
factors are both scaled by the coefficients, so x and -x are one adapter: fixing the sum searches each adapter once.

With coefficients per layer a position is one such block for each layer, one after the other, and every block sums to 1.

Sums are `fsum`, correctly rounded: the built-in `sum` rounds differently from one Python version to the next.
"""

from collections.abc import Iterable, Sequence
from math import fsum

Position = tuple[float, ...]
"""[groups * basis]: one block of coefficients for every group of tensors; of one group, it is for all tensors."""


def vertex(basis: int, index: int) -> Position:
    """Return the initial adapter `index` by itself."""
    return tuple(1.0 if axis == index else 0.0 for axis in range(basis))


def vertices(basis: int, groups: int = 1) -> tuple[Position, ...]:
    """Return every initial adapter by itself, in the order of the basis."""
    return tuple(repeat(vertex(basis, index), groups) for index in range(basis))


def repeat(block: Position, groups: int) -> Position:
    """Return the same block for every group."""
    return block * groups


def split_blocks(position: Position, groups: int) -> tuple[Position, ...]:
    """[groups][basis]. Raises ValueError if `position` cannot be cut so."""
    basis, rest = divmod(len(position), groups)
    if rest or not basis:
        raise ValueError(f"{len(position)} coefficients are not {groups} blocks of equal length")
    return tuple(position[start : start + basis] for start in range(0, len(position), basis))


def concatenate(parts: Iterable[Position]) -> Position:
    """Blocks, one after the other."""
    return tuple(value for part in parts for value in part)


def extend(position: Position, groups: int, added: int) -> Position:
    """Return the same sum over a basis of `added` further adapters, which it leaves out: zeros behind every block."""
    return concatenate(block + (0.0,) * added for block in split_blocks(position, groups))


def mean_block(position: Position, groups: int) -> Position:
    """[basis]: the mean block; of one block, that block."""
    parts = split_blocks(position, groups)
    return parts[0] if groups == 1 else tuple(fsum(column) / groups for column in zip(*parts, strict=True))


def combine(terms: Sequence[tuple[float, Position]]) -> Position:
    """sum_k weight_k * position_k, one coordinate at a time. Needs at least one term."""
    weights = [weight for weight, _ in terms]
    columns = zip(*(position for _, position in terms), strict=True)
    return tuple(fsum(weight * value for weight, value in zip(weights, column, strict=True)) for column in columns)


def subtract(first: Position, second: Position) -> Position:
    """`first` minus `second`, one coordinate at a time. Raises ValueError for different lengths."""
    return tuple(a - b for a, b in zip(first, second, strict=True))


def clip(position: Position, bound: float) -> Position:
    """Return every coordinate moved into [-bound, bound]."""
    return tuple(max(-bound, min(bound, value)) for value in position)


def shift_to_sum_one(position: Position) -> Position:
    """Return the nearest position that sums to 1 (to rounding): the same number added to every coordinate."""
    shift = (1.0 - fsum(position)) / len(position)
    return tuple(value + shift for value in position)
