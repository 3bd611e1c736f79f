"""What searches found, and the table of it: the half of `search.py` that measures nothing.

Differences come with Student's interval and with a resampled one (bootstrap, BCa), because now and then a search is
lost altogether, and one such seed swells a variance. Seeds are shown by tens, then all that the default has run with.

Limits: intervals are over seeds, which says nothing of other arenas.
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
BEGIN, END = "<!-- benchmarks/search.py begins -->", "<!-- benchmarks/search.py ends -->"


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What one contestant found."""

    arena: str
    seed: int
    contestant: str
    name: str
    """The probe that was chosen."""
    searched: float
    """What the search believed of it."""
    led: float
    """The highest mean that the search ended with."""
    fresh: float
    initial: float
    """The best initial generator on the same fresh items."""
    measured: int
    items: int
    tokens: int
    seconds: float
    position: Position


def load_outcomes(results: Path) -> list[SearchOutcome]:
    lines = results.read_text().splitlines() if results.exists() else []
    return [SearchOutcome(**{**(one := json.loads(line)), "position": tuple(one["position"])}) for line in lines]


def format_interval(values: Sequence[float]) -> str:
    """Mean and Student's 95 % interval."""
    if len(values) < 2:
        return "-"
    half = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    return f"{fmean(values):+.3f} [{fmean(values) - half:+.3f}, {fmean(values) + half:+.3f}]"


def format_bootstrap_interval(values: Sequence[float]) -> str:
    """The bootstrap's 95 % interval of the mean (BCa, 9,999 resamples): no word about how the values are spread."""
    if len(set(values)) < 3:
        return "-"
    found = bootstrap([values], np.mean, rng=np.random.default_rng(1)).confidence_interval
    return f"[{found.low:+.3f}, {found.high:+.3f}]"


def format_difference(values: Sequence[float]) -> str:
    """Three columns: mean with Student's interval, the resampled interval, how many are above 0."""
    return (
        f"{format_interval(values)} | {format_bootstrap_interval(values)} |"
        f" {sum(value > 0 for value in values)} of {len(values)}"
    )


def split_by_tens(outcomes: Sequence[SearchOutcome]) -> Iterator[tuple[str, list[SearchOutcome]]]:
    """The seeds of an arena by tens, as they are run, and all that the default has run with where that is more."""
    tens = sorted({(one.seed - 1) // 10 for one in outcomes})
    for ten in tens:
        yield f"{10 * ten + 1} to {10 * ten + 10}", [one for one in outcomes if (one.seed - 1) // 10 == ten]
    paired = {one.seed for one in outcomes if one.contestant == DEFAULT}
    if len({(seed - 1) // 10 for seed in paired}) > 1:
        yield f"all {len(paired)}", [one for one in outcomes if one.seed in paired]


def format_rows(mine: Sequence[SearchOutcome], contestants: Sequence[str], arena: str, seeds: str) -> Iterator[str]:
    """One part of the table."""
    default = {one.seed: one.fresh for one in mine if one.contestant == DEFAULT}
    for name in contestants:
        found = [one for one in mine if one.contestant == name]
        if not found:
            continue
        fresh = [one.fresh for one in found]
        spread = f" ± {stdev(fresh):.3f}" if len(fresh) > 1 else ""
        paired = [default[one.seed] - one.fresh for one in found if one.seed in default]
        ahead = format_difference(paired) if paired and name != DEFAULT else " | | "
        gain = format_interval([one.fresh - one.initial for one in found])
        curse = fmean(one.led - one.fresh for one in found), fmean(one.searched - one.fresh for one in found)
        yield (
            f"| {arena} | {seeds} | {name} | {len(found)} | {fmean(fresh):.3f}{spread} | {gain} | {ahead} |"
            f" {curse[0]:+.3f} | {curse[1]:+.3f} | {fmean(one.measured for one in found):.0f} |"
            f" {fmean(one.items for one in found) / 1000:.1f} k | {fmean(one.seconds for one in found):.0f} s |"
        )


def format_table(outcomes: Sequence[SearchOutcome], contestants: Sequence[str]) -> str:
    """All of it, the contestants in this order."""
    head = (
        "| arena | seeds | search | runs | fresh, sd over seeds | minus best initial | Standard minus it | resampled |"
        " above 0 | leader's search score minus fresh | chosen's minus fresh | measurements | items asked | time |"
    )
    lines = [head, "|" + "---|" * 14]
    for arena in sorted({one.arena for one in outcomes}):
        for seeds, mine in split_by_tens([one for one in outcomes if one.arena == arena]):
            lines += format_rows(mine, contestants, arena, seeds)
    return "\n".join(lines)


def insert_table(file: Path, text: str) -> None:
    """Put the table between its marks."""
    old = file.read_text(encoding="utf-8")
    before, _, rest = old.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"{file}: has no lines {BEGIN!r} and {END!r}; add them where the table belongs")
    file.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
