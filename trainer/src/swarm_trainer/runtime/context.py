"""What a step is given: the spec, the store, a folder for unpacked artifacts, and a callback for progress.

A context lives as long as its worker process. What it holds beyond the store is a cache: a step returns the same
receipt in a fresh process as in one that has done a hundred items before.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from swarm_core.api.resolved import ResolvedRun, ResolvedSpec
from swarm_core.ports import ArtifactStore, Inference
from swarm_core.usage import NO_USAGE, Usage
from swarm_trainer.inference.endpoint import ExternalServers
from swarm_trainer.meter import Meter
from swarm_trainer.run_store import usage_total
from swarm_trainer.sources.fetching import FetchedInput

if TYPE_CHECKING:  # a host has no use for an HTTP client
    from swarm_trainer.inference.chat_endpoints import ChatEndpoints


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a work item is: for people, never for decisions."""

    key: str
    note: str
    """What is being done, in a few words."""
    done: int = 0
    total: int = 0
    tokens: int = 0
    """Tokens generated since the last report."""
    fitness: tuple[tuple[str, float | None], ...] = ()
    """Probes measured so far in this iteration; None is unscored."""
    usage: Usage = NO_USAGE
    """What it took since the last report."""


T = TypeVar("T")


class Memo:
    """Values that a process loads once, by key. A key names its type: two callers never share one for two types."""

    def __init__(self) -> None:
        self._values: dict[Hashable, object] = {}

    def get(self, key: Hashable, load: Callable[[], T]) -> T:
        """The value of `key`, loaded now if it never was. Raises what `load` raises, and remembers nothing then."""
        if key not in self._values:
            self._values[key] = load()
        return cast(T, self._values[key])


@dataclass(slots=True)
class Context:
    """What a step works with."""

    run: ResolvedRun
    """What is run, of whatever kind."""
    store: ArtifactStore
    cache: Path
    """Where artefacts are unpacked; may be emptied between items."""
    base_folder: Path
    """Relative URIs of the spec start here."""
    progress: Callable[[Progress], None]
    elsewhere: ExternalServers | None = None
    """The servers that inference VLLM asks; None: each is started here when it is first needed."""
    engines: dict[str, list[Inference]] = field(default_factory=dict)
    """Inference engines by what they serve, one per lane, kept warm between items."""
    fetched: dict[str, FetchedInput] = field(default_factory=dict)
    """Inputs from elsewhere, by URI, each settled on one version."""
    memo: Memo = field(default_factory=Memo, init=False)
    """What was loaded from receipts, which never change."""
    chat: "ChatEndpoints | None" = None
    """The client of other people's endpoints, made when it is first needed."""
    meter: Meter = field(default_factory=Meter)
    """What work takes; the store tells it too."""

    @property
    def resolved(self) -> ResolvedSpec:
        """What is run, where it is a search: for the steps of programs that search."""
        assert isinstance(self.run, ResolvedSpec), self.run.kind
        return self.run

    def record_usage(self) -> Usage:
        """Add what came together since the last call to the run's total; return it. Raises StoreError."""
        return usage_total.record(self.store, self.meter)

    def flush_usage(self) -> None:
        """At the end of a work item: add what is still outstanding, endpoints' budgets included. Raises StoreError."""
        if self.chat is not None:
            self.chat.flush_budget()
        self.record_usage()
