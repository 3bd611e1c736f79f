"""What is known of a run at one moment, as a value that events move on: `scene.absorb(before, event, now)`.

Times are seconds on one clock, the caller's. The time left is the median duration of the iterations this host has
done times those to come; it is the most it should be, because patience may end a search earlier.
"""

from dataclasses import dataclass, replace
from statistics import median
from typing import assert_never

from swarm_core.engine import receipt_fields
from swarm_core.engine.phases import Phase
from swarm_core.engine.receipt_fields import Scalar
from swarm_core.engine.work import Kind, Receipt
from swarm_core.swarm_names import GENERATORS
from swarm_core.usage import NO_USAGE, Usage
from swarm_trainer.host.run_events import (
    Event,
    ItemFinished,
    ItemProgressed,
    ItemStarted,
    Notice,
    PhaseEntered,
    RunStarted,
)
from swarm_trainer.runtime.context import Progress


@dataclass(frozen=True, slots=True)
class ItemProgress:
    """The work item in hand."""

    key: str
    since: float
    note: str = ""
    done: int = 0
    total: int = 0
    tokens: int = 0
    fitness: tuple[tuple[str, float | None], ...] = ()


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """All that is shown."""

    since: float
    name: str = ""
    folder: str = ""
    iterations: int = 0
    phase: Phase = Phase.PENDING
    item: ItemProgress | None = None
    iteration: int = 0
    """The iteration in hand, or the last one; 0 measures the start."""
    durations: tuple[float, ...] = ()
    """Of the iterations done by this host, in seconds."""
    best: float | None = None
    initial: float | None = None
    mean: float | None = None
    moved: str | None = None
    """The swarm whose figures these are, where more than one moves."""
    fitness: tuple[tuple[str, float | None], ...] = ()
    """Probes of the iteration in hand, or of the last one until the next has measured something."""
    message: str = ""
    effort: Usage = NO_USAGE
    """What this host's work took so far."""

    def left(self, now: float) -> float | None:
        """Seconds the search may still take; None while that cannot be told."""
        if not self.durations or self.phase is not Phase.ITERATING:
            return None
        in_hand = self.item is not None and parse_iteration(self.item.key) is not None
        spent = now - self.item.since if self.item is not None and in_hand else 0.0
        turns = (self.iterations - self.iteration) * (2 if self.moved else 1)
        return max(0.0, median(self.durations) * (turns + in_hand) - spent)

    def rate(self, now: float) -> float | None:
        """Tokens per second in the item in hand; None while nothing has been generated."""
        if self.item is None or not self.item.tokens or now <= self.item.since:
            return None
        return self.item.tokens / (now - self.item.since)


def apply_event(snapshot: RunSnapshot, event: Event, now: float) -> RunSnapshot:
    """The scene after `event`, which arrived at `now`."""
    match event:
        case RunStarted(name, folder, iterations):
            return replace(snapshot, name=name, folder=str(folder), iterations=iterations)
        case PhaseEntered(phase):
            return replace(snapshot, phase=phase)
        case ItemStarted(key, attempt):
            message = f"{key}: attempt {attempt}" if attempt > 1 else snapshot.message
            index = parse_iteration(key)
            iteration = snapshot.iteration if index is None else index
            return replace(snapshot, item=ItemProgress(key, now), iteration=iteration, message=message)
        case ItemProgressed(progress):
            return apply_progress(snapshot, progress, now)
        case ItemFinished(receipt):
            return apply_finished(snapshot, receipt, now)
        case Notice(text):
            return replace(snapshot, message=text)
        case _:
            assert_never(event)


def apply_progress(snapshot: RunSnapshot, progress: Progress, now: float) -> RunSnapshot:
    same_item = snapshot.item is not None and snapshot.item.key == progress.key
    item = snapshot.item if same_item and snapshot.item is not None else ItemProgress(progress.key, now)
    item = replace(
        item,
        note=progress.note,
        done=progress.done,
        total=progress.total,
        tokens=item.tokens + progress.tokens,
        fitness=progress.fitness or item.fitness,
    )
    return replace(
        snapshot, item=item, fitness=item.fitness or snapshot.fitness, effort=snapshot.effort + progress.effort
    )


def apply_finished(snapshot: RunSnapshot, receipt: Receipt, now: float) -> RunSnapshot:
    index = parse_iteration(receipt.key)
    finished = snapshot.item if snapshot.item is not None and snapshot.item.key == receipt.key else None
    snapshot = replace(snapshot, item=None) if finished else snapshot
    if index is None:
        return snapshot
    swarm = receipt.key.split(".")[1]
    return replace(
        snapshot,
        iteration=index,
        durations=(*snapshot.durations, now - finished.since) if finished else snapshot.durations,
        best=receipt_fields.number(receipt, Scalar.BEST),
        initial=receipt_fields.number(receipt, Scalar.INITIAL),
        mean=receipt_fields.number(receipt, Scalar.MEAN),
        moved=swarm if swarm != GENERATORS or snapshot.moved else None,
    )


def parse_iteration(key: str) -> int | None:
    """The iteration a work item is about, counted from 0; None for other kinds of work."""
    kind, _, rest = key.partition(".")
    return int(rest.rpartition(".")[2]) if kind == Kind.ITERATE else None
