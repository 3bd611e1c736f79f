"""The context of a step: the spec, the store, a folder for unpacked artifacts, and a callback for progress.

A context lives as long as its worker process. Whatever it holds beyond the store is a cache: a step returns the same
receipt in a new process as in one that has done a hundred items before.
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
    """The progress of a work item, for people. No decision depends on it."""

    key: str
    note: str
    """The current activity, in a few words."""
    done: int = 0
    total: int = 0
    tokens: int = 0
    """The number of tokens generated since the last report."""
    fitness: tuple[tuple[str, float | None], ...] = ()
    """The fitness of the probes measured so far in this iteration; None is unscored."""
    usage: Usage = NO_USAGE
    """The usage since the last report."""


T = TypeVar("T")


class Memo:
    """Values that a process loads once, by key.

    A key implies the type of its value: two callers never share a key for two types.
    """

    def __init__(self) -> None:
        self._values: dict[Hashable, object] = {}

    def get(self, key: Hashable, load: Callable[[], T]) -> T:
        """Return the value of `key`; load it at the first call.

        Raises what `load` raises, and then remembers nothing.
        """
        if key not in self._values:
            self._values[key] = load()
        return cast(T, self._values[key])


@dataclass(slots=True)
class Context:
    """The inputs of a step."""

    run: ResolvedRun
    """What is run, of whatever kind."""
    store: ArtifactStore
    cache: Path
    """The folder for unpacked artifacts; it may be emptied between items."""
    base_folder: Path
    """The folder that relative URIs of the spec start from."""
    progress: Callable[[Progress], None]
    external_servers: ExternalServers | None = None
    """The servers that inference VLLM asks. With None, each server is started on this machine when it is first
    needed."""
    engines: dict[str, list[Inference]] = field(default_factory=dict)
    """Inference engines by the experiment that they serve, one per lane, kept warm between items."""
    fetched: dict[str, FetchedInput] = field(default_factory=dict)
    """Remote inputs, by URI, each resolved to one version."""
    memo: Memo = field(default_factory=Memo, init=False)
    """Values loaded from receipts, which never change."""
    chat: "ChatEndpoints | None" = None
    """The client of the remote endpoints, built when it is first needed."""
    meter: Meter = field(default_factory=Meter)
    """Counts the usage of the work; the store counts here too."""

    @property
    def resolved(self) -> ResolvedSpec:
        """What is run, where it is a search: for the steps of programs that search."""
        assert isinstance(self.run, ResolvedSpec), self.run.kind
        return self.run

    def record_usage(self) -> Usage:
        """Add the usage since the last call to the run's total, and return it. Raises StoreError."""
        return usage_total.record(self.store, self.meter)

    def flush_usage(self) -> None:
        """Record the remaining usage, the endpoints' budgets included, at the end of a work item. Raises StoreError."""
        if self.chat is not None:
            self.chat.flush_budget()
        self.record_usage()
