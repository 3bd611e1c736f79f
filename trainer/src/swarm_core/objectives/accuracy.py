"""Accuracy: the mean score of the taker that is measured; what moving takers seek.

    accuracy = a,   a the mean score of the one taker over the pool

Source: Data Swarms arXiv 2506.00741, the utility of takers in the adversarial loop. In [0, 1]. No objective that users
name: a generator whose items are answered well is no good one.
"""

from collections.abc import Sequence

from swarm_core.objectives import bootstrap
from swarm_core.objectives.objective import Measurement, Requirements, ScoredBatch


def from_means(means: Sequence[float]) -> float:
    """The one taker's mean, [1]. Raises ValueError for several takers."""
    (mean,) = means
    return mean


class Accuracy:
    """Implements `bootstrap.ResampledObjective`."""

    needs = Requirements(repeats=1, takers=1)

    def measure(self, batch: ScoredBatch, coverage: float, seed: int) -> Measurement:
        """Raises CoverageError when too few answers are scored, ValueError for several takers."""
        return bootstrap.measure(batch, from_means, coverage, seed)

    def resample(self, batch: ScoredBatch, seed: int, count: int) -> list[float]:
        return bootstrap.resample(batch, from_means, seed, count)
