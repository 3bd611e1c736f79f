"""Stateless random numbers: every draw is a function of a seed and a key.

`uniform(seed, "move", 3, 0)` is the same number in every process and after any other draws. So there is no generator to
checkpoint, and a new draw never changes other draws. Keys differ by type and by boundary: ("a", "b"), ("ab",), (1,) and
("1",) are four streams.

Limits: a draw takes a few microseconds. For millions of draws, seed another generator with `derive_seed`. Do not use
the numbers for secrets.
"""

import hashlib
import json
from collections.abc import Sequence
from itertools import count
from math import sqrt
from typing import TypeVar

from swarm_core import portable_math

Key = str | int
T = TypeVar("T")

_JSON = json.JSONEncoder(separators=(",", ":"))
"""One encoder for all draws. `json.dumps` with separators creates one per call, which takes a third of a draw's time.
"""


def _bits(seed: int, key: tuple[Key, ...], count: int) -> int:
    """Return the first `count` bits of the sha256 of seed and key. JSON distinguishes "1" from 1, and one key from
    two."""
    digest = hashlib.sha256(_JSON.encode([seed, *key]).encode()).digest()
    return int.from_bytes(digest, "big") >> (256 - count)


def uniform(seed: int, *key: Key) -> float:
    """Return a uniform number in [0, 1) with 53 bits, the precision of a float."""
    return _bits(seed, key, 53) / (1 << 53)


def normal(seed: int, *key: Key) -> float:
    """Return a standard normal number, by Marsaglia's polar method. Its only transcendental function is
    `portable_math.ln`."""
    for attempt in count():
        u = 2.0 * uniform(seed, *key, attempt, "u") - 1.0
        v = 2.0 * uniform(seed, *key, attempt, "v") - 1.0
        square = u * u + v * v
        if 0.0 < square < 1.0:
            return u * sqrt(-2.0 * portable_math.ln(square) / square)
    raise AssertionError("a random point misses the unit circle forever")


def derive_seed(seed: int, *key: Key) -> int:
    """Return a seed for another generator in [0, 2^63), which fits a signed 64-bit integer."""
    return _bits(seed, key, 63)


def integers(seed: int, below: int, count: int, *key: Key) -> tuple[int, ...]:
    """`count` independent integers from 0 to below - 1. Raises ValueError unless `below` is positive.

    Each is the remainder of 256 bits, so the bias of a value is at most below / 2^256.
    """
    if below < 1:
        raise ValueError(f"below={below}: there is no integer from 0 to {below - 1}")
    return tuple(_bits(seed, (*key, draw), 256) % below for draw in range(count))


def sample(seed: int, population: int, count: int, *key: Key) -> tuple[int, ...]:
    """`count` distinct integers from 0 to population - 1, in the order drawn.

    They are the first steps of a Fisher-Yates shuffle. Raises ValueError if `population` is less than `count`.
    """
    if not 0 <= count <= population:
        raise ValueError(f"count={count}: {population} integers hold from 0 to {population} distinct ones")
    moved: dict[int, int] = {}
    drawn: list[int] = []
    for step in range(count):
        place = step + _bits(seed, (*key, step), 256) % (population - step)
        drawn.append(moved.get(place, place))
        moved[place] = moved.get(step, step)
    return tuple(drawn)


def shuffle(seed: int, items: Sequence[T], *key: Key) -> tuple[T, ...]:
    """`items` in a random order. The argument is not changed."""
    return tuple(items[index] for index in sample(seed, len(items), len(items), *key))
