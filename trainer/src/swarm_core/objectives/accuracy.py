"""Accuracy: the mean score of the taker that is measured; what moving takers seek.

    accuracy = a,   a the mean score of the one taker over the pool

Source: Data Swarms arXiv 2506.00741, the utility of takers in the adversarial loop. In [0, 1]. No objective that users
name: a generator whose items are answered well is no good one.
"""

from collections.abc import Mapping, Sequence

from swarm_core import part_config
from swarm_core.objectives.objective import MeansObjective


class Accuracy(MeansObjective):
    """Higher the more often the one taker is right."""

    def value_of_means(self, means: Sequence[float]) -> float:
        """The one taker's mean, [1]. Raises ValueError for several takers."""
        (mean,) = means
        return mean

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> "Accuracy":
        """Takes no config. Raises BadInputError for any."""
        part_config.check_fields("objective Accuracy", config)
        return cls()
