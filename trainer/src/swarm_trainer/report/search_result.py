"""The result of a search: the best generator found, compared with the initial generators on fresh items.

Fresh items are drawn after all choices were made, from seeds that the search never used. Nothing is selected on them:
the best generator and the baseline, which is an initial generator, are chosen before. So the reported gain is not
biased by selection.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from swarm_core.commit import MeasuredValues
from swarm_core.composition import Statistics
from swarm_core.objectives.objective import Measurement
from swarm_core.objectives.verdict import Verdict, judge_difference
from swarm_core.optimizers.positions import Position
from swarm_core.recipe import ModelName
from swarm_core.rollout import Rollout, RolloutTotals
from swarm_trainer.report.supplement import Supplement


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
    values: MeasuredValues = ()
    """The values that a weighted sum adds, by name; empty if one objective is reported."""
    groups: int = 1
    """The number of blocks of coefficients in `position`: one for all tensors, or one for each layer."""

    @property
    def measurements(self) -> dict[str, Measurement]:
        """The values that a weighted sum adds, all of which were measured, by name."""
        return {name: value for name, value in self.values if isinstance(value, Measurement)}


class FloorVerdict(StrEnum):
    """What fresh items say about the floor of a value."""

    MET = "Met"
    """The interval lies at or above the floor."""
    MISSED = "Missed"
    """The interval lies below the floor."""
    NOT_RESOLVED = "NotResolved"
    """The interval contains values on both sides."""


def judge_floor(at_least: float | None, found: Measurement) -> FloorVerdict | None:
    """Return whether a value meets its floor; None without a floor."""
    if at_least is None:
        return None
    if found.low >= at_least:
        return FloorVerdict.MET
    return FloorVerdict.MISSED if found.high < at_least else FloorVerdict.NOT_RESOLVED


@dataclass(frozen=True, slots=True)
class TermResult:
    """One term of a weighted sum in the final evaluation."""

    name: str
    weight: float
    at_least: float | None
    """The floor; None if every value is acceptable."""
    best: Measurement
    """The value of the best generator."""
    initial: Measurement
    """The value of the baseline."""
    gain: Interval
    """The difference between these values, neither scaled nor weighted."""

    @property
    def floor_verdict(self) -> FloorVerdict | None:
        """Whether the best generator meets the floor; None without a floor."""
        return judge_floor(self.at_least, self.best)


@dataclass(frozen=True, slots=True)
class FrontTerm:
    """One objective of a generator of a front, against the initial generator that was best in it before."""

    name: str
    at_least: float | None
    """The floor; None if every value is acceptable."""
    found: Measurement
    """The value of the generator."""
    baseline: str
    """The name of the initial generator that had the highest value of this objective in the choice."""
    initial: Measurement
    """The value of that initial generator."""
    gain: Interval
    """The difference between these values."""

    @property
    def floor_verdict(self) -> FloorVerdict | None:
        """Whether the generator meets the floor; None without a floor."""
        return judge_floor(self.at_least, self.found)


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """One generator of a front that was measured on fresh items."""

    is_knee: bool
    """Whether it is the knee of the front."""
    ends: tuple[str, ...]
    """The objectives that it was the best in: those of which it is the end of the front."""
    generator: EvaluatedGenerator
    terms: tuple[FrontTerm, ...]
    """Its values, in the order of the spec."""


@dataclass(frozen=True, slots=True)
class FrontResult:
    """The front of several objectives on fresh items: its knee and its ends, all chosen before."""

    points: tuple[FrontPoint, ...]
    """The knee first, then the other ends in the order of the objectives."""
    hypervolume: float
    """The hypervolume of these generators."""
    initial: float
    """The hypervolume of the knee and the ends of the initial generators, chosen in the same way."""
    gain: Interval
    """The difference between the hypervolumes."""
    units: tuple[tuple[str, float, float], ...]
    """The name, the lowest acceptable value, and the unit of each objective, which scale the hypervolumes."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of the final evaluation."""

    objective: str
    best: EvaluatedGenerator
    initial: EvaluatedGenerator
    """The baseline: the initial generator that was the best before fresh items were drawn."""
    initials: tuple[EvaluatedGenerator, ...]
    gain: Interval
    """The value of the best generator minus that of the baseline, on fresh items; exactly 0 if they are the same. Of a
    front, the difference of the hypervolumes."""
    counts: RolloutTotals
    """The totals over all rollouts of the search, its choice and its final evaluation."""
    stop: str
    """The reason why the search ended."""
    terms: tuple[TermResult, ...] = ()
    """The terms of a weighted sum, in the order of the spec; empty if one objective is maximized."""
    start: Statistics = field(default_factory=dict)
    """The statistics of the first iteration that values are normalized by; empty if they are not."""
    passed_over: tuple[str, ...] = ()
    """The generators ranked above `best` that could not be measured on fresh items: too many scores were missing."""
    front: FrontResult | None = None
    """The front of several objectives, of which `best` is the knee; None if one value is maximized."""
    supplements: tuple[Supplement, ...] = ()
    """Further comparisons on fresh items, in the order in which reports show them."""

    @property
    def label(self) -> str:
        """What is maximized, in a few words."""
        if self.front is not None:
            return f"hypervolume of {' against '.join(name for name, *_ in self.front.units)}".lower()
        if not self.terms:
            return self.objective.lower()
        added = " + ".join(f"{term.weight:g} {term.name.lower()}" for term in self.terms if term.weight > 0)
        return f"{self.objective.lower()}: {added}{', normalized' if self.start else ''}"
