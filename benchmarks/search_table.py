"""The outcomes of searches, and their table: the half of `search.py` that measures nothing.

Differences have two intervals, Student's and a bootstrap interval (BCa). Sometimes a search fails completely, and one
such seed inflates the variance. Seeds appear in groups of ten, and then all seeds that the default has run with.

Limits: the intervals cover seeds; they say nothing about other arenas.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
from scipy.stats import bootstrap
from scipy.stats import t as student

from swarm_core.optimizers.positions import Position

DEFAULT = "Standard"
"""The contestant that the others are compared with."""


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """The outcome of one contestant."""

    arena: str
    seed: int
    contestant: str
    name: str
    """The chosen candidate."""
    searched: float
    """The search's estimate of its value."""
    led: float
    """The highest estimated mean at the end of the search."""
    fresh: float
    initial: float
    """The value of the best initial generator on the same fresh items."""
    measured: int
    items: int
    tokens: int
    seconds: float
    position: Position


def load_outcomes(results: Path) -> list[SearchOutcome]:
    """Load the outcomes from a JSON Lines file; none if it does not exist."""
    lines = results.read_text().splitlines() if results.exists() else []
    return [SearchOutcome(**{**(one := json.loads(line)), "position": tuple(one["position"])}) for line in lines]


def format_interval(values: Sequence[float]) -> str:
    """Format the mean with Student's 95 % interval."""
    if len(values) < 2:
        return "-"
    half = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    return f"{fmean(values):+.3f} [{fmean(values) - half:+.3f}, {fmean(values) + half:+.3f}]"


def format_bootstrap_interval(values: Sequence[float]) -> str:
    """Format the bootstrap's 95 % interval of the mean (BCa, 9,999 resamples), which assumes no distribution."""
    if len(set(values)) < 3:
        return "-"
    interval = bootstrap([values], np.mean, rng=np.random.default_rng(1)).confidence_interval
    return f"[{interval.low:+.3f}, {interval.high:+.3f}]"


def format_difference(values: Sequence[float]) -> str:
    """Format three columns: the mean with Student's interval, the bootstrap interval, and the number of values
    above 0.
    """
    return (
        f"{format_interval(values)} | {format_bootstrap_interval(values)} |"
        f" {sum(value > 0 for value in values)} of {len(values)}"
    )


def split_by_tens(outcomes: Sequence[SearchOutcome]) -> Iterator[tuple[str, list[SearchOutcome]]]:
    """Yield the seeds of an arena in groups of ten, and then all seeds of the default if there are several groups."""
    tens = sorted({(one.seed - 1) // 10 for one in outcomes})
    for ten in tens:
        yield f"{10 * ten + 1} to {10 * ten + 10}", [one for one in outcomes if (one.seed - 1) // 10 == ten]
    paired = {one.seed for one in outcomes if one.contestant == DEFAULT}
    if len({(seed - 1) // 10 for seed in paired}) > 1:
        yield f"all {len(paired)}", [one for one in outcomes if one.seed in paired]


def format_rows(mine: Sequence[SearchOutcome], contestants: Sequence[str], arena: str, seeds: str) -> Iterator[str]:
    """Yield the lines of one arena and group of seeds."""
    default = {one.seed: one.fresh for one in mine if one.contestant == DEFAULT}
    for name in contestants:
        outcomes = [one for one in mine if one.contestant == name]
        if not outcomes:
            continue
        fresh = [one.fresh for one in outcomes]
        spread = f" ± {stdev(fresh):.3f}" if len(fresh) > 1 else ""
        paired = [default[one.seed] - one.fresh for one in outcomes if one.seed in default]
        ahead = format_difference(paired) if paired and name != DEFAULT else " | | "
        gain = format_interval([one.fresh - one.initial for one in outcomes])
        curse = fmean(one.led - one.fresh for one in outcomes), fmean(one.searched - one.fresh for one in outcomes)
        yield (
            f"| {arena} | {seeds} | {name} | {len(outcomes)} | {fmean(fresh):.3f}{spread} | {gain} | {ahead} |"
            f" {curse[0]:+.3f} | {curse[1]:+.3f} | {fmean(one.measured for one in outcomes):.0f} |"
            f" {fmean(one.items for one in outcomes) / 1000:.1f} k | {fmean(one.seconds for one in outcomes):.0f} s |"
        )


def format_table(outcomes: Sequence[SearchOutcome], contestants: Sequence[str]) -> str:
    """Format the whole table, with the contestants in this order."""
    head = (
        "| arena | seeds | search | runs | fresh, sd over seeds | minus best initial | Standard minus this | bootstrap"
        " | above 0 | leader's search score minus fresh | chosen's minus fresh | measurements | items asked | time |"
    )
    lines = [head, "|" + "---|" * 14]
    for arena in sorted({one.arena for one in outcomes}):
        for seeds, mine in split_by_tens([one for one in outcomes if one.arena == arena]):
            lines += format_rows(mine, contestants, arena, seeds)
    return "\n".join(lines)
