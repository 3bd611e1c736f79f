"""Selects the view that fits the output, and passes events to it.

The host's only thread calls a watcher. A thread of rich draws the live view. That thread reads one reference to a
frozen snapshot, so it never sees a partial update.
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
"""Redraws per second: enough for a clock that shows seconds, with a negligible load on two cores."""

WallClock = Callable[[], float]
PrintLine = Callable[[str], None]


@contextmanager
def open_watcher(console: Console, clock: WallClock, *, as_json: bool = False) -> Iterator[Watcher]:
    """Open a watcher that shows events: as JSON if requested, else live in a terminal, else as lines of text."""
    if as_json:
        yield lambda event: print_line(json_lines.format_event(event, clock()))
    elif console.is_terminal:
        with live_watcher(console, clock) as watch:
            yield watch
    else:
        yield line_watcher(clock, print_line)


def print_line(text: str) -> None:
    """Print a line and flush it, so that readers of a pipe or a log see it at once."""
    print(text, file=sys.stdout, flush=True)


def line_watcher(clock: WallClock, out: PrintLine) -> Watcher:
    """Return a watcher that prints lines of text."""
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
    """Open a watcher that redraws the view in place. The last view stays on the screen."""
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
