"""Trains an adapter of a run's base model and stores it: whatever the stage of training, and whoever asks for it.

Limits: nothing is kept of a training that was killed. It begins again, and on a CPU it ends in the same bytes.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from swarm_core.api.execution import Device, InferenceType
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Receipt
from swarm_core.recipe import Digest
from swarm_trainer.lora.base import BaseModelConfig
from swarm_trainer.lora.training import StepCallback, TrainingResult, TrainingStage
from swarm_trainer.runtime import model_folders
from swarm_trainer.runtime.context import Context, Progress
from swarm_trainer.stores import tree


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """The training of one adapter."""

    items: int
    """The number of items that the training data is built from."""
    stage: TrainingStage
    start: Callable[[Path], None] | None = None
    """Writes the adapter to continue from into a folder. None starts a new adapter."""
    beside_servers: bool = False
    """Whether servers of this run may be up meanwhile. If they hold the accelerator, the CPU trains."""
    seed: int | None = None
    """The seed of the training; None means that of the run."""


def execute(
    key: str, subject: str, context: Context, resolved: ResolvedSpec, task: TrainingTask, shown_as: str = ""
) -> Receipt:
    """Train the adapter of `task` and store it; return a receipt with `key`.

    `subject`: what is trained, for people. `shown_as`: the key of the work item that reports the progress; by default
    `key`. Raises BadInputError, StoreError.
    """

    def report(step: int, steps: int, loss: float) -> None:
        context.progress(Progress(shown_as or key, f"training {subject}, loss {loss:.3f}", step, steps))

    adapter, result = train_and_store(key, context, resolved, task, report)
    return Receipt(key, outputs={Output.ADAPTER: adapter}, scalars=list_scalars(task, result))


def train_and_store(
    name: str, context: Context, resolved: ResolvedSpec, task: TrainingTask, report: StepCallback
) -> tuple[Digest, TrainingResult]:
    """Train the adapter of `task` and store it; return its digest and what the training did.

    `name`: the beginning of the name of its temporary folder. Raises BadInputError, StoreError.
    """
    context.cache.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=context.cache))
    try:
        start = None
        if task.start is not None:
            start = scratch / "start"
            task.start(start)
        base = BaseModelConfig(
            model_folders.locate_base(context),
            str(resolved.base.dtype),
            find_device(resolved, task.beside_servers),
            resolved.base.max_model_len,
        )
        seed = resolved.seed if task.seed is None else task.seed
        result = task.stage.train(base, start, seed, scratch / "adapter", report)
        return tree.put_tree(context.store, scratch / "adapter"), result
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def find_device(resolved: ResolvedSpec, beside_servers: bool) -> str:
    """Return the device of a training."""
    local = resolved.execution.local
    return str(Device.CPU if beside_servers and local.inference is InferenceType.VLLM else local.device)


def list_scalars(task: TrainingTask, result: TrainingResult) -> dict[str, float | int | str]:
    """Return the numbers of a training for people."""
    return {"items": task.items, "loss": result.loss, "truncated": result.truncated, "dropped": result.dropped}
