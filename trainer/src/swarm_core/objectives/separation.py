"""Separation: the mean gap between the takers' mean scores.

    separation = (max_m a_m - min_m a_m) / (n - 1) * accepted / asked,   a_m the mean score of taker m of n

It is the mean gap between neighbors of the sorted means, which is a telescoping sum. Source: Data Swarms (arXiv
2506.00741), objective "separation". The factor accepted / asked is an addition of dataswarm (`objective`). The range is
[0, 1 / (n - 1)].

Limits: noise alone gives a value slightly above 0 for equal takers.
"""

from collections.abc import Sequence
from typing import ClassVar

from swarm_core.objectives.objective import MeansObjective, Needs


class Separation(MeansObjective):
    """The objective that rises with the distance between the takers' mean scores."""

    needs: ClassVar[Needs] = Needs(takers=2)

    def value_of_means(self, means: Sequence[float]) -> float:
        """Return the mean gap of the sorted means of the takers. `means`: [taker]. Raises ValueError for fewer than two
        takers."""
        if len(means) < 2:
            raise ValueError(f"{len(means)} takers: separation compares takers; give two or more")
        return (max(means) - min(means)) / (len(means) - 1)
