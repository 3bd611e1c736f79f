"""Builds the training tasks of takers that move: questions with verified answers, from a cluster or from a round.

An adapter of a later round starts from the best taker of the round before, so it keeps what that taker learned. Its
items are those of the pool and of the archive, which the takers still answer wrong. The new adapter joins the basis,
and the search finds its coefficient.
"""

from collections.abc import Sequence

from swarm_core import streams
from swarm_core.canonical_items import select_distinct
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.errors import BadInputError, ErrorCode, add_code
from swarm_core.items import Item
from swarm_core.optimizers import optimization
from swarm_core.ports import Solver, StoreError
from swarm_core.programs.adversarial_run.game import RoundTraining
from swarm_core.programs.adversarial_run.resolved import find_game
from swarm_core.recipe import Digest
from swarm_core.swarm_names import TAKERS
from swarm_core.text import prompts
from swarm_trainer.evaluation import run_parts, search_setup
from swarm_trainer.lora import adapter, training
from swarm_trainer.lora.training import InstructionTuning
from swarm_trainer.programs.adversarial_run import pools, turns
from swarm_trainer.run_store import commit_chain, experiments, pins
from swarm_trainer.runtime import model_folders
from swarm_trainer.runtime.adapter_training import TrainingTask
from swarm_trainer.runtime.context import Context
from swarm_trainer.steps import train
from swarm_trainer.steps.train import Pairs

WARMUP_RATIO = 0.1
"""The share of the steps in which the rate of a later adapter rises, as in the default training."""


def run(item: WorkItem, context: Context) -> Receipt:
    """Train one adapter: of a cluster at the start of the game, or of a round.

    The indexes of the rounds' adapters follow those of the clusters. Raises BadInputError, StoreError.
    """
    _, experiment = experiments.load(context.store)
    clusters = () if experiment.for_swarm(item.swarm).adapters else train.load_clusters(item, context)
    if item.index >= len(clusters):
        return train.execute_task(item, context, build_round_task(context, item.index - len(clusters) + 1))
    if item.swarm != TAKERS:
        return train.run(item, context)
    return train.execute_task(item, context, build_cluster_task(item, context, clusters[item.index]))


def build_cluster_task(item: WorkItem, context: Context, items: Sequence[Item]) -> TrainingTask:
    """Build the training task of a cluster's taker. Raises BadInputError."""
    resolved = context.resolved.for_swarm(item.swarm)
    seed, count = (
        streams.derive_seed(resolved.seed, "pairs", item.index),
        train.get_training_origin(resolved).training.pairs,
    )
    settings = train.build_settings(resolved, resolved.wording.texts.answering_system)
    return TrainingTask(len(items), InstructionTuning(build_question_pairs(context, items, count, seed), settings))


def build_question_pairs(context: Context, items: Sequence[Item], count: int, seed: int) -> Pairs:
    """Return `count` pairs of a question from `items` and its right answer. Items without a right answer are left out.

    The numbers of pairs of any two items differ by at most 1. Raises BadInputError if no item has a right answer, or if
    the judge is not the one that the run was prepared with.
    """
    pins.check_parts(context.resolved, context.store)
    judge, wording = run_parts.build_judge(context.resolved), context.resolved.wording
    assert isinstance(judge, Solver)  # `game_checks` has checked it
    solved = [(item, answer) for item in items if (answer := judge.solution(item)) is not None]
    if not solved:
        raise BadInputError(f"spec.takers.data: none of {len(items)} items of a cluster has a right answer; correct it")
    order = streams.sample(seed, len(solved), len(solved), "questions")
    selected = [solved[order[number % len(solved)]] for number in range(count)]
    return [
        (prompts.format_answering(wording, item.shown_text), prompts.format_answer(wording.style, answer))
        for item, answer in selected
    ]


def build_settings(context: Context, train: RoundTraining, first_taker: Digest) -> training.TrainingSettings:
    """Return the settings of a round: those of `train`, and the LoRA settings of the first taker's adapter."""
    base = context.resolved.base
    signature = adapter.read_signature(model_folders.unpack_adapter(context, first_taker))
    return training.TrainingSettings(
        rank=signature.rank,
        alpha=signature.alpha,
        target_modules=signature.target_modules,
        epochs=train.epochs,
        learning_rate=train.learning_rate,
        warmup_ratio=WARMUP_RATIO,
        max_length=base.max_model_len,
        batch_size=train.batch_size,
        gradient_accumulation=1,
        gradient_checkpointing=False,
        chat=context.resolved.wording.chat,
        system=context.resolved.wording.texts.answering_system,
    )


def build_round_task(context: Context, number: int) -> TrainingTask:
    """Build the training task of round `number`. Raises StoreError if no taker was ever scored, BadInputError."""
    game = find_game(context.resolved)
    assert game is not None
    assert game.train is not None
    pool = pools.build_pool(context, number)
    entries = (*pool.entries, *pool.archive)
    items = select_distinct((entry.item for entry in entries), run_parts.build_judge(context.resolved))
    last_commit = commit_chain.load_existing(context.store, turns.chain_index(TAKERS, number - 1))
    setup = search_setup.load(context, TAKERS).with_basis(last_commit.basis)
    best = optimization.best(optimization.from_json(last_commit.swarm))
    if best is None:
        failure = StoreError(
            f"round {number}: no taker was ever scored, so there is none to train further; see its rollouts"
        )
        raise add_code(failure, ErrorCode.NOTHING_ACCEPTED)
    settings = build_settings(context, game.train, last_commit.basis[0])
    seed = streams.derive_seed(setup.resolved.seed, "lesson", number)
    pairs = build_question_pairs(context, items, len(items), seed)
    stage = InstructionTuning(pairs, settings)
    return TrainingTask(len(items), stage, lambda out: setup.space.export(context, best.position, out))
