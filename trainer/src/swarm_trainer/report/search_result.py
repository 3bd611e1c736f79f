"""The result of a search: the best generator found, compared with the initial generators on fresh items.

Fresh items are drawn after all choices were made, from seeds that the search never used. Nothing is selected on them:
the best generator and the baseline, which is an initial generator, are chosen before. So the reported gain is not
biased by selection.
"""

from dataclasses import dataclass

from swarm_core.objectives.objective import Measurement
from swarm_core.objectives.verdict import Verdict, judge_difference
from swarm_core.optimizers.positions import Position
from swarm_core.recipe import ModelName
from swarm_core.rollout import Rollout, RolloutTotals


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """What the interval says about a difference."""
        return judge_difference(self.low, self.high)


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
    initial: EvaluatedGenerator
    """The baseline: the initial generator that was the best before fresh items were drawn."""
    initials: tuple[EvaluatedGenerator, ...]
    gain: Interval
    """The value of the best generator minus that of the baseline, on fresh items; exactly 0 if they are the same."""
    counts: RolloutTotals
    """The totals over all rollouts of the run."""
    stop: str
    """The reason why the search ended."""
    passed_over: tuple[str, ...] = ()
    """The generators ranked above `best` that could not be measured on fresh items: too many scores were missing."""
