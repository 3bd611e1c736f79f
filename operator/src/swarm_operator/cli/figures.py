"""Formats the figures in the status of a run. Each program declares its figures and how to write them."""

from typing import Any, assert_never

from swarm_core.api import custom_resources
from swarm_core.api.custom_resources import Figure, FigureShape
from swarm_operator.cli.cluster_query import printable_line
from swarm_operator.common.reconcile_plan import Object


def list_figures(run: Object) -> list[Figure]:
    """The figures that the status of `run` contains, in the order of its program.

    Raises BadInputError for an unknown kind.
    """
    status = run.get("status") or {}
    return [one for one in custom_resources.find_resource(run["kind"]).figures if status.get(one.field) is not None]


def format_short(figure: Figure, run: Object) -> str:
    """A figure as one part of a progress line."""
    value = run["status"][figure.field]
    match figure.shape:
        case FigureShape.PROGRESS:
            return f"{figure.label} {value}/{run['status'].get(f'{figure.field}s')}"
        case FigureShape.DIFFERENCE:
            return f"{figure.label} {value['value']:+.4f} [{value['low']:+.4f}, {value['high']:+.4f}]"
        case FigureShape.COUNT:
            return f"{figure.label} {value}"
        case FigureShape.NUMBER:
            return f"{figure.label} {extract_number(value):.4f}"
        case _:
            assert_never(figure.shape)


def format_finding(figure: Figure, run: Object) -> str:
    """A figure with its details. Empty for a figure that reports progress."""
    value = run["status"][figure.field]
    match figure.shape:
        case FigureShape.PROGRESS:
            return ""
        case FigureShape.DIFFERENCE:
            interval = f"95 % interval {value['low']:+.4f} to {value['high']:+.4f}"
            return f"{value['value']:+.4f}, {interval}, on fresh items"
        case FigureShape.COUNT:
            return ", ".join([str(value), *list_notes(figure, value)])
        case FigureShape.NUMBER:
            return ", ".join([f"{extract_number(value):.4f}", *list_notes(figure, value)])
        case _:
            assert_never(figure.shape)


def extract_number(value: Any) -> float:
    """A number, or the `value` of a block."""
    return float(value["value"] if isinstance(value, dict) else value)


def list_notes(figure: Figure, value: Any) -> list[str]:
    """The other fields of a block, and the note of the program on the figure."""
    words = [word for word in value if word != "value"] if isinstance(value, dict) else []
    return [*(f"{word} {printable_line(value[word])}" for word in words), *([figure.note] if figure.note else [])]
