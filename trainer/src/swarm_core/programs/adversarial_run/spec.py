"""The AdversarialRun resource: generators and takers move against each other.

Invariant: every field of `AdversarialRunSpec` is in exactly one of `IDENTITY_FIELDS`, `FIXED_NON_IDENTITY_FIELDS` and
`MUTABLE_FIELDS`. Those that a SwarmRun has, too, mean the same there.
"""

from typing import ClassVar, Literal

from pydantic import Field

from swarm_core.api.base import BaseSpec
from swarm_core.api.block import Rule
from swarm_core.api.judging import VERIFIER, Gates, JudgeSpec
from swarm_core.api.lifecycle import AcceleratorBudget
from swarm_core.api.run import Run, RunSpec
from swarm_core.api.scalars import Integer, Line
from swarm_core.api.takers import Answering, Generation
from swarm_core.programs.adversarial_run.game import GameEvaluation, MovingGenerators, MovingTakers, PoolSpec, StopSpec
from swarm_core.programs.adversarial_run.status import AdversarialRunStatus

IDENTITY_FIELDS = (
    "seed", "base", "domain", "generators", "takers", "generation", "answering", "judge", "gates", "rounds", "pool",
    "stop", "evaluation",
)  # fmt: skip
FIXED_NON_IDENTITY_FIELDS = ("storage",)
MUTABLE_FIELDS = (
    "suspend", "stopAfter", "deadlineSeconds", "ttlSecondsAfterFinished", "deletionPolicy", "budget", "rerun",
    "execution",
)  # fmt: skip


class AdversarialRunSpec(RunSpec):
    """Who plays against whom, on what, and for how long."""

    budget: AcceleratorBudget = AcceleratorBudget()
    """What a run may hold; changes no result but where a game ends."""
    base: BaseSpec
    """The base model, of which generators and takers are adapters, so that one server answers for both."""
    domain: Line = "general knowledge"
    """What the data is about, in the words of the prompt."""
    generators: MovingGenerators
    """The side that writes: it seeks items that the takers fail on."""
    takers: MovingTakers
    """The side that answers: it seeks to withstand them."""
    generation: Generation = Generation()
    """How generators are asked for items."""
    answering: Answering = Answering()
    """How takers are asked for answers."""
    judge: JudgeSpec
    """Who scores answers."""
    gates: Gates = ()
    """What items must pass before they count, after the gates that every run has, in this order."""
    rounds: Integer = Field(10, ge=1, le=1000)
    """Rounds after the first, which measures both sides as they start; in each, generators move, then takers."""
    pool: PoolSpec = PoolSpec()
    """The items that takers are measured on."""
    stop: StopSpec = StopSpec()
    """When the game ends before its last round."""
    evaluation: GameEvaluation = GameEvaluation()
    """How both sides are measured."""

    rules: ClassVar[tuple[Rule["AdversarialRunSpec"], ...]] = (
        Rule(
            "self.judge.type == 'Verifier'",
            "takers learn from answers that the judge knows, and a model knows none; set type to Verifier",
            "judge",
            lambda it: it.judge.type == VERIFIER,
            lambda _: ("judge", "type"),
        ),
        Rule(
            "!has(self.stop.patience) || self.stop.patience <= self.rounds",
            "patience is longer than the game, so it can never end it; lower it, or remove it",
            "stop",
            lambda it: it.stop.patience is None or it.stop.patience <= it.rounds,
            lambda _: ("stop", "patience"),
        ),
    )


class AdversarialRun(Run):
    """A game of two swarms of LoRA adapters of one base: generators of test items against the takers of those tests."""

    kind: Literal["AdversarialRun"]
    """Kind of this resource."""
    spec: AdversarialRunSpec
    """Who plays against whom, on what, and for how long."""
    status: AdversarialRunStatus | None = None
    """How far the run is; written by whoever runs it."""
