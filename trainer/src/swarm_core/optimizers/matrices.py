"""The little linear algebra that CMA-ES needs, for matrices of at most 63 rows, as tuples of tuples of floats.

Only +, -, *, / and sqrt, each rounded alike everywhere, and `fsum`: the same bits on every machine.
Limits: cubic in plain Python; 3 rows take 30 microseconds, 63 about a second.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import copysign, fsum, sqrt
from operator import mul

Vector = tuple[float, ...]
Matrix = tuple[Vector, ...]

SWEEPS = 60
"""Far more than the six to ten that Jacobi's method takes."""
NEGLIGIBLE = 1e-16
"""An entry so small beside its two diagonal ones that removing it would change neither."""
CONDITION = 1e14
"""Largest ratio of eigenvalues: beyond it the smallest is rounding error (Hansen, arXiv 1604.00772, appendix B.3)."""


@dataclass(frozen=True, slots=True)
class Eigen:
    """matrix = sum_k values[k] * vectors[k] vectors[k]^T."""

    values: Vector
    """[d], all positive, in no order."""
    vectors: Matrix
    """[d, d], orthonormal; one eigenvector a row."""

    def apply_root(self, vector: Sequence[float], inverse: bool) -> Vector:
        """matrix^(1/2) vector, or matrix^(-1/2) vector if `inverse`: both symmetric."""
        roots = (1.0 / sqrt(value) if inverse else sqrt(value) for value in self.values)
        parts = [root * dot(axis, vector) for root, axis in zip(roots, self.vectors, strict=True)]
        return tuple(dot(parts, column) for column in zip(*self.vectors, strict=True))

    def scale_and_rotate(self, vector: Sequence[float]) -> Vector:
        """B D vector, with B the eigenvectors as columns and D the square roots of the eigenvalues."""
        parts = [sqrt(value) * part for value, part in zip(self.values, vector, strict=True)]
        return tuple(dot(parts, column) for column in zip(*self.vectors, strict=True))


def dot(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the scalar product of two vectors, [d] each."""
    return fsum(map(mul, first, second))


def norm(vector: Sequence[float]) -> float:
    """Return the Euclidean norm of a vector, [d]."""
    return sqrt(dot(vector, vector))


def identity(size: int) -> Matrix:
    """Return the identity matrix, [size, size]."""
    return tuple(tuple(float(row == column) for column in range(size)) for row in range(size))


def eigen(matrix: Matrix) -> Eigen:
    """Return the eigenvalues and eigenvectors of a symmetric positive definite matrix, by Jacobi's rotations.

    Golub and Van Loan, Matrix Computations, section 8.5. Values that rounding made too small are raised to the largest
    divided by `CONDITION`.
    """
    rows = [list(row) for row in matrix]
    vectors = [list(row) for row in identity(len(rows))]
    for _ in range(SWEEPS):
        due = list(_sweep(rows, vectors))
        if not due:
            break
    diagonal = [rows[axis][axis] for axis in range(len(rows))]
    least = max(diagonal) / CONDITION
    return Eigen(tuple(max(value, least) for value in diagonal), tuple(map(tuple, vectors)))


def _sweep(rows: list[list[float]], vectors: list[list[float]]) -> Iterator[tuple[int, int]]:
    """One rotation for every entry above the diagonal that is not negligible; yields where there were any."""
    for p in range(len(rows)):
        for q in range(p + 1, len(rows)):
            if abs(rows[p][q]) > NEGLIGIBLE * sqrt(abs(rows[p][p] * rows[q][q])):
                _rotate(rows, vectors, p, q)
                yield p, q


def _rotate(rows: list[list[float]], vectors: list[list[float]], p: int, q: int) -> None:
    """Turn axes p and q so that their entry becomes 0: t = tan of the smaller angle, c its cos, s its sin."""
    entry = rows[p][q]
    half = (rows[q][q] - rows[p][p]) / (2.0 * entry)
    t = copysign(1.0, half) / (abs(half) + sqrt(half * half + 1.0))
    c = 1.0 / sqrt(t * t + 1.0)
    s = t * c
    low, high = rows[p][p] - t * entry, rows[q][q] + t * entry
    for matrix in (rows, vectors):
        first, second = matrix[p], matrix[q]
        matrix[p] = [c * a - s * b for a, b in zip(first, second, strict=True)]
        matrix[q] = [s * a + c * b for a, b in zip(first, second, strict=True)]
    for row, a, b in zip(rows, rows[p], rows[q], strict=True):
        row[p], row[q] = a, b
    rows[p][p], rows[q][q] = low, high
    rows[p][q] = rows[q][p] = 0.0
