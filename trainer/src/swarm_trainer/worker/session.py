"""What a worker is started for: the resolved spec of the run, and the folder its relative paths start from.

The host writes it into the run folder before it starts a worker; a worker reads it once. The context, and with it
models that were loaded, lives as long as the process.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from swarm_core.api.execution import S3Storage
from swarm_core.api.resolution import ResolvedSpec
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
    """The run as a worker gets to know it."""

    resolved: ResolvedSpec
    base_folder: Path
    """Absolute."""

    def to_bytes(self) -> bytes:
        fields = {"baseFolder": str(self.base_folder), "spec": json.loads(self.resolved.model_dump_json())}
        return json.dumps(fields, indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> "WorkerSpec":
        """Raises ValueError for anything that `to_bytes` did not write."""
        fields = json.loads(data)
        return cls(ResolvedSpec.model_validate_json(json.dumps(fields["spec"])), Path(fields["baseFolder"]))


def load_executor(folder: Path) -> ItemExecutor:
    """What the worker of the run in `folder` does with an item. Raises ValueError or OSError without an order there."""
    layout = Layout(folder)
    spec = WorkerSpec.from_bytes(layout.worker_spec.read_bytes())
    limit_threads(spec.resolved)
    meter = Meter()
    store = open_store(layout, spec, meter)
    return build_executor(Context(spec.resolved, store, layout.cache, spec.base_folder, reject_progress, meter=meter))


def build_executor(context: Context) -> ItemExecutor:
    """What is done with an item in these surroundings, whoever the host is."""

    def execute_item(item: WorkItem, report: Callable[[Progress], None]) -> Receipt:
        context.progress = report
        if item.kind is Kind.PREPARE:
            check_store(context)
        return steps.execute(item, context)

    return execute_item


def open_store(layout: Layout, spec: WorkerSpec, meter: Meter | None = None) -> ArtifactStore:
    """The store of a run: a bucket if the spec names one, else in the run folder. Raises StoreError."""
    storage = spec.resolved.storage
    return store_location.open_store(storage if isinstance(storage, S3Storage) else layout.store, layout.cache, meter)


def open_reachable_store(layout: Layout, spec: WorkerSpec) -> ArtifactStore:
    """The store of a run, for a host: one that cannot be reached is refused at once. Raises StoreError."""
    store = open_store(layout, spec)
    if not isinstance(store, LocalStore):
        from swarm_trainer.stores import store_checks  # noqa: PLC0415 (boto3 takes a while, and most runs need none)

        store_checks.check_reachable(store)
    return store


def check_store(context: Context) -> None:
    """At the beginning of a run: its store keeps its word, and holds no other experiment.

    Raises StoreError and, where a run of the same name left another experiment behind, BadInputError.
    """
    if not isinstance(context.store, LocalStore):
        from swarm_trainer.stores import store_checks  # noqa: PLC0415 (boto3 takes a while, and most runs need none)

        store_checks.check_conditional_writes(context.store)
    pins.check_experiment(context.resolved, context.store)


def limit_threads(resolved: ResolvedSpec) -> None:
    """Bound the threads of every numeric library. They read this when they are imported, which is later."""
    threads = resolved.execution.local.threads
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)


def reject_progress(progress: Progress) -> None:
    """Takes reports while no item is in hand: there are none."""
    raise AssertionError(f"progress outside an item: {progress.key}")
