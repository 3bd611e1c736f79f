"""The mean score of one taker on the accepted items alone, however many were rejected.

    score = a,   a the mean score of the one taker over the accepted items

It says what a taker makes of a data set. The range is [0, 1].

Limits: a spec cannot choose it, because it would reward generators whose items are easy. Without an accepted item there
is no mean, and whoever measures it looks first.
"""

from collections.abc import Sequence

from swarm_core.objectives.accuracy import Accuracy


class MeanScore(Accuracy):
    """The mean score of the one taker on accepted items."""

    def value_of_share(self, means: Sequence[float], share: float) -> float:
        """Return the mean of the one taker. `means`: [1]."""
        return self.value_of_means(means)
