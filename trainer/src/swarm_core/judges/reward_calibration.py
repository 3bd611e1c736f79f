"""Maps the raw output of a reward model to a score in [0, 1], as the spec declares.

A reward has no scale of its own: models are trained to order answers, so -3 may be a good answer and 7 a bad one. So
every run declares what its rewards mean:

    Sigmoid      1 / (1 + e^-((reward - center) / scale))
    Range        (reward - low) / (high - low), at least 0 and at most 1
    Quantiles    the share of known rewards below the reward, by linear interpolation between their quantiles

No map ever lowers the score of a higher reward. `dataswarm calibrate` compares the scores with gold answers.
"""

from bisect import bisect_left
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from swarm_core.blocks.block import Block, Rule, union_member_rule
from swarm_core.blocks.scalars import Number
from swarm_core.portable_math import sigmoid


class CalibrationType(StrEnum):
    """The maps from rewards to scores."""

    SIGMOID = "Sigmoid"
    RANGE = "Range"
    QUANTILES = "Quantiles"


class SigmoidCalibration(Block):
    """A score of 1 / (1 + e^-((reward - center) / scale))."""

    center: Number = 0.0
    """Reward whose score is 0.5."""
    scale: Number = Field(1.0, gt=0)
    """Difference of rewards over which the score goes from 0.5 to 0.73."""


class RangeCalibration(Block):
    """A score that rises evenly from low to high."""

    low: Number
    """Reward whose score is 0, as is that of every lower one."""
    high: Number
    """Reward whose score is 1, as is that of every higher one."""

    rules: ClassVar[tuple[Rule["RangeCalibration"], ...]] = (
        Rule("self.low < self.high", "low must be below high; raise high", "high", lambda it: it.low < it.high),
    )


class QuantilesCalibration(Block):
    """A score that is the share of known rewards below a reward."""

    rewards: Annotated[tuple[Number, ...], Field(min_length=2, max_length=101)]
    """Quantiles of known rewards at even steps: the lowest has score 0, and the highest has score 1. Their order does
    not matter."""


class RewardCalibration(Block):
    """The map from rewards to scores."""

    type: CalibrationType
    """Type of the map: Sigmoid, Range or Quantiles."""
    sigmoid: SigmoidCalibration | None = None
    """Settings of type Sigmoid."""
    range: RangeCalibration | None = None
    """Settings of type Range."""
    quantiles: QuantilesCalibration | None = None
    """Settings of type Quantiles."""

    rules: ClassVar[tuple[Rule["RewardCalibration"], ...]] = (
        union_member_rule("sigmoid", "type", CalibrationType.SIGMOID, required=True),
        union_member_rule("range", "type", CalibrationType.RANGE, required=True),
        union_member_rule("quantiles", "type", CalibrationType.QUANTILES, required=True),
    )

    def find_score(self, reward: float) -> float:
        """Return the score of a finite reward, in [0, 1]."""
        if self.sigmoid is not None:
            return sigmoid((reward - self.sigmoid.center) / self.sigmoid.scale)
        if self.range is not None:
            return min(1.0, max(0.0, (reward - self.range.low) / (self.range.high - self.range.low)))
        assert self.quantiles is not None  # a rule of this block
        return find_share(reward, sorted(self.quantiles.rewards))


def find_share(reward: float, quantiles: Sequence[float]) -> float:
    """Return the share of rewards below `reward`. `quantiles`: ascending, at even steps of the share from 0 to 1."""
    place = bisect_left(quantiles, reward)
    if place == 0:
        return 0.0
    if place == len(quantiles):
        return 1.0
    low, high = quantiles[place - 1], quantiles[place]
    return (place - 1 + (reward - low) / (high - low)) / (len(quantiles) - 1)
