"""Seed one adapter: fine-tune a LoRA on its cluster of the seed data, or, in a game, on the pool of a round.

Generators learn k examples in, k examples out; takers that move, questions and verified answers (`lessons`).

Every adapter of a swarm starts from the same A, drawn from the run's seed: adapters are later added elementwise, and
only in shared coordinates does a sum mean both. Which examples make up the pairs differs by cluster.
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from swarm_core.api.resolved import ResolvedSpec, Trained
from swarm_core.engine import search
from swarm_core.engine.receipts import Output
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.sides import TAKERS
from swarm_core.swarm import streams
from swarm_core.text import prompts
from swarm_trainer.data import pairs
from swarm_trainer.lora import training
from swarm_trainer.lora.base import Base
from swarm_trainer.stores import tree
from swarm_trainer.verbs import lessons, setup
from swarm_trainer.verbs.context import Context, Progress
from swarm_trainer.verbs.lessons import Lesson


def run(item: WorkItem, context: Context) -> Receipt:
    """Train the adapter of cluster `item.index`, or the one of a round that stands behind them, and store it."""
    _, experiment = setup.manifested(context.store)
    clusters = () if experiment.side(item.swarm).adapters else seeds_of(item, context)
    if item.index >= len(clusters):
        lesson = lessons.later(context, item.index - len(clusters) + 1)
    else:
        lesson = first(item, context, clusters[item.index])
    context.cache.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{item.key}.", dir=context.cache))
    try:
        trained = train(item, context, lesson, scratch)
        adapter = tree.put_tree(context.store, scratch / "adapter")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    scalars = {"items": lesson.items, "loss": trained.loss, "truncated": trained.truncated, "dropped": trained.dropped}
    return Receipt(item.key, outputs={Output.ADAPTER: adapter}, scalars=scalars)


def seeds_of(item: WorkItem, context: Context) -> tuple[tuple[str, ...], ...]:
    """The clusters of the item's swarm."""
    _, experiment = setup.manifested(context.store)
    return setup.seed_data(context.store, experiment.side(item.swarm)).clusters


def first(item: WorkItem, context: Context, items: tuple[str, ...]) -> Lesson:
    """What the adapter of a cluster is trained on."""
    resolved = search.side(context.resolved, item.swarm)
    seed, count = streams.seed(resolved.seed, "pairs", item.index), origin(resolved).training.pairs
    if item.swarm == TAKERS:
        drawn = lessons.questions(context, items, count, seed)
    else:
        shots, style = resolved.generation.shots, resolved.base.template
        drawn = pairs.self_instruct_pairs(items, count, shots, style, resolved.domain, seed)
    return Lesson(len(items), drawn, settings(resolved))


def train(item: WorkItem, context: Context, lesson: Lesson, scratch: Path) -> training.Trained:
    """Fine-tune one LoRA into a folder of `scratch`."""
    resolved = search.side(context.resolved, item.swarm)
    what = f"{item.swarm.removesuffix('s')} {item.index}"

    def heard(step: int, steps: int, loss: float) -> None:
        context.progress(Progress(item.key, f"training {what}, loss {loss:.3f}", step, steps))

    where = Base(setup.base_folder(context), str(resolved.base.dtype), str(resolved.execution.local.device))
    chosen = lesson.settings
    if lesson.start is not None:
        lesson.start(scratch / "start")
        chosen = replace(chosen, start=scratch / "start")
    return training.train(where, lesson.pairs, chosen, resolved.seed, scratch / "adapter", heard)


def origin(resolved: ResolvedSpec) -> Trained:
    """How a side is trained. Only called where they are: given adapters have no seed items."""
    trained = resolved.generators.origin
    if not isinstance(trained, Trained):
        raise TypeError("a seed item for a side that is given as adapters")
    return trained


def settings(resolved: ResolvedSpec) -> training.Settings:
    """The API's training block as the trainer knows it."""
    block = origin(resolved).training
    return training.Settings(**block.model_dump(exclude={"pairs"}), chat=prompts.TEMPLATES[resolved.base.template].chat)
