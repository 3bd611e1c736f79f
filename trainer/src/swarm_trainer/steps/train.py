"""Train one adapter: fine-tune a LoRA of the base model, on its cluster of the seed data or as a task says.

Generators learn k examples in, k examples out.

Every adapter of a swarm starts from the same A, drawn from the run's seed: adapters are later added elementwise, and
only in shared coordinates does a sum mean both. Which examples make up the pairs differs by cluster.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from swarm_core import streams
from swarm_core.api.resolved import ResolvedSpec, TrainedAdapters
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.items import Item
from swarm_core.text import prompts
from swarm_trainer.data import pairs
from swarm_trainer.lora import training
from swarm_trainer.lora.base import BaseModelConfig
from swarm_trainer.run_store import experiments
from swarm_trainer.runtime import model_folders
from swarm_trainer.runtime.context import Context, Progress
from swarm_trainer.stores import tree

Pairs = list[tuple[str, str]]
"""Prompts and the completions that are learned."""


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """What one adapter is trained on, and how."""

    items: int
    """Items that the pairs are made from."""
    pairs: Pairs
    settings: training.TrainingSettings
    start: Callable[[Path], None] | None = None
    """Writes the adapter to continue from into a folder; None starts from a new one."""


def run(item: WorkItem, context: Context) -> Receipt:
    """Train the generator of cluster `item.index` and store it."""
    return execute_task(item, context, build_cluster_task(item, context, load_clusters(item, context)[item.index]))


def execute_task(item: WorkItem, context: Context, task: TrainingTask) -> Receipt:
    """Train the adapter of `task` and store it."""
    context.cache.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{item.key}.", dir=context.cache))
    try:
        trained = train_adapter(item, context, task, scratch)
        adapter = tree.put_tree(context.store, scratch / "adapter")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    scalars = {"items": task.items, "loss": trained.loss, "truncated": trained.truncated, "dropped": trained.dropped}
    return Receipt(item.key, outputs={Output.ADAPTER: adapter}, scalars=scalars)


def load_clusters(item: WorkItem, context: Context) -> tuple[tuple[Item, ...], ...]:
    """The clusters of the item's swarm."""
    _, experiment = experiments.load(context.store)
    return experiments.load_seed_data(context.store, experiment.for_swarm(item.swarm)).clusters


def build_cluster_task(item: WorkItem, context: Context, items: tuple[Item, ...]) -> TrainingTask:
    """What the generator of a cluster is trained on."""
    resolved = context.resolved.for_swarm(item.swarm)
    seed, count = streams.seed(resolved.seed, "pairs", item.index), get_training_origin(resolved).training.pairs
    shots, style = resolved.generation.shots, resolved.base.template
    drawn = pairs.build_self_instruct_pairs(items, count, shots, style, resolved.domain, seed)
    return TrainingTask(len(items), drawn, build_settings(resolved))


def train_adapter(item: WorkItem, context: Context, task: TrainingTask, scratch: Path) -> training.TrainingResult:
    """Fine-tune one LoRA into a folder of `scratch`."""
    resolved = context.resolved.for_swarm(item.swarm)
    what = f"{item.swarm.removesuffix('s')} {item.index}"

    def heard(step: int, steps: int, loss: float) -> None:
        context.progress(Progress(item.key, f"training {what}, loss {loss:.3f}", step, steps))

    where = BaseModelConfig(
        model_folders.locate_base(context), str(resolved.base.dtype), str(resolved.execution.local.device)
    )
    chosen = task.settings
    if task.start is not None:
        task.start(scratch / "start")
        chosen = replace(chosen, start=scratch / "start")
    return training.train(where, task.pairs, chosen, resolved.seed, scratch / "adapter", heard)


def get_training_origin(resolved: ResolvedSpec) -> TrainedAdapters:
    """How a side is trained. Only called where they are: given adapters have no seed items."""
    trained = resolved.generators.origin
    if not isinstance(trained, TrainedAdapters):
        raise TypeError("a seed item for a side that is given as adapters")
    return trained


def build_settings(resolved: ResolvedSpec) -> training.TrainingSettings:
    """The API's training block as the trainer knows it."""
    block = get_training_origin(resolved).training
    return training.TrainingSettings(
        **block.model_dump(exclude={"pairs"}), chat=prompts.TEMPLATES[resolved.base.template].chat
    )
