"""The summary of a search, which a status shows: a projection of the engine's state.

Its numbers are estimates of the search until the run concludes. After that, they are measurements on fresh data.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from swarm_core.api import run_status
from swarm_core.engine.state import EngineState, HistoryPoint
from swarm_core.objectives import verdict
from swarm_core.swarm_names import GENERATORS

G = TypeVar("G", bound=run_status.Difference)


@dataclass(frozen=True, slots=True)
class MeasuredGain:
    """The value of the best generator minus that of the best initial generator, on fresh data, with its 95%
    interval."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """The totals over all iterations so far: accepted items, rejected items and unscored answers."""

    items: int
    rejected: int
    unscored: int
    fates: tuple[tuple[str, int], ...] = ()
    """The number of answers by fate."""


@dataclass(frozen=True, slots=True)
class SearchSummary:
    """The state of a search in a few numbers."""

    best: float | None
    best_particle: str
    best_recipe: str
    values: tuple[tuple[str, float], ...]
    """The values of the best generator that a weighted sum adds, by name; empty for one objective."""
    initial: float | None
    gain: MeasuredGain | None
    """None before the run has concluded."""
    particles: tuple[tuple[str, float | None], ...]
    """The name and the fitness of each particle in the last iteration; None means unscored."""
    history: tuple[HistoryPoint, ...]
    counts: ItemCounts


def summarize_search(state: EngineState) -> SearchSummary:
    """Return the summary of the generators' search."""
    search, outcome = state.search(GENERATORS), state.outcome
    return SearchSummary(
        best=outcome.best if outcome else search.best,
        best_particle=outcome.best_particle if outcome else search.best_particle,
        best_recipe=outcome.best_recipe if outcome else search.best_recipe,
        values=outcome.values if outcome else search.values,
        initial=outcome.initial if outcome else search.initial,
        gain=extract_gain(state),
        particles=search.fitness,
        history=search.history,
        counts=ItemCounts(search.items, search.rejected, search.unscored, search.fates),
    )


def extract_gain(state: EngineState) -> MeasuredGain | None:
    """Return the gain; None before it is measured."""
    outcome = state.outcome
    if outcome is None or outcome.gain is None:
        return None
    return MeasuredGain(outcome.gain, outcome.gain_low, outcome.gain_high)


def build_difference(gain: MeasuredGain | None, block: type[G]) -> G | None:
    """Return the gain as a block of a status; None if it has no interval."""
    if gain is None or gain.low is None or gain.high is None:
        return None
    judged = verdict.judge_difference(gain.low, gain.high)
    return block(value=gain.value, low=gain.low, high=gain.high, verdict=str(judged))


def build_counts(counts: ItemCounts) -> run_status.Counts:
    """Return the counts as a block of a status."""
    return run_status.Counts(items=counts.items, rejected=counts.rejected, unscored=counts.unscored)


def build_answers(*fates: Iterable[tuple[str, int]]) -> run_status.Answers | None:
    """Return the numbers of answers by fate as a block of a status; None if there are none."""
    total = sum((Counter(dict(one)) for one in fates), Counter[str]())
    named = {f"{fate[:1].lower()}{fate[1:]}": count for fate, count in total.items() if count}
    return run_status.Answers.model_validate(named) if named else None
