"""The AdversarialRun resource: generators and takers move against each other.

Invariant: every field of `AdversarialRunSpec` is in exactly one of `IDENTITY_FIELDS`, `FIXED_NON_IDENTITY_FIELDS` and
`MUTABLE_FIELDS`. A field that a SwarmRun has, too, has the same meaning there.
"""

from typing import ClassVar, Literal

from pydantic import Field

from swarm_core.api.base import BaseSpec
from swarm_core.api.judging import GATES_RULE, VERIFIER, GatesField, JudgeSpec
from swarm_core.api.lifecycle import AcceleratorBudget
from swarm_core.api.prompt_texts import Prompts, build_answering_rule, build_generation_rule
from swarm_core.api.run import Run, RunSpec
from swarm_core.api.takers import Answering, Generation
from swarm_core.blocks.block import Rule
from swarm_core.blocks.scalars import Integer, Line
from swarm_core.programs.adversarial_run.game import GameEvaluation, MovingGenerators, MovingTakers, PoolSpec, StopSpec
from swarm_core.programs.adversarial_run.status import AdversarialRunStatus
from swarm_core.text.item_formats import ItemFormat

IDENTITY_FIELDS = (
    "seed", "base", "domain", "generators", "takers", "generation", "answering", "prompts", "judge", "gates", "rounds",
    "pool", "stop", "evaluation",
)  # fmt: skip
FIXED_NON_IDENTITY_FIELDS = ("storage",)
MUTABLE_FIELDS = (
    "suspend", "stopAfter", "deadlineSeconds", "ttlSecondsAfterFinished", "deletionPolicy", "budget", "rerun",
    "execution",
)  # fmt: skip


class AdversarialRunSpec(RunSpec):
    """The specification of a game between generators and takers."""

    budget: AcceleratorBudget = AcceleratorBudget()
    """Budget of the run. It can end a game early and changes no other result."""
    base: BaseSpec
    """The base model. Generators and takers are adapters of it, so one server can serve both."""
    domain: Line = "general knowledge"
    """Topic of the data, as the prompt names it."""
    generators: MovingGenerators
    """The side that writes items. It searches for items that the takers answer incorrectly."""
    takers: MovingTakers
    """The side that answers items. It searches for adapters that answer the items correctly."""
    generation: Generation = Generation()
    """Settings for asking generators for items."""
    answering: Answering = Answering()
    """Settings for asking takers for answers."""
    prompts: Prompts | None = None
    """Words of the prompts. If absent, those of base.template."""
    judge: JudgeSpec
    """The judge, which scores the answers of takers."""
    gates: GatesField = None
    rounds: Integer = Field(10, ge=1, le=1000)
    """Number of rounds after round 0, which measures both sides at their start. In each round, the generators move
    first and the takers second."""
    pool: PoolSpec = PoolSpec()
    """The pool: the items that takers are measured on."""
    stop: StopSpec = StopSpec()
    """Conditions that end the game before its last round."""
    evaluation: GameEvaluation = GameEvaluation()
    """Measurement of both sides."""

    rules: ClassVar[tuple[Rule["AdversarialRunSpec"], ...]] = (
        build_generation_rule(),
        build_answering_rule("false", lambda _: False),
        Rule(
            "self.generation.format == 'Questions'",
            "in a game the judge computes the answers, and takers that move cannot check any; set format to Questions",
            "generation",
            lambda it: it.generation.format is ItemFormat.QUESTIONS,
            lambda _: ("generation", "format"),
        ),
        Rule(
            "self.judge.type == 'Verifier'",
            "takers learn from correct answers, which only a verifier can compute; set type to Verifier",
            "judge",
            lambda it: it.judge.type == VERIFIER,
            lambda _: ("judge", "type"),
        ),
        Rule(
            "!has(self.stop.patience) || self.stop.patience <= self.rounds",
            "patience must be at most rounds, or it can never end the game; lower patience, or remove it",
            "stop",
            lambda it: it.stop.patience is None or it.stop.patience <= it.rounds,
            lambda _: ("stop", "patience"),
        ),
        GATES_RULE,
    )


class AdversarialRun(Run):
    """A game of two swarms of LoRA adapters of one base: generators of test items against the takers of those tests."""

    kind: Literal["AdversarialRun"]
    """Kind of this resource."""
    spec: AdversarialRunSpec
    """Specification of the game."""
    status: AdversarialRunStatus | None = None
    """Status of the run, as dataswarm reports it."""
