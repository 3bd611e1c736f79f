"""The SwarmRun resource, and which fields of its spec are the experiment.

Invariant: every field of `SwarmRunSpec` is in exactly one of `IDENTITY_FIELDS`, `FIXED_NON_IDENTITY_FIELDS` and
`MUTABLE_FIELDS`.
"""

from collections import Counter
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from swarm_core.api.base import BaseSpec
from swarm_core.api.block import Rule
from swarm_core.api.evaluation import Evaluation
from swarm_core.api.generators import Generators
from swarm_core.api.judging import SEPARATION, Gates, JudgeSpec, ObjectiveSpec
from swarm_core.api.lifecycle import Budget
from swarm_core.api.resuming import ResumeFrom
from swarm_core.api.run import Run, RunSpec
from swarm_core.api.scalars import Line
from swarm_core.api.swarm import SwarmSpec
from swarm_core.api.takers import Answering, Generation, Taker
from swarm_core.programs.swarm_run.status import SwarmRunStatus

IDENTITY_FIELDS = (
    "seed", "base", "generators", "domain", "takers", "generation", "answering", "judge", "gates", "objective",
    "swarm", "evaluation",
)  # fmt: skip
"""The fields that make the experiment what it is: digested, and fixed once created."""
FIXED_NON_IDENTITY_FIELDS = ("storage", "resumeFrom")
"""Not digested, and still fixed: they say where the run is, and what it began with."""
MUTABLE_FIELDS = (
    "suspend", "stopAfter", "deadlineSeconds", "ttlSecondsAfterFinished", "deletionPolicy", "budget", "rerun",
    "execution",
)  # fmt: skip
"""Neither digested nor fixed."""


class SwarmRunSpec(RunSpec):
    """What is searched for, and how."""

    budget: Budget = Budget()
    """What a run may use; changes no result but where a search ends."""
    base: BaseSpec
    """The base model: what every generator, and every taker that names no other, is an adapter of."""
    generators: Generators
    """The generators that the swarm moves, and the seed data they come from."""
    domain: Line = "general knowledge"
    """What the data is about, in the words of the prompt."""
    takers: Annotated[tuple[Taker, ...], Field(min_length=1, max_length=16)]
    """The models that take the generated tests."""
    generation: Generation = Generation()
    """How generators are asked for items."""
    answering: Answering = Answering()
    """How takers are asked for answers."""
    judge: JudgeSpec
    """Who scores answers."""
    gates: Gates = ()
    """What items must pass before they count, after the gates that every run has, in this order."""
    objective: ObjectiveSpec
    """What makes generated data good."""
    swarm: SwarmSpec = SwarmSpec()
    """The search over weighted sums of the generators."""
    evaluation: Evaluation = Evaluation()
    """How generators are measured."""
    resume_from: ResumeFrom | None = None
    """Another run whose generators and first iterations this one takes over; absent, it starts anew."""

    rules: ClassVar[tuple[Rule["SwarmRunSpec"], ...]] = (
        Rule(
            "self.takers.all(a, self.takers.exists_one(b, a.name == b.name))",
            "the name is taken twice; names of takers must differ",
            "takers",
            lambda it: not _list_repeated_takers(it),
            lambda it: ("takers", _list_repeated_takers(it)[0], "name"),
        ),
        Rule(
            "self.objective.type != 'Separation' || self.takers.size() >= 2",
            "objective Separation compares takers; list two or more, or use Difficulty",
            "takers",
            lambda it: it.objective.type != SEPARATION or len(it.takers) >= 2,
        ),
    )


def _list_repeated_takers(spec: SwarmRunSpec) -> list[int]:
    """Indices of takers whose name came before."""
    seen: Counter[str] = Counter()
    repeated = []
    for index, taker in enumerate(spec.takers):
        if seen[taker.name]:
            repeated.append(index)
        seen[taker.name] += 1
    return repeated


class SwarmRun(Run):
    """A search for generators of synthetic data: a swarm of LoRA adapters of one base model, scored by test takers."""

    kind: Literal["SwarmRun"]
    """Kind of this resource."""
    spec: SwarmRunSpec
    """What is searched for, and how."""
    status: SwarmRunStatus | None = None
    """How far the run is; written by whoever runs it."""
