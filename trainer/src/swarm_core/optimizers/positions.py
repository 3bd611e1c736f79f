"""Positions and velocities: coefficients over the basis of initial adapters, as plain tuples of floats.

A position x is the adapter sum_k x_k * basis_k. The positions that sum to 1 are the affine hull of the basis, which has
one dimension fewer than there are adapters. A velocity is a difference of positions and sums to 0. The coefficients
scale both factors of a LoRA, so x and -x are the same adapter. A fixed sum excludes -x.

With coefficients per layer, a position is the concatenation of one such block per layer, and every block sums to 1.

All sums use `fsum`, which is correctly rounded. The built-in `sum` rounds differently in different Python versions.
"""

from collections.abc import Iterable, Sequence
from math import fsum

Position = tuple[float, ...]
"""[groups * basis]: one block of coefficients for each group of tensors. A single group has all tensors."""


def vertex(basis: int, index: int) -> Position:
    """Return the position of the initial adapter `index`."""
    return tuple(1.0 if axis == index else 0.0 for axis in range(basis))


def vertices(basis: int, groups: int = 1) -> tuple[Position, ...]:
    """Return the positions of all initial adapters, in the order of the basis."""
    return tuple(repeat(vertex(basis, index), groups) for index in range(basis))


def repeat(block: Position, groups: int) -> Position:
    """Return the same block for every group."""
    return block * groups


def split_blocks(position: Position, groups: int) -> tuple[Position, ...]:
    """Return the blocks, [groups][basis]. Raises ValueError if they would not have equal lengths."""
    basis, rest = divmod(len(position), groups)
    if rest or not basis:
        raise ValueError(f"{len(position)} coefficients are not {groups} blocks of equal length")
    return tuple(position[start : start + basis] for start in range(0, len(position), basis))


def concatenate(parts: Iterable[Position]) -> Position:
    """Return the concatenation of all blocks."""
    return tuple(value for part in parts for value in part)


def extend(position: Position, groups: int, added: int) -> Position:
    """Return the same adapter over a basis with `added` more adapters: each block ends in `added` zeros."""
    return concatenate(block + (0.0,) * added for block in split_blocks(position, groups))


def mean_block(position: Position, groups: int) -> Position:
    """Return the mean of all blocks, [basis]."""
    parts = split_blocks(position, groups)
    return parts[0] if groups == 1 else tuple(fsum(column) / groups for column in zip(*parts, strict=True))


def combine(terms: Sequence[tuple[float, Position]]) -> Position:
    """Return sum_k weight_k * position_k over `terms`, of which there must be at least one."""
    weights = [weight for weight, _ in terms]
    columns = zip(*(position for _, position in terms), strict=True)
    return tuple(fsum(weight * value for weight, value in zip(weights, column, strict=True)) for column in columns)


def subtract(first: Position, second: Position) -> Position:
    """Return `first` minus `second` by coordinate. Raises ValueError for different lengths."""
    return tuple(a - b for a, b in zip(first, second, strict=True))


def clip(position: Position, bound: float) -> Position:
    """Return the position with every coordinate limited to [-bound, bound]."""
    return tuple(max(-bound, min(bound, value)) for value in position)


def shift_to_sum_one(position: Position) -> Position:
    """Return the nearest position that sums to 1 within rounding: it adds the same number to every coordinate."""
    shift = (1.0 - fsum(position)) / len(position)
    return tuple(value + shift for value in position)
