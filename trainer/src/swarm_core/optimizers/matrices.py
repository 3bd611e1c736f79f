"""The linear algebra of CMA-ES, for matrices of at most 63 rows as tuples of tuples of floats.

It uses only +, -, *, /, sqrt and `fsum`, which round the same way everywhere, so results have the same bits on every
machine.

Limits: plain Python with cubic time. 3 rows take 30 microseconds, and 63 rows take about a second.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import copysign, fsum, sqrt
from operator import mul

Vector = tuple[float, ...]
Matrix = tuple[Vector, ...]

SWEEPS = 60
"""The maximum number of sweeps. Jacobi's method needs six to ten."""
NEGLIGIBLE = 1e-16
"""The size of an entry relative to its two diagonal entries below which its removal changes neither."""
CONDITION = 1e14
"""The largest ratio of eigenvalues. Beyond it, the smallest is rounding error (Hansen, arXiv 1604.00772, B.3)."""


@dataclass(frozen=True, slots=True)
class Eigen:
    """The eigendecomposition of a matrix: sum_k values[k] * vectors[k] vectors[k]^T."""

    values: Vector
    """[d]: the eigenvalues, all positive, in no order."""
    vectors: Matrix
    """[d, d]: the eigenvectors as orthonormal rows."""

    def apply_root(self, vector: Sequence[float], inverse: bool) -> Vector:
        """Return matrix^(1/2) vector, or matrix^(-1/2) vector if `inverse`. Both roots are symmetric."""
        roots = (1.0 / sqrt(value) if inverse else sqrt(value) for value in self.values)
        parts = [root * dot(axis, vector) for root, axis in zip(roots, self.vectors, strict=True)]
        return tuple(dot(parts, column) for column in zip(*self.vectors, strict=True))

    def scale_and_rotate(self, vector: Sequence[float]) -> Vector:
        """Return B D vector. The columns of B are the eigenvectors, and D has the square roots of the eigenvalues."""
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

    Source: Golub and Van Loan, Matrix Computations, section 8.5. The minimum of an eigenvalue is the largest one
    divided by `CONDITION`, because rounding can make small ones negative.
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
    """Rotate away every entry above the diagonal that is not negligible. Yields the place of each."""
    for p in range(len(rows)):
        for q in range(p + 1, len(rows)):
            if abs(rows[p][q]) > NEGLIGIBLE * sqrt(abs(rows[p][p] * rows[q][q])):
                _rotate(rows, vectors, p, q)
                yield p, q


def _rotate(rows: list[list[float]], vectors: list[list[float]], p: int, q: int) -> None:
    """Rotate axes p and q so that their entry becomes 0. t, c and s are tan, cos and sin of the smaller angle."""
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
