"""The result of a search: the best generator found, compared with the initial generators on fresh items.

Fresh items are drawn after all choices were made, from seeds that the search never used. The only selection on fresh
items is that of the best initial generator, and it favors the initial side. So the reported gain is not biased upward.
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
    """The search's estimate of its value; None if it has no score."""
    fresh: Measurement
    rollouts: tuple[Rollout, ...]
    """One rollout for each final seed."""
    groups: int = 1
    """The number of blocks of coefficients in `position`: one for all tensors, or one for each layer."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of the final evaluation."""

    objective: str
    best: EvaluatedGenerator
    initials: tuple[EvaluatedGenerator, ...]
    gain: Interval
    """The value of the best generator minus that of the best initial one, on fresh items."""
    counts: RolloutTotals
    """The totals over all rollouts of the run."""
    stop: str
    """The reason why the search ended."""
    passed_over: tuple[str, ...] = ()
    """The generators ranked above `best` that could not be measured on fresh items: too many scores were missing."""

    @property
    def initial(self) -> EvaluatedGenerator:
        """The initial generator with the highest value on fresh items."""
        return select_best(self.initials)


def select_best(contenders: Sequence[EvaluatedGenerator]) -> EvaluatedGenerator:
    """Return the generator with the highest value on fresh items; the first one if several are equal."""
    return max(contenders, key=lambda contender: contender.fresh.value)
