"""The known state of a run at one moment, as an immutable value. `apply_event` returns the state after an event.

Times are seconds on the caller's clock. The remaining time is the median duration of the iterations that this host has
completed, times the number of remaining iterations. It is an upper estimate, because patience may end a search earlier.
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
    """The current work item."""

    key: str
    since: float
    note: str = ""
    done: int = 0
    total: int = 0
    tokens: int = 0
    fitness: tuple[tuple[str, float | None], ...] = ()


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """Everything that a view shows."""

    since: float
    name: str = ""
    folder: str = ""
    iterations: int = 0
    phase: Phase = Phase.PENDING
    item: ItemProgress | None = None
    iteration: int = 0
    """The current iteration, or the last one. Iteration 0 measures the start positions."""
    durations: tuple[float, ...] = ()
    """The durations, in seconds, of the iterations that this host has completed."""
    best: float | None = None
    initial: float | None = None
    mean: float | None = None
    moved: str | None = None
    """The swarm that these scores belong to, if several swarms move."""
    fitness: tuple[tuple[str, float | None], ...] = ()
    """The candidates of the current iteration. Until it has measured one, the candidates of the last iteration."""
    message: str = ""
    usage: Usage = NO_USAGE
    """The usage of this host so far."""

    def left(self, now: float) -> float | None:
        """Return the estimated remaining seconds of the search; None while there is no estimate."""
        if not self.durations or self.phase is not Phase.ITERATING:
            return None
        in_hand = self.item is not None and parse_iteration(self.item.key) is not None
        spent = now - self.item.since if self.item is not None and in_hand else 0.0
        turns = (self.iterations - self.iteration) * (2 if self.moved else 1)
        return max(0.0, median(self.durations) * (turns + in_hand) - spent)

    def rate(self, now: float) -> float | None:
        """Return the tokens per second of the current item; None if it has not generated any."""
        if self.item is None or not self.item.tokens or now <= self.item.since:
            return None
        return self.item.tokens / (now - self.item.since)


def apply_event(snapshot: RunSnapshot, event: Event, now: float) -> RunSnapshot:
    """Return the snapshot after `event`, which arrived at `now`."""
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
    """Return the snapshot after a report of progress."""
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
    return replace(snapshot, item=item, fitness=item.fitness or snapshot.fitness, usage=snapshot.usage + progress.usage)


def apply_finished(snapshot: RunSnapshot, receipt: Receipt, now: float) -> RunSnapshot:
    """Return the snapshot after an item finished with this receipt."""
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
        best=receipt_fields.get_number(receipt, Scalar.BEST),
        initial=receipt_fields.get_number(receipt, Scalar.INITIAL),
        mean=receipt_fields.get_number(receipt, Scalar.MEAN),
        moved=swarm if swarm != GENERATORS or snapshot.moved else None,
    )


def parse_iteration(key: str) -> int | None:
    """Return the iteration, counted from 0, of a work item's key; None for other kinds of work."""
    kind, _, rest = key.partition(".")
    return int(rest.rpartition(".")[2]) if kind == Kind.ITERATE else None
