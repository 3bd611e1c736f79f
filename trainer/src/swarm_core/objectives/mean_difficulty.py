"""Mean difficulty: how often takers fail on average.

    mean difficulty = (1 - mean_m a_m) * accepted / asked,   a_m the mean score of taker m

Source: ours, beside Difficulty (Data Swarms arXiv 2506.00741), which looks at the best taker alone. In [0, 1]. Every
taker weighs the same, whatever the number of its scores. A missing score is left out of its taker's mean. Limits: it
rises when a single taker gets worse, so it can be high for items that the best taker solves.
"""

from collections.abc import Mapping, Sequence
from math import fsum

from swarm_core import part_config
from swarm_core.objectives.objective import MeansObjective


class MeanDifficulty(MeansObjective):
    """Higher the more takers fail, all of them alike."""

    def value_of_means(self, means: Sequence[float]) -> float:
        """1 - mean of the takers' means, [taker]."""
        return 1.0 - fsum(means) / len(means)

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> "MeanDifficulty":
        """Takes no config. Raises BadInputError for any."""
        part_config.check_fields("objective MeanDifficulty", config)
        return cls()
