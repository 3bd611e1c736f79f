"""The front of several objectives in the reports of a search: in `result.json`, the summary and data set cards."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from swarm_core.objectives.verdict import WORDS, Verdict
from swarm_trainer.report import result
from swarm_trainer.report.columns import COLUMNS
from swarm_trainer.report.search_result import FrontPoint, FrontResult, FrontTerm
from swarm_trainer.report.usage_report import Json

NAME_WIDTH = 16
"""The width of the column with the names of objectives."""


@dataclass(frozen=True, slots=True)
class FrontReport:
    """The knee and the ends of a front on fresh items. It is a `Supplement`."""

    field: ClassVar[str] = "front"

    front: FrontResult

    def to_json(self) -> Json:
        """Return the points with their values and folders, the hypervolumes, and the units of the hypervolumes."""
        front = self.front
        return {
            "points": [point_to_json(point, find_folder(front, index)) for index, point in enumerate(front.points)],
            "hypervolume": front.hypervolume,
            "initialHypervolume": front.initial,
            "gain": result.gain_to_json(front.gain),
            "units": {name: {"lowest": lowest, "unit": unit} for name, lowest, unit in front.units},
        }

    def format_lines(self) -> Iterator[str]:
        """Yield a table with one row for each point and objective."""
        front = self.front
        yield f"front on fresh items: hypervolume {front.hypervolume:.3f}, of the initial ones {front.initial:.3f}"
        for index, point in enumerate(front.points):
            folder = "" if point.is_knee else f"{find_folder(front, index)}/"
            place = f"{describe_roles(point)}: {point.generator.name}, in {folder}adapter and {folder}dataset"
            yield from textwrap.wrap(place, COLUMNS)
            yield f"  {'value':<{NAME_WIDTH}}{'fresh':>8}{'initial':>9}{'gain':>8}   95 % interval"
            yield from map(format_term, point.terms)
            yield from (
                f"  floor of {one.name} {one.at_least:g}: {one.floor_verdict}"
                for one in point.terms
                if one.floor_verdict
            )
        yield "initial: the initial generator that was best in this value in the choice"


def find_folder(front: FrontResult, index: int) -> str:
    """Return the folder of the bundle with the adapter and the data set of a point. It contains no text of the spec."""
    return "." if front.points[index].is_knee else f"front/{index}"


def point_to_json(point: FrontPoint, folder: str) -> dict[str, Json]:
    """Return one generator of the front: its role, its folder, its values, and its gain in each."""
    return {
        "knee": point.is_knee,
        "ends": list(point.ends),
        "folder": folder,
        "generator": result.generator_to_json(point.generator),
        "terms": [term_to_json(term) for term in point.terms],
    }


def term_to_json(term: FrontTerm) -> dict[str, Json]:
    """Return one value of a generator. `atLeast` and `floor` are present if it has a floor."""
    verdict = term.floor_verdict
    return {
        "name": term.name,
        **({} if verdict is None else {"atLeast": term.at_least, "floor": str(verdict)}),
        "found": result.measurement_to_json(term.found),
        "baseline": term.baseline,
        "initial": result.measurement_to_json(term.initial),
        "gain": result.gain_to_json(term.gain),
    }


def describe_roles(point: FrontPoint) -> str:
    """Return why a generator is reported, in a few words."""
    return " and ".join([*(["knee"] if point.is_knee else []), *(f"highest {name}" for name in point.ends)])


def format_term(term: FrontTerm) -> str:
    """Return the row of one value of a generator."""
    name, gain = textwrap.shorten(term.name, NAME_WIDTH - 1, placeholder="…"), term.gain
    values = f"{term.found.value:>8.3f}{term.initial.value:>9.3f}{gain.value:>+8.3f}"
    interval = f"{gain.low:+.3f} to {gain.high:+.3f}"
    return f"  {name:<{NAME_WIDTH}}{values}   {interval} ({WORDS[gain.verdict]})"


def format_finding(front: FrontResult) -> str:
    """Return what the difference of the hypervolumes says, in one sentence or two."""
    if front.gain.low == front.gain.high:
        return "No gain: in the choice, the knee and the ends of the front were those of the initial generators."
    match front.gain.verdict:
        case Verdict.GAIN:
            return (
                "A gain: the front found dominates more than that of the initial generators, on items drawn after the"
                " choice."
            )
        case Verdict.LOSS:
            return (
                "A loss: the front found dominates less than that of the initial generators, on items drawn after the"
                " choice. The choice was misled; raise spec.evaluation.reserve."
            )
        case _:
            return (
                "Not resolved: the interval contains 0, so these items show neither a gain nor a loss of the front."
                " More fresh items (spec.evaluation.final) narrow it."
            )


def format_card_table(point: FrontPoint) -> str:
    """Return the values of a generator as a table of a data set card."""
    rows = "".join(
        f"| {term.name} | {term.found.value:.3f} | {term.found.low:.3f} to {term.found.high:.3f} |"
        f" {term.initial.value:.3f} (`{term.baseline}`) | {term.gain.value:+.3f}, {term.gain.low:+.3f} to"
        f" {term.gain.high:+.3f} ({WORDS[term.gain.verdict]}) |\n"
        for term in point.terms
    )
    columns = "| value | this generator | 95 % interval | best initial generator | difference, 95 % interval |"
    return f"{columns}\n|{'---|' * 5}\n{rows}\n"
