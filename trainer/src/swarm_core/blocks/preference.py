"""The settings of preference training: which loss, and how long and how fast an adapter learns.

The trainer's half is `lora/preference`.
"""

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from swarm_core.blocks.block import Block, Rule, union_member_rule
from swarm_core.blocks.scalars import Flag, Integer, Number


class PreferenceLossType(StrEnum):
    """The losses of preference training."""

    DPO = "Dpo"
    DPO_NLL = "DpoNll"
    DPO_MARGIN = "DpoMargin"


class LikelihoodTerm(Block):
    """The term that keeps preferred texts likely."""

    weight: Number = Field(1.0, gt=0, le=1000)
    """Factor of the negative log-likelihood of the preferred text, per token."""


class ScoreMargin(Block):
    """The margin that a pair's scores ask for."""

    scale: Number = Field(1.0, gt=0, le=1000)
    """Factor of the difference of the two scores."""


class PreferenceTraining(Block):
    """The training of an adapter on pairs of a preferred and a rejected text, by DPO."""

    loss: PreferenceLossType = PreferenceLossType.DPO
    """Loss: Dpo, DpoNll, which adds the likelihood of the preferred text, or DpoMargin, which asks for a larger
    preference where the scores differ more."""
    dpo_nll: LikelihoodTerm | None = None
    """Settings of loss DpoNll."""
    dpo_margin: ScoreMargin | None = None
    """Settings of loss DpoMargin."""
    beta: Number = Field(0.1, gt=0, le=100)
    """Strength of the bond to the adapter that the training starts from. A larger beta keeps the result closer to it.
    """
    epochs: Integer = Field(1, ge=1, le=1000)
    """Number of passes over the pairs."""
    learning_rate: Number = Field(2e-5, gt=0, le=1)
    """Peak learning rate."""
    warmup_ratio: Number = Field(0.1, ge=0, le=1)
    """Share of the steps during which the learning rate rises to its peak."""
    max_length: Integer = Field(1024, ge=16, le=1_048_576)
    """Maximum length of a prompt with one of its texts, in tokens."""
    batch_size: Integer = Field(8, ge=1, le=4096)
    """Number of pairs per forward pass, which reads both texts of each."""
    gradient_accumulation: Integer = Field(1, ge=1, le=4096)
    """Number of forward passes per optimizer step."""
    gradient_checkpointing: Flag = False
    """Whether the backward pass recomputes activations. This saves memory and costs time."""

    rules: ClassVar[tuple[Rule[Any], ...]] = (
        union_member_rule("dpo_nll", "loss", PreferenceLossType.DPO_NLL),
        union_member_rule("dpo_margin", "loss", PreferenceLossType.DPO_MARGIN),
    )

    @property
    def likelihood(self) -> float:
        """The factor of the negative log-likelihood; 0 if the loss has none."""
        return (self.dpo_nll or LikelihoodTerm()).weight if self.loss is PreferenceLossType.DPO_NLL else 0.0

    @property
    def margin(self) -> float:
        """The factor of the difference of the scores; 0 if the loss has none."""
        return (self.dpo_margin or ScoreMargin()).scale if self.loss is PreferenceLossType.DPO_MARGIN else 0.0
