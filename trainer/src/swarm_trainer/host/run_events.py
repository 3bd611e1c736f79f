"""The events that a host reports to a watcher: plain values, in the order in which they happened.

Events are for people and logs. No decision depends on them, so a slow, missing or faulty watcher does not change a run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from swarm_core.engine.phases import Phase
from swarm_core.engine.work import Receipt
from swarm_trainer.runtime.context import Progress


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A host has started or resumed the run."""

    name: str
    folder: Path
    iterations: int
    """The maximum number of iterations of the search."""


@dataclass(frozen=True, slots=True)
class PhaseEntered:
    """The run has entered this phase."""

    phase: Phase


@dataclass(frozen=True, slots=True)
class ItemStarted:
    """A worker has received an item."""

    key: str
    attempt: int


@dataclass(frozen=True, slots=True)
class ItemProgressed:
    """A worker has reported progress on its item."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class ItemFinished:
    """An item is done: the store holds its receipt."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Notice:
    """A message for people on one line, such as a failed attempt or a dead worker."""

    text: str


Event = RunStarted | PhaseEntered | ItemStarted | ItemProgressed | ItemFinished | Notice
Watcher = Callable[[Event], None]
