"""Accuracy: the mean score of one taker, which moving takers maximize.

    accuracy = a,   a the mean score of the one taker over the pool

Source: Data Swarms (arXiv 2506.00741), the utility of takers in the adversarial loop. The range is [0, 1].

Limits: a spec cannot choose it, because it would reward generators whose items are easy.
"""

from collections.abc import Sequence

from swarm_core.objectives.objective import MeansObjective


class Accuracy(MeansObjective):
    """The mean score of the one taker."""

    def value_of_means(self, means: Sequence[float]) -> float:
        """Return the mean of the one taker. `means`: [1]. Raises ValueError for several takers."""
        (mean,) = means
        return mean
