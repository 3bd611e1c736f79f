"""The rivals of a search in its reports: the value of each on fresh items, and what the search gains over it."""

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import ClassVar

from swarm_core.objectives.objective import Measurement
from swarm_core.objectives.verdict import WORDS
from swarm_core.recipe import ModelName
from swarm_core.rivals.rival import SearchCost
from swarm_core.rollout import Unmeasured
from swarm_trainer.report import result
from swarm_trainer.report.columns import COLUMNS
from swarm_trainer.report.search_result import Interval
from swarm_trainer.report.usage_report import Json

NAME_WIDTH = 20
"""The width of the column with the names of rivals."""


@dataclass(frozen=True, slots=True)
class MeasuredRival:
    """A rival that was measured on fresh items."""

    name: str
    model: ModelName
    """The model that wrote the items."""
    fresh: Measurement
    gain: Interval
    """The value of the best generator minus that of the rival; exactly 0 if they are the same model."""
    cost: SearchCost
    """What it spent before the report."""


@dataclass(frozen=True, slots=True)
class UnmeasuredRival:
    """A rival that could not be measured."""

    name: str
    reason: Unmeasured
    cost: SearchCost


@dataclass(frozen=True, slots=True)
class RivalsReport:
    """The comparison of a search with its rivals. It is a `Supplement`."""

    field: ClassVar[str] = "rivals"

    rivals: tuple[MeasuredRival | UnmeasuredRival, ...]
    budget: SearchCost
    """What the search spent, its final choice included: the most that each rival may spend."""

    def to_json(self) -> Json:
        """Return the budget, and the rivals in the order of the spec."""
        return {"budget": _cost_to_json(self.budget), "compared": [rival_to_json(rival) for rival in self.rivals]}

    def format_lines(self) -> Iterator[str]:
        """Yield a table with one row for each rival."""
        yield f"{'rival':<{NAME_WIDTH}}{'fresh':>8}   {'best minus rival, 95 % interval':<33}{'spent':>8}"
        for rival in self.rivals:
            yield from format_rival(rival, self.budget)
        yield from textwrap.wrap(
            "spent: the largest share of the search's items, answers or tokens that the rival used before the report",
            COLUMNS,
        )


def rival_to_json(rival: MeasuredRival | UnmeasuredRival) -> Json:
    """Return one rival: its value and the gain over it, or the reason why it has none."""
    cost: dict[str, Json] = {"name": rival.name, "spent": _cost_to_json(rival.cost)}
    if isinstance(rival, UnmeasuredRival):
        return {**cost, "unmeasured": rival.reason.reason}
    fresh, gain = result.measurement_to_json(rival.fresh), result.gain_to_json(rival.gain)
    return {**cost, "recipe": rival.model, "fresh": fresh, "gain": gain}


def _cost_to_json(cost: SearchCost) -> dict[str, Json]:
    return dict(asdict(cost))


def format_rival(rival: MeasuredRival | UnmeasuredRival, budget: SearchCost) -> Iterator[str]:
    """Yield the row of a rival, or the reason why it could not be measured."""
    name = textwrap.shorten(rival.name, NAME_WIDTH - 1, placeholder="…")
    if isinstance(rival, UnmeasuredRival):
        text = f"{name:<{NAME_WIDTH}}not measured: {rival.reason.reason}"
        yield from textwrap.wrap(text, COLUMNS, subsequent_indent="  ")
        return
    gain = rival.gain
    interval = f"{gain.value:+.3f}, {gain.low:+.3f} to {gain.high:+.3f} ({WORDS[gain.verdict]})"
    yield f"{name:<{NAME_WIDTH}}{rival.fresh.value:>8.3f}   {interval:<33}{find_share(rival.cost, budget):>8.0%}"


def find_share(cost: SearchCost, budget: SearchCost) -> float:
    """Return the largest share of the items, answers or tokens of `budget` that `cost` is."""
    pairs = zip(asdict(cost).values(), asdict(budget).values(), strict=True)
    return max((spent / allowed for spent, allowed in pairs if allowed), default=0.0)
