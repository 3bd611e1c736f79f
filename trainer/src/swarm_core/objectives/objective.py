"""The port of an objective: what it needs, and how it turns a batch of scored items into one number.

An objective is higher for data that does its job better. It is a pure function of a `ScoredBatch`; what it needs beyond
one set of items and its scores it says in `Requirements`, and stages that nobody needs are skipped.

Rejected items cost the generator: `measure` reports the objective over *asked* items, a rejected one counting as zero,
so value = raw * accepted / asked. Otherwise the best generator would be the one that writes one hard item and noise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from swarm_core.objectives.scores import ScoreCube


@dataclass(frozen=True, slots=True)
class Requirements:
    """What must be collected before `measure` can be called."""

    repeats: int = 1
    """Independent sets of items per measurement."""
    takers: int = 1
    """The least number of test takers the objective is defined for."""


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """One measurement's raw material, for one generator."""

    items: tuple[tuple[str, ...], ...]
    """Accepted items, [repeat][item]."""
    cube: ScoreCube
    """Scores [repeat, taker, item]: the repeats of one generator lie along the cube's first axis."""
    asked: int
    """How many items were asked for over all repeats; at least the number accepted."""
    features: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Further per-item values by name, for objectives that need them."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a batch says."""

    value: float
    """The objective, rejected items counted as zero."""
    low: float
    """Lower end of the 95 % bootstrap interval of `value`."""
    high: float
    n: int
    """Accepted items it rests on."""
    parts: tuple[tuple[str, float], ...] = ()
    """Named ingredients, such as each taker's mean: for people to read."""


class Objective(Protocol):
    """One way in which generated data can do its job."""

    needs: Requirements

    def measure(self, batch: ScoredBatch, coverage: float, seed: int) -> Measurement:
        """Measure `batch`; `seed` draws the bootstrap. Raises CoverageError when too few scores exist."""
        ...
