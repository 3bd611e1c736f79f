"""The display of a run as lines of text, for logs and pipes: one per phase, per finished item and per notice."""

from collections.abc import Iterator
from typing import assert_never

from swarm_core.text import printable
from swarm_core.usage import Usage
from swarm_trainer.host.run_events import (
    Event,
    ItemFinished,
    ItemProgressed,
    ItemStarted,
    Notice,
    PhaseEntered,
    RunStarted,
)
from swarm_trainer.view import number_format
from swarm_trainer.view.run_snapshot import RunSnapshot, parse_iteration


def format_event(before: RunSnapshot, event: Event, after: RunSnapshot, now: float) -> str | None:
    """Return the line for `event`, or None. `before` and `after`: the snapshots around the event."""
    match event:
        case RunStarted(name, folder):
            return printable.to_single_line(f"run {name} in {folder}")
        case PhaseEntered(phase):
            return f"phase {phase}"
        case ItemFinished(receipt) if parse_iteration(receipt.key) is not None:
            return format_iteration(before, after, now)
        case ItemFinished(receipt):
            took = f" in {number_format.format_duration(now - before.item.since)}" if before.item else ""
            return f"{receipt.key} done{took}"
        case Notice(text):
            return printable.to_single_line(text)
        case ItemStarted() | ItemProgressed():
            return None
        case _:
            assert_never(event)


def format_iteration(before: RunSnapshot, after: RunSnapshot, now: float) -> str:
    """Return a line such as `iteration 7/24  best 0.512 (+0.092)  mean 0.431  3.1k tok/s  1m20s left`."""
    rate, left = before.rate(now), after.left(now)
    parts = [
        f"iteration {after.iteration}/{after.iterations}",
        "" if after.moved is None else after.moved,
        f"best {number_format.format_best(after.best, after.initial)}",
        f"mean {number_format.format_fitness(after.mean)}",
        "" if rate is None else number_format.format_rate(rate),
        "" if left is None else f"{number_format.format_duration(left)} left",
        *format_problems(after.usage),
    ]
    return "  ".join(part for part in parts if part)


def format_problems(usage: Usage) -> Iterator[str]:
    """Yield the problems so far, such as `3 failed`, `12 sent again` and `2 unscored`. No problem yields nothing."""
    unscored = sum(count for _, count in usage.unscored)
    for count, what in ((usage.failed, "failed"), (usage.retries, "sent again"), (unscored, "unscored")):
        if count:
            yield f"{count:,} {what}"
