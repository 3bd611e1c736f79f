"""Separation: the distance between the takers' mean scores.

    Gaps       (max_m a_m - min_m a_m) / (n - 1)      a_m the mean score of taker m of n
    Deviation  mean_m |a_m - mean_m a_m|

Both are multiplied by accepted / asked, an addition of dataswarm (`objective`). `Gaps` is the mean gap between
neighbors of the sorted means, which is a telescoping sum. Source: the released code of Data Swarms (arXiv 2506.00741),
objective "separation"; its range is [0, 1 / (n - 1)]. `Deviation` is the separability of AutoBencher (arXiv
2407.08351); its range is [0, 1/2].

Limits: noise alone gives a value slightly above 0 for equal takers. `Gaps` sees the best and the worst taker alone.
"""

from collections.abc import Sequence
from enum import StrEnum
from math import fsum
from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.objectives.objective import MeansObjective, Needs


class SeparationForm(StrEnum):
    """The measures of distance."""

    GAPS = "Gaps"
    DEVIATION = "Deviation"


class SeparationSettings(Settings):
    """The measure of distance."""

    form: SeparationForm = SeparationForm.GAPS
    """Measure of distance: Gaps is the mean gap between neighbors of the sorted means, Deviation is the mean absolute
    deviation from the mean of all takers."""


class Separation(MeansObjective):
    """The objective that rises with the distance between the takers' mean scores."""

    needs: ClassVar[Needs] = Needs(takers=2)
    settings: ClassVar[type[Settings]] = SeparationSettings

    def __init__(self, form: SeparationForm = SeparationForm.GAPS) -> None:
        self.form = form

    @classmethod
    def from_settings(cls, settings: Settings) -> "Separation":
        assert isinstance(settings, SeparationSettings)
        return cls(settings.form)

    def value_of_means(self, means: Sequence[float]) -> float:
        """Return the distance between the takers' means, [taker]. Raises ValueError for fewer than two takers."""
        if len(means) < 2:
            raise ValueError(f"{len(means)} takers: separation compares takers; give two or more")
        if self.form is SeparationForm.GAPS:
            return (max(means) - min(means)) / (len(means) - 1)
        center = fsum(means) / len(means)
        return fsum(abs(mean - center) for mean in means) / len(means)
