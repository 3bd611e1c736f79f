"""The paths of a run folder.

The store is the source of truth. `state.json` and `run.json` are the host's memory. All other files are for people or
can be created again.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one run folder."""

    root: Path

    @property
    def run(self) -> Path:
        """The experiment that the folder belongs to; written once."""
        return self.root / "run.json"

    @property
    def worker_spec(self) -> Path:
        """The resolved spec that the worker reads; written at each start."""
        return self.root / "resolved.json"

    @property
    def state(self) -> Path:
        """The engine's state; saved before the host acts on it."""
        return self.root / "state.json"

    @property
    def status(self) -> Path:
        """The status for people and programs; dataswarm never bases a decision on it."""
        return self.root / "status.json"

    @property
    def lock(self) -> Path:
        """Locked while a host runs; the content names the host."""
        return self.root / "lock"

    @property
    def log(self) -> Path:
        """The output of workers and their libraries, including tracebacks."""
        return self.root / "worker.log"

    @property
    def store(self) -> Path:
        """The artifact store, if the run has no bucket."""
        return self.root / "store"

    @property
    def cache(self) -> Path:
        """Unpacked artifacts; may be deleted while no host runs."""
        return self.root / "cache"

    @property
    def staging(self) -> Path:
        """Results while they are being installed."""
        return self.root / ".staging"

    @property
    def result(self) -> Path:
        """The result for programs; exists only when all other results exist."""
        return self.root / "result.json"

    @property
    def summary(self) -> Path:
        """The summary for people."""
        return self.root / "summary.txt"
