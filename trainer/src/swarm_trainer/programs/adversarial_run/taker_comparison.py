"""Compares the last taker of a game with the best initial one, on the same items.

The baseline is the initial taker that does best on these very items, which favors the baseline: the mean of the
reported gain is at most the gain over the best initial taker. The interval is that of the smallest gain, so it contains
the gain over the best initial taker also if several are level.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from swarm_core.items import Item
from swarm_core.objectives import intervals
from swarm_core.objectives.scores import Score
from swarm_trainer.report.game_result import Comparison
from swarm_trainer.report.search_result import Interval


@dataclass(frozen=True, slots=True)
class ItemSet:
    """Items that takers are compared on."""

    items: tuple[Item, ...]
    units: tuple[Hashable, ...]
    """The completion that brought each item, [item]. Items of one completion stand and fall together."""


def compare_takers(
    source: str,
    final: Sequence[Score],
    initial: Mapping[str, Sequence[Score]],
    units: Sequence[Hashable],
    coverage: float,
    seed: int,
) -> Comparison:
    """Compare the last taker with the best initial one on the items of `source`.

    `final`: the last taker's scores, [item]. `initial`: those of each initial taker by name. Raises CoverageError.
    """
    baseline, gap = intervals.measure_smallest_difference(final, initial, coverage, seed, units)
    means = dict(gap.parts)
    return Comparison(source, gap.n, baseline, means["second"], means["first"], Interval(gap.value, gap.low, gap.high))
