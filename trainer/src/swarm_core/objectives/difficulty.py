"""Difficulty: the share of items that even the best taker answers incorrectly.

    difficulty = (1 - max_m a_m) * accepted / asked,   a_m the mean score of taker m

Source: Data Swarms (arXiv 2506.00741), objective "difficulty". The factor accepted / asked is an addition of dataswarm
(`objective`). The range is [0, 1]. An item without a score counts as a rejected one (`scored_items`).
"""

from collections.abc import Sequence

from swarm_core.objectives.objective import MeansObjective


class Difficulty(MeansObjective):
    """The objective that rises when even the best taker scores low."""

    def value_of_means(self, means: Sequence[float]) -> float:
        """1 minus the maximum of the takers' means. `means`: [taker]."""
        return 1.0 - max(means)
