"""The input of a worker: the resolved spec of the run and the folder that its relative paths start from.

The host writes it to the run folder before it starts a worker, and a worker reads it once. The context, including
loaded models, lives as long as the process.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from swarm_core.api import resolution
from swarm_core.api.execution import S3Storage
from swarm_core.api.resolved import ResolvedRun
from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.ports import ArtifactStore
from swarm_trainer import steps
from swarm_trainer.meter import Meter
from swarm_trainer.run_store import pins
from swarm_trainer.runtime.context import Context, Progress
from swarm_trainer.stores import store_location
from swarm_trainer.stores.local import LocalStore
from swarm_trainer.worker.layout import Layout
from swarm_trainer.worker.loop import ItemExecutor


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """The resolved spec of a run and the folder of its relative paths."""

    resolved: ResolvedRun
    base_folder: Path
    """The folder that relative paths in the spec start from; absolute."""

    def to_bytes(self) -> bytes:
        """Return the content of the spec file."""
        fields = {"baseFolder": str(self.base_folder), "spec": json.loads(self.resolved.model_dump_json())}
        return json.dumps(fields, indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> "WorkerSpec":
        """Parse the content of the spec file. Raises ValueError if `to_bytes` did not write it."""
        fields = json.loads(data)
        return cls(resolution.load_resolved(fields["spec"]), Path(fields["baseFolder"]))


def load_executor(folder: Path) -> ItemExecutor:
    """Return the function that runs an item of the run in `folder`.

    Raises ValueError or OSError if the folder has no readable spec file, StoreError if the store cannot be opened.
    """
    layout = Layout(folder)
    spec = WorkerSpec.from_bytes(layout.worker_spec.read_bytes())
    limit_threads(spec.resolved)
    meter = Meter()
    store = open_store(layout, spec, meter)
    return build_executor(Context(spec.resolved, store, layout.cache, spec.base_folder, reject_progress, meter=meter))


def build_executor(context: Context) -> ItemExecutor:
    """Return the function that runs an item in this context. Local workers and pods both use it."""

    def execute_item(item: WorkItem, report: Callable[[Progress], None]) -> Receipt:
        context.progress = report
        if item.kind is Kind.PREPARE:
            check_store(context)
        return steps.execute(item, context)

    return execute_item


def open_store(layout: Layout, spec: WorkerSpec, meter: Meter | None = None) -> ArtifactStore:
    """Open the store of a run: the bucket that the spec names, or the one in the run folder. Raises StoreError."""
    storage = spec.resolved.storage
    return store_location.open_store(storage if isinstance(storage, S3Storage) else layout.store, layout.cache, meter)


def open_reachable_store(layout: Layout, spec: WorkerSpec) -> ArtifactStore:
    """Open the store of a run and check at once that it can be reached. Raises StoreError if it cannot."""
    store = open_store(layout, spec)
    if not isinstance(store, LocalStore):
        from swarm_trainer.stores import store_checks  # noqa: PLC0415 (boto3 loads slowly, and most runs do not need it)

        store_checks.check_reachable(store)
    return store


def check_store(context: Context) -> None:
    """Check, before a run starts, that its store supports conditional writes and holds no other experiment.

    Raises StoreError if the store lacks a guarantee, BadInputError if it holds another experiment of the same name.
    """
    if not isinstance(context.store, LocalStore):
        from swarm_trainer.stores import store_checks  # noqa: PLC0415 (boto3 loads slowly, and most runs do not need it)

        store_checks.check_conditional_writes(context.store)
    pins.check_experiment(context.run, context.store)


def limit_threads(resolved: ResolvedRun) -> None:
    """Limit the threads of all numeric libraries. Call this before they are imported, because they read it then."""
    threads = resolved.execution.local.threads
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)


def reject_progress(progress: Progress) -> None:
    """The receiver of progress while no item runs: it raises AssertionError, because there must be no progress then."""
    raise AssertionError(f"progress outside an item: {progress.key}")
