"""Difficulty: how often even the best taker fails.

    difficulty = (1 - max_m a_m) * accepted / asked,   a_m the mean score of taker m

Source: Data Swarms arXiv 2506.00741, objective "difficulty"; the share of accepted items is ours (`objective`). In
[0, 1]. A missing score is left out of its taker's mean, so it can neither raise nor lower it beyond leaving one fewer.
"""

from collections.abc import Mapping, Sequence

from swarm_core import part_config
from swarm_core.objectives.objective import MeansObjective


class Difficulty(MeansObjective):
    """Higher the more takers fail."""

    def value_of_means(self, means: Sequence[float]) -> float:
        """1 - max of the takers' means, [taker]."""
        return 1.0 - max(means)

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> "Difficulty":
        """Takes no config. Raises BadInputError for any."""
        part_config.check_fields("objective Difficulty", config)
        return cls()
