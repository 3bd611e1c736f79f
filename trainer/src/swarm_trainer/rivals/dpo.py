"""Carries out DPO on the objective: rounds of writing lists, pairing them and training the adapter that wrote them.

Each trained adapter is stored with a receipt, as those of clusters are, before it writes anything. So a rival that is
killed goes on with the adapter that it had, although on a GPU no training repeats itself bit for bit.

Limits: the training runs in the process that concludes. With servers, that process has no accelerator, so the CPU
trains, which suits small models.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from swarm_core import recipe
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.optimizers import positions
from swarm_core.recipe import Digest, Recipe
from swarm_core.rivals import list_pairs
from swarm_core.rivals.dpo import Dpo
from swarm_core.rivals.list_pairs import ListPair
from swarm_core.rollout import Rollout, build_sample
from swarm_core.swarm_names import RIVALS
from swarm_core.text import prompts
from swarm_trainer.evaluation import examine
from swarm_trainer.evaluation.examine import Examination, Stage
from swarm_trainer.lora import adapter
from swarm_trainer.lora.preference import PreferenceTuning
from swarm_trainer.lora.preference_pairs import PreferencePair, PreferenceSettings
from swarm_trainer.lora.training import TrainingSettings
from swarm_trainer.rivals.rival_context import FinalData, MeasurementRequest, RivalContext, RivalError
from swarm_trainer.run_store import receipt_store
from swarm_trainer.runtime import adapter_training, model_folders
from swarm_trainer.runtime.adapter_training import TrainingTask

BATCH = 4
"""The number of measurements that are requested at once. Those beyond the budget are made in vain."""


def carry_out(rival: Dpo, context: RivalContext) -> FinalData:
    """Train in rounds, and have the last adapter write the final items.

    Raises RivalError if no round has a pair, or if the adapter cannot be trained on those of a round.
    """
    writer, trained = find_initial_adapter(context), 0
    examination = replace(context.setup.examination, lists_per_prompt=rival.config.lists_per_prompt)
    for number in range(rival.config.rounds):
        pairs = collect_pairs(rival, context, examination, number, writer)
        if pairs:
            writer = load_or_train(rival, context, trained, writer, pairs)
            trained += 1
    if not trained:
        raise RivalError(
            f"no two lists of one prompt differ by minimumGap {rival.config.minimum_gap:g} in any of"
            f" {rival.config.rounds} rounds; lower it, or raise listsPerPrompt"
        )
    return context.write_final(build_recipe(context, writer))


def find_initial_adapter(context: RivalContext) -> Digest:
    """Return the adapter of the initial generator that was best in the choice."""
    plan, space = context.setup.plan, context.setup.space
    return space.basis[positions.vertices(plan.basis, plan.groups).index(context.found.initial.position)]


def build_recipe(context: RivalContext, digest: Digest) -> Recipe:
    """Return the model with one adapter."""
    space = context.setup.space
    return recipe.build_single(space.base, digest, space.dtype)


def collect_pairs(
    rival: Dpo, context: RivalContext, examination: Examination, number: int, writer: Digest
) -> list[PreferencePair]:
    """Have `writer` write lists until the budget up to this round is spent, and return their pairs."""
    budget, pairs = context.budget.take_share(number + 1, rival.config.rounds), list[PreferencePair]()
    for first in count(0, BATCH):
        wanted = plan_batch(context, examination, (number, first), build_recipe(context, writer))
        for one, rollout in zip(wanted, context.measure(wanted, budget), strict=True):
            if rollout is None:
                return pairs
            pairs += build_pairs(rival, context, examination, one.stage, rollout)
    raise AssertionError("a budget is finite")


def plan_batch(
    context: RivalContext, examination: Examination, place: tuple[int, int], writer: Recipe
) -> list[MeasurementRequest]:
    """Return some measurements of the size of those of the search. `place`: the round, and the first measurement."""
    (number, first), items = place, context.setup.resolved.evaluation.items
    return [
        MeasurementRequest(f"{index:04d}", writer, ("dpo", number, index), f"rounds/{number:02d}", items, examination)
        for index in range(first, first + BATCH)
    ]


def build_pairs(
    rival: Dpo, context: RivalContext, examination: Examination, stage: Stage, rollout: Rollout
) -> list[PreferencePair]:
    """Return the pairs of one rollout, as the prompts and lists that a generator is trained on."""
    evaluator, config = context.setup.evaluator, rival.config
    sample = build_sample([rollout], examination.judge, evaluator.reference)
    objective = evaluator.find_reported(context.start)
    found = list_pairs.find_pairs(rollout, sample, objective, config.lists_per_prompt, config.minimum_gap)
    return [format_pair(examination, stage, pair) for pair in found]


def format_pair(examination: Examination, stage: Stage, pair: ListPair) -> PreferencePair:
    """Return the prompt that both lists answer, and the lists as generators write them."""
    repeat, turn, number = pair.place
    place, wording = (*examine.find_stage(stage, repeat), turn, number), examination.wording
    shown = prompts.format_entries(wording, examine.draw_examples(examination, place))
    entries = [prompts.format_entries(wording, side) for side in (pair.chosen, pair.rejected)]
    chosen, rejected = (prompts.format_list(wording.style, side) for side in entries)
    return PreferencePair(prompts.format_generation(wording, shown), chosen, rejected, pair.gap)


def load_or_train(
    rival: Dpo, context: RivalContext, number: int, start: Digest, pairs: Sequence[PreferencePair]
) -> Digest:
    """Return the adapter of a training; train it from `start` if the store has none. The first that is stored counts.

    `number`: the number of trainings before it. A round without pairs has none, so receipts have no gap, at which those
    who look for all of them would stop. Raises RivalError if it cannot be trained, StoreError.
    """
    store, key = context.context.store, WorkItem(Kind.TRAIN, RIVALS, number).key
    receipt = receipt_store.load(store, key)
    if receipt is None:
        try:
            receipt = train(rival, context, key, start, pairs)
        except BadInputError as error:
            raise RivalError(f"its adapter cannot be trained: {error}") from error
        receipt = receipt_store.publish(store, receipt)
    return receipt.outputs[Output.ADAPTER]


def train(rival: Dpo, context: RivalContext, key: str, start: Digest, pairs: Sequence[PreferencePair]) -> Receipt:
    """Train `start` on pairs and store the result. Raises BadInputError, StoreError."""
    folder = model_folders.unpack_adapter(context.context, start)
    stage = PreferenceTuning(pairs, build_settings(rival, context, folder))

    def write_start(out: Path) -> None:
        shutil.copytree(folder, out)

    task = TrainingTask(len(pairs), stage, write_start, beside_servers=True)
    subject, resolved = f"rival {context.name}", context.setup.resolved
    return adapter_training.execute(key, subject, context.context, resolved, task, shown_as=context.item.key)


def build_settings(rival: Dpo, context: RivalContext, start: Path) -> PreferenceSettings:
    """Return the settings of the spec, with the size of the adapter in `start` and the run's way to write prompts."""
    block, wording, size = rival.config.training, context.setup.resolved.wording, adapter.read_signature(start)
    training = TrainingSettings(
        rank=size.rank,
        alpha=size.alpha,
        target_modules=size.target_modules,
        **block.model_dump(exclude={"loss", "dpo_nll", "dpo_margin", "beta"}),
        chat=wording.chat,
        system=wording.texts.generation_system,
    )
    return PreferenceSettings(training, block.beta, block.likelihood, block.margin)
