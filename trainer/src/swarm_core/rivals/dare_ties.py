"""DARE-TIES of the initial adapters, which needs no search.

DARE (arXiv 2311.03099) drops each number with probability 1 - density and divides the others by the density. TIES
(arXiv 2306.01708) elects for each place the sign of the sum, and averages the numbers that have this sign. Each factor
A and B of each layer is a tensor of its own, as in peft's `add_weighted_adapter` with combination type `dare_ties`,
whose function for one tensor is used (`peft.utils.merge_utils.dare_ties`). All adapters have weight 1.
"""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from swarm_core.blocks.scalars import Number
from swarm_core.blocks.settings import Settings


class DareTiesSettings(Settings):
    """The share of numbers that DARE keeps."""

    density: Number = Field(0.5, gt=0, le=1)
    """Share of the numbers of each adapter that are kept. With 1, none is dropped, and the signs alone decide."""


@dataclass(frozen=True, slots=True)
class DareTies:
    """The DARE-TIES merge of the initial generators."""

    revision: ClassVar[int] = 1
    trainer: ClassVar[str] = "swarm_trainer.rivals.dare_ties:carry_out"
    spends_budget: ClassVar[bool] = False
    settings: ClassVar[type[DareTiesSettings]] = DareTiesSettings

    density: float = 0.5

    @classmethod
    def from_settings(cls, settings: DareTiesSettings) -> "DareTies":
        return cls(settings.density)
