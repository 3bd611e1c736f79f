"""The run as a picture that is redrawn in place: `picture(scene, now, width)` is a pure function, `Live` its shell.

What must not be lost on a small screen comes first: a narrow one shortens lines, a low one cuts probes.
"""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from swarm_core.engine.phases import Phase
from swarm_core.text import printable
from swarm_trainer.report import usage_report
from swarm_trainer.view import number_format
from swarm_trainer.view.run_snapshot import RunSnapshot

NAME_COLUMNS = 16
"""Room for the name of a probe; longer ones are shortened."""

VALUE_COLUMNS = 6
"""`-0.123`."""

MAX_BAR_COLUMNS = 40
"""The longest bar: beyond that, length no longer helps to compare."""

MIN_BAR_COLUMNS = 8
"""Below this a bar shows nothing, and is left out."""

COLORS = {Phase.SUCCEEDED: "green", Phase.FAILED: "red"}


def render(snapshot: RunSnapshot, now: float, width: int) -> RenderableType:
    """Everything known, at most `width` columns wide."""
    rows: list[RenderableType] = [render_headline(snapshot, now), render_scores(snapshot)]
    if snapshot.item is not None:
        rows.append(render_item(snapshot, now))
    if snapshot.effort.requests or snapshot.effort.cached:
        rows.append(shorten(Text(usage_report.format_line(usage_report.to_json(snapshot.effort)), style="dim")))
    if snapshot.message:
        rows.append(shorten(Text(printable.to_single_line(snapshot.message), style="yellow")))
    if snapshot.fitness:
        rows.append(render_probes(snapshot, width))
    return Group(*rows)


def render_headline(snapshot: RunSnapshot, now: float) -> Text:
    """`name  Iterating 7/24  2m10s  1m20s left`."""
    text = Text()
    text.append(printable.to_single_line(snapshot.name), style="bold")
    text.append(f"  {snapshot.phase}", style=COLORS.get(snapshot.phase, "cyan"))
    if snapshot.phase is Phase.ITERATING:
        text.append(f" {snapshot.iteration}/{snapshot.iterations}", style="cyan")
    text.append(f"  {number_format.format_duration(now - snapshot.since)}", style="dim")
    left = snapshot.left(now)
    if left is not None:
        text.append(f"  {number_format.format_duration(left)} left", style="dim")
    return shorten(text)


def render_scores(snapshot: RunSnapshot) -> Text:
    """`best 0.512 (+0.092)  mean 0.431`."""
    text = Text("best ")
    improved = snapshot.best is not None and snapshot.initial is not None and snapshot.best > snapshot.initial
    text.append(number_format.format_best(snapshot.best, snapshot.initial), style="bold green" if improved else "bold")
    text.append(f"  mean {number_format.format_fitness(snapshot.mean)}")
    return shorten(text)


def render_item(snapshot: RunSnapshot, now: float) -> Text:
    """`examined p03  5/9  3.1k tok/s`."""
    assert snapshot.item is not None
    text = Text(printable.to_single_line(snapshot.item.note) or snapshot.item.key)
    if snapshot.item.total:
        text.append(f"  {snapshot.item.done}/{snapshot.item.total}")
    rate = snapshot.rate(now)
    if rate is not None:
        text.append(f"  {number_format.format_rate(rate)}", style="dim")
    return shorten(text)


def render_probes(snapshot: RunSnapshot, width: int) -> Table:
    """A row per probe: name, fitness, and a bar of it against the highest value in sight."""
    room = min(MAX_BAR_COLUMNS, width - NAME_COLUMNS - VALUE_COLUMNS - 4)
    highest = max_positive([snapshot.best, *(value for _, value in snapshot.fitness)])
    table = Table.grid(padding=(0, 1))
    table.add_column(max_width=NAME_COLUMNS, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    if room >= MIN_BAR_COLUMNS:
        table.add_column(width=room)
    for name, value in snapshot.fitness:
        cells: list[RenderableType] = [printable.to_single_line(name), number_format.format_fitness(value)]
        if room >= MIN_BAR_COLUMNS:
            cells.append(render_bar(value, highest, room))
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
    return table


def render_bar(value: float | None, highest: float, room: int) -> RenderableType:
    """A bar from 0 to `highest`; none for a missing value."""
    if value is None:
        return Text("unscored"[:room], style="dim")
    return ProgressBar(total=highest, completed=min(max(value, 0.0), highest), width=room, finished_style="green")


def max_positive(values: Iterable[float | None]) -> float:
    """The largest positive value; 1 where there is none, which draws empty bars."""
    return max((value for value in values if value is not None and value > 0), default=1.0)


def shorten(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
