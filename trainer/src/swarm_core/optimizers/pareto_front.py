"""The Pareto front of vectors: dominance, crowding, hypervolume and knee, as pure functions.

A vector has one value for each objective, and higher is better. The origin is the lowest acceptable value of every
objective: a negative value is below it, and such a vector is unacceptable. `composition` scales measured values to this
form.

    dominance     a dominates b if it is at least b in each value and above it in one. An acceptable vector dominates
                  every unacceptable one, and of two unacceptable ones the one that lacks less dominates
                  (Deb et al. 2002, section VI).
    crowding      sum over objectives of the gap between the two neighbors, divided by the extent of the front
                  (Deb et al. 2002, section III-B). The ends of each objective have an infinite crowding distance.
    hypervolume   volume between the origin and the front: what at least one vector dominates (Zitzler and Thiele
                  1998). It is computed slice by slice (While et al. 2006).
    knee          the vector with the largest distance to the hyperplane through the ends of the front (Das 1999), on
                  the side away from the origin

Limits: the hypervolume of n vectors with k values takes O(n^(k-1) log n) steps, so it is for fronts of some ten vectors
with at most four values. All sums use `fsum`, but a hypervolume is rounded, so it is compared with a tolerance.
"""

from collections.abc import Sequence
from math import fsum, inf
from operator import ge

Vector = tuple[float, ...]
"""One value for each objective, [objective]."""


def measure_lack(vector: Vector) -> float:
    """Return how far the values of `vector` are below 0, summed; 0 if it is acceptable."""
    return fsum(max(0.0, -value) for value in vector)


def dominates(first: Vector, second: Vector) -> bool:
    """Return whether `first` dominates `second`."""
    lacks = measure_lack(first), measure_lack(second)
    if max(lacks) > 0:
        return lacks[0] < lacks[1]
    return first != second and all(a >= b for a, b in zip(first, second, strict=True))


def list_front(vectors: Sequence[Vector]) -> list[int]:
    """Return the indices of the vectors that no other dominates, in order. Equal vectors are all on the front."""
    lacks = [measure_lack(one) for one in vectors]
    least = min(lacks, default=0.0)
    leading = [index for index, lack in enumerate(lacks) if lack == least]
    if least > 0:
        return leading
    front: list[Vector] = []
    for one in sorted({vectors[index] for index in leading}, reverse=True):
        if not any(all(map(ge, other, one)) for other in front):
            front.append(one)
    found = set(front)
    return [index for index in leading if vectors[index] in found]


def list_fronts(vectors: Sequence[Vector]) -> list[list[int]]:
    """Return the indices in fronts: the front of all, then that of the rest, and so on (non-dominated sorting)."""
    left, fronts = list(range(len(vectors))), []
    while left:
        front = [left[place] for place in list_front([vectors[index] for index in left])]
        fronts.append(front)
        left = [index for index in left if index not in front]
    return fronts


def measure_crowding(front: Sequence[Vector]) -> list[float]:
    """Return the crowding distance of each vector of `front`, [vector]. The ends of each objective have infinity."""
    distances = [0.0] * len(front)
    for values in zip(*front, strict=True):
        order = sorted(range(len(front)), key=values.__getitem__)
        extent = values[order[-1]] - values[order[0]]
        distances[order[0]] = distances[order[-1]] = inf
        if extent > 0:
            for before, index, after in zip(order, order[1:], order[2:], strict=False):
                distances[index] += (values[after] - values[before]) / extent
    return distances


def order_front(front: Sequence[Vector]) -> list[int]:
    """Return the indices of `front`, the ones to keep longest first: the most crowded one is removed again and again.

    Of vectors that are crowded equally, the last is removed. The first n indices are the front thinned to n.
    """
    kept, removed = list(range(len(front))), []
    while kept:
        distances = measure_crowding([front[index] for index in kept])
        removed.append(kept.pop(max(range(len(kept)), key=lambda place: (-distances[place], place))))
    return removed[::-1]


def rank(vectors: Sequence[Vector]) -> list[int]:
    """Return all indices, best first: by front, and within a front as `order_front` does."""
    return [
        front[place] for front in list_fronts(vectors) for place in order_front([vectors[index] for index in front])
    ]


def measure_hypervolume(vectors: Sequence[Vector]) -> float:
    """Return the volume between the origin and `vectors`; 0 if none is above 0 in all its values."""
    return _slice_volume([one for one in vectors if min(one) > 0])


def _slice_volume(vectors: Sequence[Vector]) -> float:
    """Return the hypervolume of vectors above 0: a sum over slices of the last value."""
    if not vectors:
        return 0.0
    if len(vectors[0]) <= 2:
        return _sum_strips(vectors)
    front = list(dict.fromkeys(vectors[index] for index in list_front(vectors)))
    depths = sorted({one[-1] for one in front}, reverse=True)
    return fsum(
        _slice_volume([one[:-1] for one in front if one[-1] >= depth]) * (depth - following)
        for depth, following in zip(depths, [*depths[1:], 0.0], strict=True)
    )


def _sum_strips(vectors: Sequence[Vector]) -> float:
    """Return the hypervolume of vectors above 0 with one or two values. Dominated ones add nothing."""
    strips, covered = [], 0.0
    for one in sorted(vectors, reverse=True):
        height = one[1] if len(one) == 2 else 1.0
        if height > covered:
            strips.append(one[0] * (height - covered))
            covered = height
    return fsum(strips)


def list_ends(front: Sequence[Vector]) -> list[int]:
    """Return the index of the vector with the highest value of each objective, [objective].

    Of equal ones, it is the one with the highest sum of values.
    """
    return [
        max(range(len(front)), key=lambda index: (front[index][axis], fsum(front[index])))
        for axis in range(len(front[0]))
    ]


def find_knee(front: Sequence[Vector]) -> int:
    """Return the index of the knee of `front`, the first of equal ones."""
    heights = measure_heights(front)
    return max(range(len(front)), key=lambda index: (heights[index], -index))


def measure_heights(front: Sequence[Vector]) -> list[float]:
    """Return the height of each vector above the hyperplane through the ends of `front`, which must not be empty.

    The knee has the largest height. Values are scaled to 0 at the lowest and 1 at the highest value of the ends. There,
    the hyperplane through the ends of a front with two objectives is sum = 1, and that of more objectives is taken to
    be parallel to it. So the height is the sum of the scaled values. An objective in which the ends agree does not
    count.
    """
    ends = [front[index] for index in list_ends(front)]
    limits = [(min(values), max(values)) for values in zip(*ends, strict=True)]
    return [
        fsum((value - low) / (high - low) for value, (low, high) in zip(one, limits, strict=True) if high > low)
        for one in front
    ]
