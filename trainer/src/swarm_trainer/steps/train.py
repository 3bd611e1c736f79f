"""Seed one adapter: fine-tune a LoRA on its cluster of the seed data, or, in a game, on the pool of a round.

Generators learn k examples in, k examples out; takers that move, questions and verified answers (`taker_training`).

Every adapter of a swarm starts from the same A, drawn from the run's seed: adapters are later added elementwise, and
only in shared coordinates does a sum mean both. Which examples make up the pairs differs by cluster.
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from swarm_core import streams
from swarm_core.api.resolved import ResolvedSpec, TrainedAdapters
from swarm_core.engine import search_settings
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.items import Item
from swarm_core.swarm_names import TAKERS
from swarm_core.text import prompts
from swarm_trainer.adversarial import taker_training
from swarm_trainer.adversarial.taker_training import TrainingTask
from swarm_trainer.data import pairs
from swarm_trainer.lora import training
from swarm_trainer.lora.base import BaseModelConfig
from swarm_trainer.run_store import experiments
from swarm_trainer.runtime import model_folders
from swarm_trainer.runtime.context import Context, Progress
from swarm_trainer.stores import tree


def run(item: WorkItem, context: Context) -> Receipt:
    """Train the adapter of cluster `item.index`, or the one of a round that stands behind them, and store it."""
    _, experiment = experiments.load(context.store)
    clusters = () if experiment.for_swarm(item.swarm).adapters else load_clusters(item, context)
    if item.index >= len(clusters):
        lesson = taker_training.build_round_task(context, item.index - len(clusters) + 1)
    else:
        lesson = build_cluster_task(item, context, clusters[item.index])
    context.cache.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{item.key}.", dir=context.cache))
    try:
        trained = train_adapter(item, context, lesson, scratch)
        adapter = tree.put_tree(context.store, scratch / "adapter")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    scalars = {"items": lesson.items, "loss": trained.loss, "truncated": trained.truncated, "dropped": trained.dropped}
    return Receipt(item.key, outputs={Output.ADAPTER: adapter}, scalars=scalars)


def load_clusters(item: WorkItem, context: Context) -> tuple[tuple[Item, ...], ...]:
    """The clusters of the item's swarm."""
    _, experiment = experiments.load(context.store)
    return experiments.load_seed_data(context.store, experiment.for_swarm(item.swarm)).clusters


def build_cluster_task(item: WorkItem, context: Context, items: tuple[Item, ...]) -> TrainingTask:
    """What the adapter of a cluster is trained on."""
    resolved = search_settings.for_swarm(context.resolved, item.swarm)
    seed, count = streams.seed(resolved.seed, "pairs", item.index), get_training_origin(resolved).training.pairs
    if item.swarm == TAKERS:
        drawn = taker_training.build_question_pairs(context, items, count, seed)
    else:
        shots, style = resolved.generation.shots, resolved.base.template
        drawn = pairs.build_self_instruct_pairs(items, count, shots, style, resolved.domain, seed)
    return TrainingTask(len(items), drawn, build_settings(resolved))


def train_adapter(item: WorkItem, context: Context, lesson: TrainingTask, scratch: Path) -> training.TrainingResult:
    """Fine-tune one LoRA into a folder of `scratch`."""
    resolved = search_settings.for_swarm(context.resolved, item.swarm)
    what = f"{item.swarm.removesuffix('s')} {item.index}"

    def heard(step: int, steps: int, loss: float) -> None:
        context.progress(Progress(item.key, f"training {what}, loss {loss:.3f}", step, steps))

    where = BaseModelConfig(
        model_folders.locate_base(context), str(resolved.base.dtype), str(resolved.execution.local.device)
    )
    chosen = lesson.settings
    if lesson.start is not None:
        lesson.start(scratch / "start")
        chosen = replace(chosen, start=scratch / "start")
    return training.train(where, lesson.pairs, chosen, resolved.seed, scratch / "adapter", heard)


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
