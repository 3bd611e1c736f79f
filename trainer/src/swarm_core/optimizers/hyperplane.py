"""Free coordinates of positions that sum to 1: n - 1 numbers along orthonormal directions from the center.

The directions are Helmert's: the k-th is (1, .. k times .., 1, -k, 0, ..) / sqrt(k (k + 1)). They preserve distances,
so an isotropic normal distribution of coordinates is isotropic among the positions.
"""

from functools import cache
from math import sqrt

from swarm_core.optimizers import matrices, positions
from swarm_core.optimizers.matrices import Matrix, Vector
from swarm_core.optimizers.positions import Position


@cache
def directions(basis: int) -> Matrix:
    """Return the directions [basis - 1, basis]: orthonormal rows that each sum to 0."""
    rows = []
    for k in range(1, basis):
        length = sqrt(k * (k + 1))
        rows.append((*(1.0 / length,) * k, -k / length, *(0.0,) * (basis - k - 1)))
    return tuple(rows)


def center(basis: int) -> Position:
    """Return the mean of the initial adapters."""
    return (1.0 / basis,) * basis


def to_position(coordinates: Vector) -> Position:
    """Return the position [n] with these coordinates [n - 1]."""
    basis = len(coordinates) + 1
    return positions.combine([(1.0, center(basis)), *zip(coordinates, directions(basis), strict=True)])


def to_coordinates(position: Position) -> Vector:
    """Return the coordinates [n - 1] of a position [n] that sums to 1."""
    return tuple(matrices.dot(direction, position) for direction in directions(len(position)))
