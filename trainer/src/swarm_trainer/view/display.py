"""Chooses the view for where it is shown, and feeds it.

A watcher is called by the host's only thread; the live view is drawn by rich's own, which reads one reference to a
frozen scene and so always sees a whole one.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from swarm_trainer.host.run_events import Event, Watcher
from swarm_trainer.view import json_lines, live_view, text_lines
from swarm_trainer.view.run_snapshot import RunSnapshot, apply_event

FRAMES_PER_SECOND = 4
"""Often enough for a clock that shows seconds, seldom enough to cost nothing on two cores."""

WallClock = Callable[[], float]
PrintLine = Callable[[str], None]


@contextmanager
def open_watcher(console: Console, clock: WallClock, *, as_json: bool = False) -> Iterator[Watcher]:
    """A watcher that shows what it is told: as JSON if asked for, else as a picture in a terminal, else as lines."""
    if as_json:
        yield lambda event: print_line(json_lines.format_event(event, clock()))
    elif console.is_terminal:
        with live_watcher(console, clock) as watch:
            yield watch
    else:
        yield line_watcher(clock, print_line)


def print_line(text: str) -> None:
    """Print at once: who follows a pipe or a log wants it now."""
    print(text, file=sys.stdout, flush=True)


def line_watcher(clock: WallClock, out: PrintLine) -> Watcher:
    """A watcher that prints lines."""
    snapshot = RunSnapshot(since=clock())

    def watch(event: Event) -> None:
        nonlocal snapshot
        now = clock()
        before, snapshot = snapshot, apply_event(snapshot, event, now)
        text = text_lines.format_event(before, event, snapshot, now)
        if text is not None:
            out(text)

    return watch


@contextmanager
def live_watcher(console: Console, clock: WallClock) -> Iterator[Watcher]:
    """A watcher that redraws a picture in place and leaves the last one standing."""
    snapshot = RunSnapshot(since=clock())

    def watch(event: Event) -> None:
        nonlocal snapshot
        snapshot = apply_event(snapshot, event, clock())

    with Live(
        get_renderable=lambda: live_view.render(snapshot, clock(), console.width),
        console=console,
        refresh_per_second=FRAMES_PER_SECOND,
    ):
        yield watch
