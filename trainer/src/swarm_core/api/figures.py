"""The figures of a status: each program declares its own, and the functions here format them for people.

    form       example                                                used by
    cell       0.481, +0.024 ±0.012, 3/10                             the columns of `kubectl get`
    short      gain +0.0241 [+0.0120, +0.0362]                        `dataswarm watch`, `dataswarm status`
    finding    +0.0241, 95 % interval +0.0120 to +0.0362, ...         `dataswarm result`

Limits: the text is rounded and is never read back. The exact values are in the fields that the figures name.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from swarm_core.objectives import verdict
from swarm_core.text import printable


class FigureShape(StrEnum):
    """How a figure of a status is printed."""

    NUMBER = "Number"
    """A number, or a block that has a `value` and descriptive fields."""
    COUNT = "Count"
    """A whole number."""
    PROGRESS = "Progress"
    """A count out of a total. The field of the total has the same name with an s at the end."""
    COUNTS = "Counts"
    """A block of counts. Those of 0 are absent."""
    VALUES = "Values"
    """A list of blocks with `name` and `value`."""
    DIFFERENCE = "Difference"
    """A block with `value`, `low` and `high`: a difference on fresh items with its 95% interval."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a status."""

    label: str
    """The name under which it is printed."""
    field: str
    """The field of the status, in camelCase."""
    shape: FigureShape = FigureShape.NUMBER
    note: str = ""
    """A remark that follows the figure in a result."""
    in_progress: bool = True
    """Whether it is printed before the run has ended, too."""
    column: str = ""
    """The title of its column in `kubectl get`. Empty if it has no column."""
    wide: bool = False
    """Whether the column is shown by `kubectl get --output wide` only."""

    @property
    def total_field(self) -> str:
        """The field of the status with the total of a progress."""
        return f"{self.field}s"


def list_present(figures: Iterable[Figure], status: Mapping[str, Any]) -> list[Figure]:
    """The figures that `status` contains, in their order."""
    return [figure for figure in figures if status.get(figure.field) is not None]


def format_columns(figures: Iterable[Figure], status: Mapping[str, Any]) -> dict[str, str]:
    """The cells of `kubectl get`, by the field of the figure. A figure without a value or a column has none."""
    return {figure.field: format_cell(figure, status) for figure in list_present(figures, status) if figure.column}


def format_cell(figure: Figure, status: Mapping[str, Any]) -> str:
    """A figure as one cell of a table, rounded to three decimals."""
    value = status[figure.field]
    match figure.shape:
        case FigureShape.PROGRESS:
            return _format_progress(figure, status)
        case FigureShape.DIFFERENCE:
            # An interval need not be symmetric. The wider side never claims more than is known.
            margin = max(value["value"] - value["low"], value["high"] - value["value"])
            return f"{_round(value['value'], 3, '+')} ±{_round(margin, 3)}"
        case FigureShape.COUNT:
            return str(value)
        case FigureShape.COUNTS:
            return _format_counts(value)
        case FigureShape.VALUES:
            return _format_values(value, 3)
        case FigureShape.NUMBER:
            return _round(_extract_number(value), 3)
        case _:
            assert_never(figure.shape)


def format_short(figure: Figure, status: Mapping[str, Any]) -> str:
    """A figure as one part of a progress line."""
    value = status[figure.field]
    match figure.shape:
        case FigureShape.PROGRESS:
            return f"{figure.label} {_format_progress(figure, status)}"
        case FigureShape.DIFFERENCE:
            value, low, high = (_round(value[name], 4, "+") for name in ("value", "low", "high"))
            return f"{figure.label} {value} [{low}, {high}]"
        case FigureShape.COUNT:
            return f"{figure.label} {value}"
        case FigureShape.COUNTS:
            return f"{figure.label} {_format_counts(value)}"
        case FigureShape.VALUES:
            return f"{figure.label} {_format_values(value, 4)}"
        case FigureShape.NUMBER:
            return f"{figure.label} {_round(_extract_number(value), 4)}"
        case _:
            assert_never(figure.shape)


def format_finding(figure: Figure, status: Mapping[str, Any]) -> str:
    """A figure with its details. Empty for a figure that reports progress."""
    value = status[figure.field]
    match figure.shape:
        case FigureShape.PROGRESS:
            return ""
        case FigureShape.DIFFERENCE:
            words = verdict.WORDS[verdict.judge_difference(value["low"], value["high"])]
            value, low, high = (_round(value[name], 4, "+") for name in ("value", "low", "high"))
            return f"{value}, 95 % interval {low} to {high}, on fresh items: {words}"
        case FigureShape.COUNT:
            return ", ".join([str(value), *_list_notes(figure, value)])
        case FigureShape.COUNTS:
            return _format_counts(value)
        case FigureShape.VALUES:
            return _format_values(value, 4)
        case FigureShape.NUMBER:
            return ", ".join([_round(_extract_number(value), 4), *_list_notes(figure, value)])
        case _:
            assert_never(figure.shape)


def _format_progress(figure: Figure, status: Mapping[str, Any]) -> str:
    return f"{status[figure.field]}/{status.get(figure.total_field)}"


def _format_counts(value: Mapping[str, int]) -> str:
    """Counts with their names, which begin with a capital letter as the reasons of the API do."""
    return ", ".join(f"{count} {name[:1].upper()}{name[1:]}" for name, count in value.items() if count is not None)


def _format_values(rows: Iterable[Mapping[str, Any]], decimals: int) -> str:
    """Named values, in their order."""
    return ", ".join(f"{printable.to_single_line(row['name'])} {_round(row['value'], decimals)}" for row in rows)


def _extract_number(value: Any) -> float:
    """A number, or the `value` of a block."""
    return float(value["value"] if isinstance(value, Mapping) else value)


def _list_notes(figure: Figure, value: Any) -> list[str]:
    """The other fields of a block, and the note of the program on the figure."""
    return [*_list_other_fields(value), *([figure.note] if figure.note else [])]


def _list_other_fields(value: Any) -> Iterator[str]:
    words = [word for word in value if word != "value"] if isinstance(value, Mapping) else []
    return (f"{word} {printable.to_single_line(str(value[word]))}" for word in words if value[word] is not None)


def _round(number: float, decimals: int, sign: str = "-") -> str:
    """`number` with so many decimals. A number that rounds to zero has no minus sign."""
    return f"{round(number, decimals) + 0.0:{sign}.{decimals}f}"
