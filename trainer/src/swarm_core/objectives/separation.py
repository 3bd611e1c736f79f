"""Separation: how far apart the takers' means lie.

    separation = (max_m a_m - min_m a_m) / (n - 1) * accepted / asked,   a_m the mean score of taker m of n

the mean gap between neighbors of the sorted means, which telescopes. Source: Data Swarms arXiv 2506.00741, objective
"separation"; the share of accepted items is ours (`objective`). In [0, 1 / (n - 1)]. Noise alone separates: equal
takers measure a little above 0.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from swarm_core import part_config
from swarm_core.objectives.objective import MeansObjective, Needs


class Separation(MeansObjective):
    """Higher the further takers lie apart."""

    needs: ClassVar[Needs] = Needs(takers=2)

    def value_of_means(self, means: Sequence[float]) -> float:
        """Mean gap of the sorted takers' means, [taker]. Raises ValueError for fewer than two takers."""
        if len(means) < 2:
            raise ValueError(f"{len(means)} takers: separation compares takers; give two or more")
        return (max(means) - min(means)) / (len(means) - 1)

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> "Separation":
        """Takes no config. Raises BadInputError for any."""
        part_config.check_fields("objective Separation", config)
        return cls()
