"""Seed one generator: fine-tune a LoRA on its cluster of the seed data, k examples in, k examples out.

Every generator starts from the same A, drawn from the run's seed: adapters are later added elementwise, and only in
shared coordinates does a sum mean both. Which examples make up the pairs differs by cluster.
"""

import shutil
import tempfile
from pathlib import Path

from swarm_core.api.resolved import ResolvedSpec, Trained
from swarm_core.engine.receipts import Output
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.swarm import streams
from swarm_core.text import prompts
from swarm_trainer.data import pairs
from swarm_trainer.lora import training
from swarm_trainer.lora.base import Base
from swarm_trainer.stores import tree
from swarm_trainer.verbs import setup
from swarm_trainer.verbs.context import Context, Progress


def run(item: WorkItem, context: Context) -> Receipt:
    """Train the adapter of cluster `item.index` and store it."""
    _, experiment = setup.manifested(context.store)
    items = setup.seed_data(context.store, experiment).clusters[item.index]
    context.cache.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{item.key}.", dir=context.cache))
    try:
        trained = train(item, context, items, scratch / "adapter")
        adapter = tree.put_tree(context.store, scratch / "adapter")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    scalars = {"items": len(items), "loss": trained.loss, "truncated": trained.truncated, "dropped": trained.dropped}
    return Receipt(item.key, outputs={Output.ADAPTER: adapter}, scalars=scalars)


def train(item: WorkItem, context: Context, items: tuple[str, ...], out: Path) -> training.Trained:
    """Fine-tune one LoRA on `items` into the folder `out`."""
    resolved = context.resolved
    recipe = settings(resolved)
    drawn = pairs.self_instruct_pairs(
        items,
        origin(resolved).training.pairs,
        resolved.generation.shots,
        resolved.base.template,
        resolved.domain,
        streams.seed(resolved.seed, "pairs", item.index),
    )

    def heard(step: int, steps: int, loss: float) -> None:
        context.progress(Progress(item.key, f"training generator {item.index}, loss {loss:.3f}", step, steps))

    where = Base(setup.base_folder(context), str(resolved.base.dtype), str(resolved.execution.local.device))
    return training.train(where, drawn, recipe, resolved.seed, out, heard)


def origin(resolved: ResolvedSpec) -> Trained:
    """How generators are trained. Only called where they are: given adapters have no seed items."""
    trained = resolved.generators.origin
    if not isinstance(trained, Trained):
        raise TypeError("a seed item for generators that are given as adapters")
    return trained


def settings(resolved: ResolvedSpec) -> training.Settings:
    """The API's training block as the trainer knows it."""
    block = origin(resolved).training
    return training.Settings(**block.model_dump(exclude={"pairs"}), chat=prompts.TEMPLATES[resolved.base.template].chat)
