"""What a host tells whoever watches: plain values, in the order things happened.

They are for people and logs. Nothing decides by them, so a watcher may be slow, absent or wrong without changing a run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from swarm_core.engine.phases import Phase
from swarm_core.engine.work import Receipt
from swarm_trainer.runtime.context import Progress


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A host has taken the run up, for the first time or again."""

    name: str
    folder: Path
    iterations: int
    """The most the search may take."""


@dataclass(frozen=True, slots=True)
class PhaseEntered:
    """The run is in this phase now."""

    phase: Phase


@dataclass(frozen=True, slots=True)
class ItemStarted:
    """An item has been given to a worker."""

    key: str
    attempt: int


@dataclass(frozen=True, slots=True)
class ItemProgressed:
    """An item is getting on."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class ItemFinished:
    """An item has its receipt."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Notice:
    """Something people should know, on one line: an attempt that failed, a worker that died."""

    text: str


Event = RunStarted | PhaseEntered | ItemStarted | ItemProgressed | ItemFinished | Notice
Watcher = Callable[[Event], None]
