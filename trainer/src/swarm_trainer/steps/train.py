"""Trains one adapter: fine-tunes a LoRA of the base model, on its cluster of the seed data or on a given task.

Generators learn to write k items from k examples.

Every adapter of a swarm starts from the same A, drawn from the run's seed. Adapters are later added element by element,
and the sum combines their effects only if they share coordinates. The clusters differ in the examples of their pairs.
"""

from swarm_core import streams
from swarm_core.api.resolved import ResolvedSpec, TrainedAdapters
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.items import Item
from swarm_trainer.data import pairs
from swarm_trainer.lora import training
from swarm_trainer.lora.training import InstructionTuning
from swarm_trainer.run_store import experiments
from swarm_trainer.runtime import adapter_training
from swarm_trainer.runtime.adapter_training import TrainingTask
from swarm_trainer.runtime.context import Context

Pairs = list[tuple[str, str]]
"""Prompts, and the completions to learn."""


def run(item: WorkItem, context: Context) -> Receipt:
    """Train the generator of cluster `item.index` and store it. Raises BadInputError, StoreError."""
    return execute_task(item, context, build_cluster_task(item, context, load_clusters(item, context)[item.index]))


def execute_task(item: WorkItem, context: Context, task: TrainingTask) -> Receipt:
    """Train the adapter of `task` and store it. Raises BadInputError, StoreError."""
    subject = f"{item.swarm.removesuffix('s')} {item.index}"
    return adapter_training.execute(item.key, subject, context, context.resolved.for_swarm(item.swarm), task)


def load_clusters(item: WorkItem, context: Context) -> tuple[tuple[Item, ...], ...]:
    """Load the clusters of the item's swarm. Raises StoreError."""
    _, experiment = experiments.load(context.store)
    return experiments.load_seed_data(context.store, experiment.for_swarm(item.swarm)).clusters


def build_cluster_task(item: WorkItem, context: Context, items: tuple[Item, ...]) -> TrainingTask:
    """Build the training task of a cluster's generator."""
    resolved = context.resolved.for_swarm(item.swarm)
    seed, count = streams.derive_seed(resolved.seed, "pairs", item.index), get_training_origin(resolved).training.pairs
    drawn = pairs.build_self_instruct_pairs(items, count, resolved.generation.shots, resolved.wording, seed)
    system = resolved.wording.texts.generation_system
    return TrainingTask(len(items), InstructionTuning(drawn, build_settings(resolved, system)))


def get_training_origin(resolved: ResolvedSpec) -> TrainedAdapters:
    """Return the training block of a side whose adapters are trained. Raises TypeError for given adapters."""
    origin = resolved.generators.origin
    if not isinstance(origin, TrainedAdapters):
        raise TypeError("this side is given as adapters, so nothing is trained for it")
    return origin


def build_settings(resolved: ResolvedSpec, system: str | None) -> training.TrainingSettings:
    """Convert the API's training block into the trainer's settings. `system`: the system text of the prompts."""
    block = get_training_origin(resolved).training
    return training.TrainingSettings(**block.model_dump(exclude={"pairs"}), chat=resolved.wording.chat, system=system)
