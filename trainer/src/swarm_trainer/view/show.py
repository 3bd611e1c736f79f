"""Chooses the view for where it is shown, and feeds it.

A watcher is called by the host's only thread; the live view is drawn by rich's own, which reads one reference to a
frozen scene and so always sees a whole one.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from swarm_trainer.host.events import Event, Watch
from swarm_trainer.view import lines, live, objects
from swarm_trainer.view.scene import Scene, absorb

FRAMES_PER_SECOND = 4
"""Often enough for a clock that shows seconds, seldom enough to cost nothing on two cores."""

Clock = Callable[[], float]
Print = Callable[[str], None]


@contextmanager
def watching(console: Console, clock: Clock, *, as_json: bool = False) -> Iterator[Watch]:
    """A watcher that shows what it is told: as JSON if asked for, else as a picture in a terminal, else as lines."""
    if as_json:
        yield lambda event: print_line(objects.line(event, clock()))
    elif console.is_terminal:
        with drawn(console, clock) as watch:
            yield watch
    else:
        yield printed(clock, print_line)


def print_line(text: str) -> None:
    """Print at once: who follows a pipe or a log wants it now."""
    print(text, file=sys.stdout, flush=True)


def printed(clock: Clock, out: Print) -> Watch:
    """A watcher that prints lines."""
    scene = Scene(since=clock())

    def watch(event: Event) -> None:
        nonlocal scene
        now = clock()
        before, scene = scene, absorb(scene, event, now)
        text = lines.line(before, event, scene, now)
        if text is not None:
            out(text)

    return watch


@contextmanager
def drawn(console: Console, clock: Clock) -> Iterator[Watch]:
    """A watcher that redraws a picture in place and leaves the last one standing."""
    scene = Scene(since=clock())

    def watch(event: Event) -> None:
        nonlocal scene
        scene = absorb(scene, event, clock())

    with Live(
        get_renderable=lambda: live.picture(scene, clock(), console.width),
        console=console,
        refresh_per_second=FRAMES_PER_SECOND,
    ):
        yield watch
