"""Separation: how far apart the takers' means lie.

    separation = (max_m a_m - min_m a_m) / (n - 1) * accepted / asked,   a_m the mean score of taker m of n

the mean gap between neighbours of the sorted means, which telescopes. Source: Data Swarms arXiv 2506.00741, objective
"separation"; the share of accepted items is ours (`objective`). In [0, 1 / (n - 1)]. Noise alone separates: equal
takers measure a little above 0.
"""

from collections.abc import Sequence

from swarm_core.objectives import bootstrap
from swarm_core.objectives.objective import Measurement, Requirements, ScoredBatch


def from_means(means: Sequence[float]) -> float:
    """Mean gap of the sorted takers' means, [takers]. Raises ValueError for fewer than two takers."""
    if len(means) < 2:
        raise ValueError(f"{len(means)} takers: separation compares takers; give two or more")
    return (max(means) - min(means)) / (len(means) - 1)


class Separation:
    """Implements `bootstrap.ResampledObjective`."""

    needs = Requirements(repeats=1, takers=2)

    def measure(self, batch: ScoredBatch, coverage: float, seed: int) -> Measurement:
        """Raises CoverageError when a taker has too few scores, ValueError for a score outside [0, 1]."""
        return bootstrap.measure(batch, from_means, coverage, seed)

    def resample(self, batch: ScoredBatch, seed: int, count: int) -> list[float]:
        return bootstrap.resample(batch, from_means, seed, count)
