"""The table of `rivals.py`: the value of each search and of its rivals, and their differences over seeds.

A row has the mean value on fresh items with its standard deviation over seeds, the mean difference of the best
generator to it with Student's interval over seeds, and what the interval of each run says.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from search_table import format_interval

FOUND, INITIAL = "best found", "best initial"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One generator or rival of one run. The values are None if it could not be measured."""

    arena: str
    objective: str
    seed: int
    group: str
    name: str
    fresh: float | None
    difference: tuple[float, float, float] | None
    """The value of the best generator minus its own: estimate and 95 % interval."""
    share: float
    """The largest share of the search's items, answers or tokens that it spent."""


def load_outcomes(results: Path) -> list[Outcome]:
    """Load the outcomes from a JSON Lines file, each once; none if the file does not exist.

    Runs of one seed with other rivals make the same search.
    """
    lines = results.read_text().splitlines() if results.exists() else []
    outcomes = [read_outcome(fields) for line in lines for fields in json.loads(line)]
    return list({(one.arena, one.objective, one.seed, one.name): one for one in outcomes}.values())


def read_outcome(fields: dict[str, Any]) -> Outcome:
    """Return the outcome that `asdict` made JSON of."""
    return Outcome(**{**fields, "difference": None if fields["difference"] is None else tuple(fields["difference"])})


def format_table(outcomes: Sequence[Outcome]) -> str:
    """Format the whole table: rows by arena and objective."""
    head = "| arena | objective | data of | measured | fresh, sd over seeds | best found minus this |"
    rows = sorted(format_rows(outcomes))
    return "\n".join([f"{head} gains / losses / not resolved | spent |", "|" + "---|" * 8, *(row for _, row in rows)])


def format_rows(outcomes: Sequence[Outcome]) -> Iterator[tuple[tuple[str, str, int], str]]:
    """Yield a row for each generator and rival of each arena and objective, after its place."""
    groups = dict.fromkeys((one.arena, one.objective, one.name) for one in outcomes)
    names = list(dict.fromkeys(one.name for one in outcomes))
    for arena, objective, name in groups:
        mine = [one for one in outcomes if (one.arena, one.objective, one.name) == (arena, objective, name)]
        yield (arena, objective, names.index(name)), format_row((arena, objective, name), mine)


def format_row(group: tuple[str, str, str], mine: Sequence[Outcome]) -> str:
    """Format one row."""
    values = [one.fresh for one in mine if one.fresh is not None]
    differences = [one.difference for one in mine if one.difference is not None]
    fresh = f"{fmean(values):.3f}" if values else "-"
    spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return (
        f"| {' | '.join(group)} | {len(values)} of {len(mine)} | {fresh}{spread} |"
        f" {format_differences(differences)} | {fmean(one.share for one in mine):.0%} |"
    )


def format_differences(differences: Sequence[tuple[float, float, float]]) -> str:
    """Format the mean difference over seeds, and how many runs report a gain, a loss, or neither."""
    if not differences:
        return " | "
    gains, losses = sum(low > 0 for _, low, _ in differences), sum(high < 0 for _, _, high in differences)
    values = [value for value, _, _ in differences]
    mean = format_interval(values) if len(values) > 1 else f"{values[0]:+.3f}"
    return f"{mean} | {gains} / {losses} / {len(differences) - gains - losses}"
