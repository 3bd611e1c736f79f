"""The live view of a run: `render(snapshot, now, width)` is a pure function, and rich's `Live` redraws its result.

The most important lines come first. A narrow screen shortens lines, and a low screen cuts candidates.
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
"""The width of the column for names of candidates; longer names are shortened."""

VALUE_COLUMNS = 6
"""The width of the column for values, such as `-0.123`."""

MAX_BAR_COLUMNS = 40
"""The maximum width of a bar: longer bars are not easier to compare."""

MIN_BAR_COLUMNS = 8
"""The minimum width of a bar: shorter bars show nothing, so they are left out."""

COLORS = {Phase.SUCCEEDED: "green", Phase.FAILED: "red"}


def render(snapshot: RunSnapshot, now: float, width: int) -> RenderableType:
    """Return the whole view, at most `width` columns wide. `now`: seconds on the clock of the snapshot."""
    rows: list[RenderableType] = [render_headline(snapshot, now), render_scores(snapshot)]
    if snapshot.item is not None:
        rows.append(render_item(snapshot, now))
    if snapshot.usage.requests or snapshot.usage.cached:
        rows.append(
            end_with_ellipsis(Text(usage_report.format_line(usage_report.to_json(snapshot.usage)), style="dim"))
        )
    if snapshot.message:
        rows.append(end_with_ellipsis(Text(printable.to_single_line(snapshot.message), style="yellow")))
    if snapshot.fitness:
        rows.append(render_probes(snapshot, width))
    return Group(*rows)


def render_headline(snapshot: RunSnapshot, now: float) -> Text:
    """Return the first line, such as `name  Iterating 7/24  2m10s  1m20s left`."""
    text = Text()
    text.append(printable.to_single_line(snapshot.name), style="bold")
    text.append(f"  {snapshot.phase}", style=COLORS.get(snapshot.phase, "cyan"))
    if snapshot.phase is Phase.ITERATING:
        text.append(f" {snapshot.iteration}/{snapshot.iterations}", style="cyan")
    text.append(f"  {number_format.format_duration(now - snapshot.since)}", style="dim")
    left = snapshot.left(now)
    if left is not None:
        text.append(f"  {number_format.format_duration(left)} left", style="dim")
    return end_with_ellipsis(text)


def render_scores(snapshot: RunSnapshot) -> Text:
    """Return the line of scores, such as `best 0.512 (+0.092)  mean 0.431`."""
    text = Text("best ")
    improved = snapshot.best is not None and snapshot.initial is not None and snapshot.best > snapshot.initial
    text.append(number_format.format_best(snapshot.best, snapshot.initial), style="bold green" if improved else "bold")
    text.append(f"  mean {number_format.format_fitness(snapshot.mean)}")
    return end_with_ellipsis(text)


def render_item(snapshot: RunSnapshot, now: float) -> Text:
    """Return the line of the current item, such as `examined p03  5/9  3.1k tok/s`."""
    assert snapshot.item is not None
    text = Text(printable.to_single_line(snapshot.item.note) or snapshot.item.key)
    if snapshot.item.total:
        text.append(f"  {snapshot.item.done}/{snapshot.item.total}")
    rate = snapshot.rate(now)
    if rate is not None:
        text.append(f"  {number_format.format_rate(rate)}", style="dim")
    return end_with_ellipsis(text)


def render_probes(snapshot: RunSnapshot, width: int) -> Table:
    """Return a table with one row per candidate: name, fitness, and a bar relative to the highest value shown."""
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
    """Return a bar from 0 to `highest`, or the word `unscored` for a missing value."""
    if value is None:
        return Text("unscored"[:room], style="dim")
    return ProgressBar(total=highest, completed=min(max(value, 0.0), highest), width=room, finished_style="green")


def max_positive(values: Iterable[float | None]) -> float:
    """Return the largest positive value, or 1 if there is none, which draws empty bars."""
    return max((value for value in values if value is not None and value > 0), default=1.0)


def end_with_ellipsis(text: Text) -> Text:
    """Make `text` end with an ellipsis instead of wrapping; return it."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
