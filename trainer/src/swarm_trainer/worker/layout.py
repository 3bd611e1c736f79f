"""Where things are in a run folder: every path of it, and nothing else.

The store is the truth. `state.json` and `run.json` are the host's memory; the rest is for people or can be made again.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one run folder."""

    root: Path

    @property
    def run(self) -> Path:
        """Which experiment the folder belongs to; written once."""
        return self.root / "run.json"

    @property
    def worker_spec(self) -> Path:
        """The resolved spec that the worker reads; written at every start."""
        return self.root / "resolved.json"

    @property
    def state(self) -> Path:
        """The engine's state; replaced before anything is done about it."""
        return self.root / "state.json"

    @property
    def status(self) -> Path:
        """The state as people and programs read it; never read back."""
        return self.root / "status.json"

    @property
    def lock(self) -> Path:
        """Held while a host lives; names it."""
        return self.root / "lock"

    @property
    def log(self) -> Path:
        """What workers and their libraries print, tracebacks included."""
        return self.root / "worker.log"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def cache(self) -> Path:
        """Artifacts unpacked; may be removed while no host lives."""
        return self.root / "cache"

    @property
    def staging(self) -> Path:
        """Results on their way to their place."""
        return self.root / ".staging"

    @property
    def result(self) -> Path:
        """Stands only when every other result stands."""
        return self.root / "result.json"

    @property
    def summary(self) -> Path:
        return self.root / "summary.txt"
