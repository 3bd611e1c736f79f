"""Difficulty: how often even the best taker fails.

    difficulty = (1 - max_m a_m) * accepted / asked,   a_m the mean score of taker m

Source: Data Swarms arXiv 2506.00741, objective "difficulty"; the share of accepted items is ours (`objective`). In
[0, 1]. A missing score is left out of its taker's mean, so it can neither raise nor lower it beyond leaving one fewer.
"""

from collections.abc import Sequence

from swarm_core.objectives import bootstrap
from swarm_core.objectives.objective import Measurement, Requirements, ScoredBatch


def from_means(means: Sequence[float]) -> float:
    """1 - max of the takers' means, [takers]."""
    return 1.0 - max(means)


class Difficulty:
    """Implements `bootstrap.ResampledObjective`."""

    needs = Requirements(repeats=1, takers=1)

    def measure(self, batch: ScoredBatch, coverage: float, seed: int) -> Measurement:
        """Raises CoverageError when a taker has too few scores, ValueError for a score outside [0, 1]."""
        return bootstrap.measure(batch, from_means, coverage, seed)

    def resample(self, batch: ScoredBatch, seed: int, count: int) -> list[float]:
        return bootstrap.resample(batch, from_means, seed, count)
