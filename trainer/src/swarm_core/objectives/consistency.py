"""Consistency: how equal the takers' mean scores are over independent sets of items.

    consistency = (1 - mean_m s_m) * accepted / asked,   s_m = sqrt(1/k sum_j (a_mj - mean_j a_mj)^2)

a_mj is the mean score of taker m on the items of repeat j of k. s_m is the population standard deviation, as in the
released code of Data Swarms (arXiv 2506.00741), objective "stable"; the sample deviation is sqrt(k / (k - 1)) times as
large. The factor accepted / asked is an addition of dataswarm (`objective`). The range is [0, 1]. The released code
cuts one list of items into k parts. Here, each repeat is a set of its own, with prompts of its own.

An item that an earlier repeat brought is left out. A repeat without an item of its own makes the value 0, so a
generator that writes the same items again and again is not consistent. Rollouts of several seeds hold k repeats each:
the deviation is taken within each, and averaged.

Limits: drawing items alone gives a deviation. With n items of right or wrong answers with mean p, a taker that never
changes has s of about sqrt((k - 1) / k * p (1 - p) / n): 0.07 for p = 1/2, n = 40 and k = 4. The value is not corrected
for it, so measurements compare only at equal n and k, and items that are all right or all wrong look most consistent.
One measurement costs as much as k measurements of another objective.
"""

from collections.abc import Sequence
from math import fsum, sqrt
from typing import ClassVar

from pydantic import Field

from swarm_core.blocks.scalars import Integer
from swarm_core.blocks.settings import Settings
from swarm_core.objectives import scores
from swarm_core.objectives.objective import Needs, Sample


class ConsistencySettings(Settings):
    """The number of sets of items that are compared."""

    repeats: Integer = Field(4, ge=2, le=16)
    """Number of independent sets of items in one measurement. Each has as many items as spec.evaluation names, so a
    measurement costs this many times as much."""


class Consistency:
    """The objective that rises as the takers' mean scores agree over independent sets of items."""

    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    revision: ClassVar[int] = 1
    settings: ClassVar[type[Settings]] = ConsistencySettings

    def __init__(self, repeats: int = 4) -> None:
        self.needs = Needs(repeats=repeats)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Consistency":
        assert isinstance(settings, ConsistencySettings)
        return cls(settings.repeats)

    def value(self, sample: Sample) -> float:
        """Return the value of `sample`, whose repeats are whole groups of `needs.repeats`; 0 if no item was accepted.

        Raises CoverageError if a taker has no score in a repeat that has items, and ValueError for another number of
        repeats.
        """
        size, sets = self.needs.repeats, sample.scores
        if not sets or len(sets) % size:
            raise ValueError(f"{len(sets)} sets of items: consistency compares {size}; give a multiple of it")
        groups = [sets[start : start + size] for start in range(0, len(sets), size)]
        counted = [group for group in groups if any(map(count_items, group))]
        if not counted:
            return 0.0
        return fsum(map(measure_group, counted)) / len(counted) * sample.accepted_share


def count_items(rows: Sequence[Sequence[scores.Score]]) -> int:
    """Return the number of items of one repeat. `rows`: [taker][item]."""
    return max(map(len, rows), default=0)


def measure_group(group: Sequence[Sequence[Sequence[scores.Score]]]) -> float:
    """Return 1 minus the mean deviation of the takers over the repeats; 0 if a repeat has no item.

    `group`: [repeat][taker][item]. Raises CoverageError.
    """
    if not all(map(count_items, group)):
        return 0.0
    by_taker = [[scores.mean_score(row, 0.0) for row in rows] for rows in zip(*group, strict=True)]
    return 1.0 - fsum(map(measure_deviation, by_taker)) / len(by_taker)


def measure_deviation(values: Sequence[float]) -> float:
    """Return the population standard deviation of `values`."""
    center = fsum(values) / len(values)
    return sqrt(fsum((value - center) * (value - center) for value in values) / len(values))
