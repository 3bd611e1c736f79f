"""What an AdversarialRun has beside the blocks of a SwarmRun: two moving sides, the pool between them, when it ends."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.block import Block, Rule, RuleReason, union_member_rule
from swarm_core.api.evaluation import FinalMeasurement
from swarm_core.api.generators import Generators, SeedDataSource
from swarm_core.api.scalars import Integer, Number, to_integer
from swarm_core.api.swarm import Compat, PublishedSpec, RuleName, StandardSpec

RoundCount = Annotated[int, Strict(), Field(ge=1, le=1000), BeforeValidator(to_integer)]


class BestsPolicy(StrEnum):
    """What becomes of personal bests when the other side has moved."""

    RESCORE = "Rescore"
    DECAY = "Decay"
    STALE = "Stale"


class Decay(Block):
    """How old scores fade."""

    factor: Number = Field(0.8, gt=0, lt=1)
    """What a score is multiplied by in every round that it is old."""


class Movement(Block):
    """How one side moves."""

    particles: Integer = Field(8, ge=2, le=64)
    """Points that move."""
    rule: RuleName = RuleName.STANDARD
    """Standard holds up when fitness is noisy; Published is the rule of the Data Swarms paper."""
    bests: BestsPolicy | None = None
    """Rescore, the default, measures every personal best again in each round; Decay fades them; Stale keeps them."""
    decay: Decay | None = None
    """Options of Decay."""
    standard: StandardSpec | None = None
    """Constants of the Standard rule; with bests Rescore, remeasured has no effect."""
    published: PublishedSpec | None = None
    """Constants of the Published rule; with compat Reference, bests are Stale unless said otherwise."""

    rules: ClassVar[tuple[Rule["Movement"], ...]] = (
        union_member_rule("standard", "rule", RuleName.STANDARD),
        union_member_rule("published", "rule", RuleName.PUBLISHED),
        Rule(
            "!has(self.decay) || (has(self.bests) && self.bests == 'Decay')",
            "decay belongs to bests Decay; remove it, or set bests to Decay",
            "decay",
            lambda it: it.decay is None or it.bests is BestsPolicy.DECAY,
            reason=RuleReason.FORBIDDEN,
        ),
    )

    @property
    def reference(self) -> bool:
        """Whether it goes wrong where the released code does."""
        return self.published is not None and self.published.compat is Compat.REFERENCE


class Opponents(Block):
    """The takers that generators are measured against."""

    leading: Integer = Field(4, ge=1, le=16)
    """How many of the takers' present best; the initial ones in the first round."""
    league: Integer = Field(0, ge=0, le=16)
    """How many more, drawn from the best of earlier rounds: beating the present ones alone may go in circles."""


class MovingGenerators(Generators):
    """The generators, and how they move."""

    swarm: Movement = Movement()
    """How they move."""
    opponents: Opponents = Opponents()
    """The takers that they are measured against."""


class LearningType(StrEnum):
    """The ways in which takers learn."""

    SEARCH = "Search"
    TRAIN = "Train"


class RoundTraining(Block):
    """How one adapter more is fine-tuned in each round: from the best taker on, with the pool and its true answers."""

    epochs: Integer = Field(3, ge=1, le=1000)
    """Passes over the pool."""
    learning_rate: Number = Field(2e-4, gt=0, le=1)
    """Peak learning rate."""
    batch_size: Integer = Field(8, ge=1, le=4096)
    """Items in one step."""


class Learning(Block):
    """How takers learn."""

    type: LearningType = LearningType.SEARCH
    """Search moves among the takers' adapters; Train adds an adapter trained on the pool in every round as well."""
    train: RoundTraining | None = None
    """Options of Train."""

    rules: ClassVar[tuple[Rule["Learning"], ...]] = (union_member_rule("train", "type", LearningType.TRAIN),)


class MovingTakers(Generators):
    """The takers that move, and how they learn."""

    data: SeedDataSource
    """Questions that takers start from, one adapter per cluster; those held out tell whether they improve."""
    swarm: Movement = Movement()
    """How they move."""
    learning: Learning = Learning()
    """How they learn."""

    rules: ClassVar[tuple[Rule[Any], ...]] = (
        *Generators.rules,
        Rule(
            "self.data.heldOut > 0.0",
            "the takers' held-out items tell whether they improve; set data.heldOut above 0",
            "data",
            lambda it: it.data.held_out > 0,
            lambda _: ("data", "heldOut"),
        ),
        Rule(
            "self.learning.type == 'Search' || !has(self.swarm.published) || self.swarm.published.compat == 'Intended'",
            "the released code trains no takers; set learning.type to Search, or compat to Intended",
            "learning",
            lambda it: it.learning.type is LearningType.SEARCH or not it.swarm.reference,
        ),
    )


class PoolSpec(Block):
    """The items that takers are measured on."""

    size: Integer = Field(200, ge=4, le=10_000)
    """Items in it; the first are seed items of the generators."""
    turnover: Number = Field(0.2, gt=0, le=1)
    """Probability that an item gives way in a round."""
    archive: Integer = Field(200, ge=0, le=10_000)
    """Most items kept that the best taker got wrong, the newest first."""
    revisited: Number = Field(0.25, ge=0, le=1)
    """Share of the places of a round that archived items get."""


class StopSpec(Block):
    """When the game ends before its last round."""

    patience: RoundCount | None = None
    """Rounds without a better best of one side; absent, patience ends nothing."""
    mastered: Annotated[float, Strict(), Field(gt=0, le=1)] | None = None
    """Mean score of the best taker on the pool from which on there is nothing more to learn."""
    unanswered: Annotated[float, Strict(), Field(gt=0, le=1)] | None = None
    """Difficulty of the best generator from which on there is nothing harder to write."""


class GameEvaluation(Block):
    """How both sides are measured."""

    items: Integer = Field(40, ge=4, le=10_000)
    """Items asked of a generator in one measurement."""
    coverage: Number = Field(0.95, gt=0, le=1)
    """Least share of answers that must be scored; below it the measurement fails."""
    final: FinalMeasurement = FinalMeasurement()
    """The measurement that is reported, on items that no round has seen."""
