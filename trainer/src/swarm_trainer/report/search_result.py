"""The verdict: the generator found against those the search began with, on fresh data.

`Fresh` means drawn after every choice was made, from seeds the search never used; nothing is selected on it but the
best initial generator, and that selection favours the initial side. The gain reported is therefore not flattered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swarm_core.objectives.objective import Measurement
from swarm_core.optimizers.positions import Position
from swarm_core.recipe import ModelName
from swarm_core.rollout import Rollout, RolloutTotals


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class EvaluatedGenerator:
    """A generator in the final evaluation."""

    name: str
    position: Position
    """Coefficients over the initial adapters."""
    model: ModelName
    search_value: float | None
    """What the search believed of it."""
    fresh: Measurement
    rollouts: tuple[Rollout, ...]
    """One per final seed."""
    groups: int = 1
    """Blocks of coefficients in `position`: one for all tensors, or one for each layer."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What the run found."""

    objective: str
    best: EvaluatedGenerator
    initials: tuple[EvaluatedGenerator, ...]
    gain: Interval
    """Fresh value of the best minus that of the best initial generator."""
    counts: RolloutTotals
    """Over every rollout of the run."""
    stop: str
    """Why the search ended."""
    passed_over: tuple[str, ...] = ()
    """The generators ranked before `best` that fresh items could not measure: too many scores were missing."""

    @property
    def initial(self) -> EvaluatedGenerator:
        """The initial generator that does best on fresh data."""
        return select_best(self.initials)


def select_best(contenders: Sequence[EvaluatedGenerator]) -> EvaluatedGenerator:
    """The highest on fresh data; the first of equals."""
    return max(contenders, key=lambda contender: contender.fresh.value)
