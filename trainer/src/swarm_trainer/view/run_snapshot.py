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
from swarm_trainer.host.run_events import Began, Entered, Event, Finished, Noticed, Started, Worked
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


def apply_event(scene: RunSnapshot, event: Event, now: float) -> RunSnapshot:
    """The scene after `event`, which arrived at `now`."""
    match event:
        case Began(name, folder, iterations):
            return replace(scene, name=name, folder=str(folder), iterations=iterations)
        case Entered(phase):
            return replace(scene, phase=phase)
        case Started(key, attempt):
            message = f"{key}: attempt {attempt}" if attempt > 1 else scene.message
            index = parse_iteration(key)
            at = scene.iteration if index is None else index
            return replace(scene, item=ItemProgress(key, now), iteration=at, message=message)
        case Worked(progress):
            return apply_progress(scene, progress, now)
        case Finished(receipt):
            return apply_finished(scene, receipt, now)
        case Noticed(text):
            return replace(scene, message=text)
        case _:
            assert_never(event)


def apply_progress(scene: RunSnapshot, progress: Progress, now: float) -> RunSnapshot:
    same = scene.item is not None and scene.item.key == progress.key
    item = scene.item if same and scene.item is not None else ItemProgress(progress.key, now)
    item = replace(
        item,
        note=progress.note,
        done=progress.done,
        total=progress.total,
        tokens=item.tokens + progress.tokens,
        fitness=progress.fitness or item.fitness,
    )
    return replace(scene, item=item, fitness=item.fitness or scene.fitness, effort=scene.effort + progress.effort)


def apply_finished(scene: RunSnapshot, receipt: Receipt, now: float) -> RunSnapshot:
    index = parse_iteration(receipt.key)
    mine = scene.item if scene.item is not None and scene.item.key == receipt.key else None
    scene = replace(scene, item=None) if mine else scene
    if index is None:
        return scene
    swarm = receipt.key.split(".")[1]
    return replace(
        scene,
        iteration=index,
        durations=(*scene.durations, now - mine.since) if mine else scene.durations,
        best=receipt_fields.number(receipt, Scalar.BEST),
        initial=receipt_fields.number(receipt, Scalar.INITIAL),
        mean=receipt_fields.number(receipt, Scalar.MEAN),
        moved=swarm if swarm != GENERATORS or scene.moved else None,
    )


def parse_iteration(key: str) -> int | None:
    """The iteration a work item is about, counted from 0; None for other kinds of work."""
    kind, _, rest = key.partition(".")
    return int(rest.rpartition(".")[2]) if kind == Kind.ITERATE else None
