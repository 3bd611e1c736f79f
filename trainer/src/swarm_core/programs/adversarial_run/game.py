"""The blocks that only an AdversarialRun has: the movement of both sides, the pool of items, and the end of the
game."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.evaluation import FinalMeasurement
from swarm_core.api.generators import Generators, SeedDataSource
from swarm_core.api.swarm import Compat, PublishedSpec, RuleName, StandardSpec
from swarm_core.blocks.block import Block, Rule, RuleReason, union_member_rule
from swarm_core.blocks.scalars import Integer, Number, to_integer

RoundCount = Annotated[int, Strict(), Field(ge=1, le=1000), BeforeValidator(to_integer)]


class BestsPolicy(StrEnum):
    """What happens to personal bests after the other side has moved."""

    RESCORE = "Rescore"
    DECAY = "Decay"
    STALE = "Stale"


class Decay(Block):
    """The decay of old scores."""

    factor: Number = Field(0.8, gt=0, lt=1)
    """Factor by which an old score is multiplied in every round."""


class Movement(Block):
    """The movement of one side."""

    particles: Integer = Field(8, ge=2, le=64)
    """Number of particles."""
    rule: RuleName = RuleName.STANDARD
    """Rule for the movement: Standard is robust to noisy fitness, Published is the rule of the Data Swarms paper."""
    bests: BestsPolicy | None = None
    """What happens to personal bests after the other side has moved: Rescore measures them again in each round, Decay
    multiplies their scores by a factor, and Stale keeps them. If absent, Rescore, or Stale with compat Reference."""
    decay: Decay | None = None
    """Settings of bests Decay."""
    standard: StandardSpec | None = None
    """Constants of the Standard rule. With bests Rescore, remeasured has no effect."""
    published: PublishedSpec | None = None
    """Constants of the Published rule."""

    rules: ClassVar[tuple[Rule["Movement"], ...]] = (
        union_member_rule("standard", "rule", RuleName.STANDARD),
        union_member_rule("published", "rule", RuleName.PUBLISHED),
        Rule(
            "self.rule != 'MultiObjective'",
            "rule MultiObjective searches for a front, and a game has one objective for each side; choose rule Standard"
            " or Published",
            "rule",
            lambda it: it.rule is not RuleName.MULTI_OBJECTIVE,
        ),
        Rule(
            "!has(self.decay) || (has(self.bests) && self.bests == 'Decay')",
            "decay belongs to bests Decay; remove decay, or set bests to Decay",
            "decay",
            lambda it: it.decay is None or it.bests is BestsPolicy.DECAY,
            reason=RuleReason.FORBIDDEN,
        ),
    )

    @property
    def reference(self) -> bool:
        """Whether the movement reproduces the bugs of the released code."""
        return self.published is not None and self.published.compat is Compat.REFERENCE


class Opponents(Block):
    """The opponents of the generators: the takers that measure them."""

    leading: Integer = Field(4, ge=1, le=16)
    """Number of the currently best takers. In the first round, the initial takers."""
    league: Integer = Field(0, ge=0, le=16)
    """Number of additional takers, drawn from the best of earlier rounds. Without them, a game may cycle."""


class MovingGenerators(Generators):
    """The generators and their movement."""

    swarm: Movement = Movement()
    """Movement of the generators."""
    opponents: Opponents = Opponents()
    """Takers that measure the generators."""


class LearningType(StrEnum):
    """The ways in which takers learn."""

    SEARCH = "Search"
    TRAIN = "Train"


class RoundTraining(Block):
    """The fine-tuning of one additional adapter per round.

    It starts from the best taker and trains on the pool with its correct answers.
    """

    epochs: Integer = Field(3, ge=1, le=1000)
    """Number of passes over the pool."""
    learning_rate: Number = Field(2e-4, gt=0, le=1)
    """Peak learning rate."""
    batch_size: Integer = Field(8, ge=1, le=4096)
    """Number of items per training step."""


class Learning(Block):
    """The learning of takers."""

    type: LearningType = LearningType.SEARCH
    """How takers learn: Search moves among the takers' adapters, Train also adds an adapter in every round that is
    trained on the pool."""
    train: RoundTraining | None = None
    """Settings of type Train."""

    rules: ClassVar[tuple[Rule["Learning"], ...]] = (union_member_rule("train", "type", LearningType.TRAIN),)


class MovingTakers(Generators):
    """The takers, their movement and their learning."""

    data: SeedDataSource
    """Seed data of the takers. Each cluster trains one adapter, and the held-out items show whether the takers improve.
    """
    swarm: Movement = Movement()
    """Movement of the takers."""
    learning: Learning = Learning()
    """Learning of the takers."""

    rules: ClassVar[tuple[Rule[Any], ...]] = (
        *Generators.rules,
        Rule(
            "self.data.heldOut > 0.0",
            "the takers' held-out items show whether they improve; set data.heldOut above 0",
            "data",
            lambda it: it.data.held_out > 0,
            lambda _: ("data", "heldOut"),
        ),
        Rule(
            "self.learning.type == 'Search' || !has(self.swarm.published) || self.swarm.published.compat == 'Intended'",
            "the released code does not train takers; set learning.type to Search, or compat to Intended",
            "learning",
            lambda it: it.learning.type is LearningType.SEARCH or not it.swarm.reference,
        ),
    )


class PoolSpec(Block):
    """The pool: the items that takers are measured on."""

    size: Integer = Field(200, ge=4, le=10_000)
    """Number of items in the pool. The first pool consists of seed items of the generators."""
    turnover: Number = Field(0.2, gt=0, le=1)
    """Probability that an item is replaced in a round."""
    archive: Integer = Field(200, ge=0, le=10_000)
    """Maximum number of items in the archive. It keeps the newest items that the best taker answered incorrectly."""
    revisited: Number = Field(0.25, ge=0, le=1)
    """Share of the replaced items of a round that come from the archive."""


class StopSpec(Block):
    """The conditions that end the game before its last round."""

    patience: RoundCount | None = None
    """Number of rounds without improvement of one side after which the game ends. If absent, there is no such limit."""
    mastered: Annotated[float, Strict(), Field(gt=0, le=1)] | None = None
    """Mean score of the best taker on the pool at which the game ends."""
    unanswered: Annotated[float, Strict(), Field(gt=0, le=1)] | None = None
    """Difficulty of the best generator at which the game ends."""


class GameEvaluation(Block):
    """The measurement of both sides."""

    items: Integer = Field(40, ge=4, le=10_000)
    """Number of items requested from a generator in one measurement."""
    coverage: Number = Field(0.95, gt=0, le=1)
    """Minimum share of answers that must be scored. Below it, the measurement fails. One answer may always be missing,
    unless the share is 1."""
    final: FinalMeasurement = FinalMeasurement()
    """Measurement that results report, on items that no round has used."""
