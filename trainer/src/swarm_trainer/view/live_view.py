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


def render(scene: RunSnapshot, now: float, width: int) -> RenderableType:
    """Everything known, at most `width` columns wide."""
    rows: list[RenderableType] = [render_headline(scene, now), render_scores(scene)]
    if scene.item is not None:
        rows.append(render_item(scene, now))
    if scene.effort.requests or scene.effort.cached:
        rows.append(shorten(Text(usage_report.format_line(usage_report.to_json(scene.effort)), style="dim")))
    if scene.message:
        rows.append(shorten(Text(printable.to_single_line(scene.message), style="yellow")))
    if scene.fitness:
        rows.append(render_probes(scene, width))
    return Group(*rows)


def render_headline(scene: RunSnapshot, now: float) -> Text:
    """`name  Iterating 7/24  2m10s  1m20s left`."""
    text = Text()
    text.append(printable.to_single_line(scene.name), style="bold")
    text.append(f"  {scene.phase}", style=COLORS.get(scene.phase, "cyan"))
    if scene.phase is Phase.ITERATING:
        text.append(f" {scene.iteration}/{scene.iterations}", style="cyan")
    text.append(f"  {number_format.format_duration(now - scene.since)}", style="dim")
    left = scene.left(now)
    if left is not None:
        text.append(f"  {number_format.format_duration(left)} left", style="dim")
    return shorten(text)


def render_scores(scene: RunSnapshot) -> Text:
    """`best 0.512 (+0.092)  mean 0.431`."""
    text = Text("best ")
    gained = scene.best is not None and scene.initial is not None and scene.best > scene.initial
    text.append(number_format.format_best(scene.best, scene.initial), style="bold green" if gained else "bold")
    text.append(f"  mean {number_format.format_fitness(scene.mean)}")
    return shorten(text)


def render_item(scene: RunSnapshot, now: float) -> Text:
    """`examined p03  5/9  3.1k tok/s`."""
    assert scene.item is not None
    text = Text(printable.to_single_line(scene.item.note) or scene.item.key)
    if scene.item.total:
        text.append(f"  {scene.item.done}/{scene.item.total}")
    rate = scene.rate(now)
    if rate is not None:
        text.append(f"  {number_format.format_rate(rate)}", style="dim")
    return shorten(text)


def render_probes(scene: RunSnapshot, width: int) -> Table:
    """A row per probe: name, fitness, and a bar of it against the highest value in sight."""
    room = min(MAX_BAR_COLUMNS, width - NAME_COLUMNS - VALUE_COLUMNS - 4)
    top = max_positive([scene.best, *(value for _, value in scene.fitness)])
    table = Table.grid(padding=(0, 1))
    table.add_column(max_width=NAME_COLUMNS, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    if room >= MIN_BAR_COLUMNS:
        table.add_column(width=room)
    for name, value in scene.fitness:
        cells: list[RenderableType] = [printable.to_single_line(name), number_format.format_fitness(value)]
        if room >= MIN_BAR_COLUMNS:
            cells.append(render_bar(value, top, room))
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
    return table


def render_bar(value: float | None, top: float, room: int) -> RenderableType:
    """A bar from 0 to `top`; none for a missing value."""
    if value is None:
        return Text("unscored"[:room], style="dim")
    return ProgressBar(total=top, completed=min(max(value, 0.0), top), width=room, finished_style="green")


def max_positive(values: Iterable[float | None]) -> float:
    """The largest positive value; 1 where there is none, which draws empty bars."""
    return max((value for value in values if value is not None and value > 0), default=1.0)


def shorten(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
