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
from swarm_trainer.report import account
from swarm_trainer.view import words
from swarm_trainer.view.scene import Scene

NAME_COLUMNS = 16
"""Room for the name of a probe; longer ones are shortened."""

VALUE_COLUMNS = 6
"""`-0.123`."""

BAR_COLUMNS = 40
"""The longest bar: beyond that, length no longer helps to compare."""

BAR_LEAST = 8
"""Below this a bar shows nothing, and is left out."""

COLOURS = {Phase.SUCCEEDED: "green", Phase.FAILED: "red"}


def picture(scene: Scene, now: float, width: int) -> RenderableType:
    """Everything known, at most `width` columns wide."""
    rows: list[RenderableType] = [headline(scene, now), standing(scene)]
    if scene.item is not None:
        rows.append(doing(scene, now))
    if scene.effort.requests or scene.effort.cached:
        rows.append(shortened(Text(account.line(account.fields(scene.effort)), style="dim")))
    if scene.message:
        rows.append(shortened(Text(printable.line(scene.message), style="yellow")))
    if scene.fitness:
        rows.append(probes(scene, width))
    return Group(*rows)


def headline(scene: Scene, now: float) -> Text:
    """`name  Iterating 7/24  2m10s  1m20s left`."""
    text = Text()
    text.append(printable.line(scene.name), style="bold")
    text.append(f"  {scene.phase}", style=COLOURS.get(scene.phase, "cyan"))
    if scene.phase is Phase.ITERATING:
        text.append(f" {scene.iteration}/{scene.iterations}", style="cyan")
    text.append(f"  {words.duration(now - scene.since)}", style="dim")
    left = scene.left(now)
    if left is not None:
        text.append(f"  {words.duration(left)} left", style="dim")
    return shortened(text)


def standing(scene: Scene) -> Text:
    """`best 0.512 (+0.092)  mean 0.431`."""
    text = Text("best ")
    gained = scene.best is not None and scene.initial is not None and scene.best > scene.initial
    text.append(words.best(scene.best, scene.initial), style="bold green" if gained else "bold")
    text.append(f"  mean {words.value(scene.mean)}")
    return shortened(text)


def doing(scene: Scene, now: float) -> Text:
    """`examined p03  5/9  3.1k tok/s`."""
    assert scene.item is not None
    text = Text(printable.line(scene.item.note) or scene.item.key)
    if scene.item.total:
        text.append(f"  {scene.item.done}/{scene.item.total}")
    rate = scene.rate(now)
    if rate is not None:
        text.append(f"  {words.rate(rate)}", style="dim")
    return shortened(text)


def probes(scene: Scene, width: int) -> Table:
    """A row per probe: name, fitness, and a bar of it against the highest value in sight."""
    room = min(BAR_COLUMNS, width - NAME_COLUMNS - VALUE_COLUMNS - 4)
    top = highest([scene.best, *(value for _, value in scene.fitness)])
    table = Table.grid(padding=(0, 1))
    table.add_column(max_width=NAME_COLUMNS, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    if room >= BAR_LEAST:
        table.add_column(width=room)
    for name, value in scene.fitness:
        cells: list[RenderableType] = [printable.line(name), words.value(value)]
        if room >= BAR_LEAST:
            cells.append(bar(value, top, room))
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
    return table


def bar(value: float | None, top: float, room: int) -> RenderableType:
    """A bar from 0 to `top`; none for a missing value."""
    if value is None:
        return Text("unscored"[:room], style="dim")
    return ProgressBar(total=top, completed=min(max(value, 0.0), top), width=room, finished_style="green")


def highest(values: Iterable[float | None]) -> float:
    """The largest positive value; 1 where there is none, which draws empty bars."""
    return max((value for value in values if value is not None and value > 0), default=1.0)


def shortened(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
