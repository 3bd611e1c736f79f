"""Positions that sum to 1 by n - 1 free coordinates, measured from their center along orthonormal directions.

Helmert's directions: the k-th is (1, .. k times .., 1, -k, 0, ..) / sqrt(k (k + 1)). Distances are kept, so a normal
distribution that is round here is round among the positions.
"""

from functools import cache
from math import sqrt

from swarm_core.optimizers import matrices, positions
from swarm_core.optimizers.matrices import Matrix, Vector
from swarm_core.optimizers.positions import Position


@cache
def directions(basis: int) -> Matrix:
    """[basis - 1, basis]: orthonormal rows, each of which sums to 0."""
    rows = []
    for k in range(1, basis):
        length = sqrt(k * (k + 1))
        rows.append((*(1.0 / length,) * k, -k / length, *(0.0,) * (basis - k - 1)))
    return tuple(rows)


def center(basis: int) -> Position:
    """Return the mean of the initial adapters."""
    return (1.0 / basis,) * basis


def to_position(coordinates: Vector) -> Position:
    """[n - 1] to the position [n]."""
    basis = len(coordinates) + 1
    return positions.combine([(1.0, center(basis)), *zip(coordinates, directions(basis), strict=True)])


def to_coordinates(position: Position) -> Vector:
    """[n], of sum 1, to its coordinates [n - 1]."""
    return tuple(matrices.dot(direction, position) for direction in directions(len(position)))
