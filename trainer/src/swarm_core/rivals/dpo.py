"""DPO on the objective: the best initial generator learns from its own lists which of them the objective prefers.

It writes several lists for each prompt, within the budget of the search. Of each prompt, the best and the worst list
are a pair (`list_pairs`). Direct preference optimization (Rafailov et al. 2023, arXiv 2305.18290) trains its adapter on
the pairs. In each further round, the trained adapter writes the lists, and training goes on from it, as in iterative
DPO (Xu et al. 2023, arXiv 2312.16682).

Limits: the budget counts items, answers and tokens. The training itself costs none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from swarm_core.blocks.preference import PreferenceTraining
from swarm_core.blocks.scalars import Integer, Number
from swarm_core.blocks.settings import Settings


class DpoSettings(Settings):
    """The rounds, the pairs and the training."""

    rounds: Integer = Field(2, ge=1, le=16)
    """Number of rounds. Each spends an equal share of the budget, and trains once."""
    lists_per_prompt: Integer = Field(4, ge=2, le=64)
    """Number of lists that are written for each prompt. The best and the worst of them are a pair."""
    minimum_gap: Number = Field(0.1, ge=0, le=1000)
    """Minimum difference of the values of the two lists of a pair, in units of the objective."""
    training: PreferenceTraining = PreferenceTraining()
    """Training on the pairs of a round."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {},
        {"training": {"loss": "DpoNll", "dpoNll": {}}},
        {"training": {"loss": "DpoMargin", "dpoMargin": {}}},
    )
    counterexamples: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        rule.message: {"training": {rule.field: {}}} for rule in PreferenceTraining.rules
    }


@dataclass(frozen=True, slots=True)
class Dpo:
    """The best initial generator, trained by DPO on which of its own lists the objective prefers."""

    revision: ClassVar[int] = 1
    trainer: ClassVar[str] = "swarm_trainer.rivals.dpo:carry_out"
    spends_budget: ClassVar[bool] = True
    settings: ClassVar[type[DpoSettings]] = DpoSettings

    config: DpoSettings

    @classmethod
    def from_settings(cls, settings: DpoSettings) -> "Dpo":
        return cls(settings)
