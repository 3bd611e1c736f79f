"""What takers that move are trained on: questions with verified answers, of their cluster at first, of the pool later.

A later adapter starts from the best taker of the round before, so it holds what the game has taught already; the pool
and the archive are what it is still bad at. It joins the basis and the search decides what it is worth.
"""

from collections.abc import Sequence

from swarm_core import streams
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.items import Item, select_distinct
from swarm_core.optimizers import optimization
from swarm_core.ports import Solver, StoreError
from swarm_core.programs.adversarial_run.resolved import find_game
from swarm_core.swarm_names import TAKERS
from swarm_core.text import prompts
from swarm_trainer.evaluation import run_parts, search_setup
from swarm_trainer.lora import adapter, training
from swarm_trainer.programs.adversarial_run import pools, turns
from swarm_trainer.run_store import commit_chain, experiments, pins
from swarm_trainer.runtime import model_folders
from swarm_trainer.runtime.context import Context
from swarm_trainer.steps import train
from swarm_trainer.steps.train import Pairs, TrainingTask

WARMUP_RATIO = 0.1
"""Share of the steps in which the rate of a later adapter rises, as in the default training."""


def run(item: WorkItem, context: Context) -> Receipt:
    """Train one adapter: of a cluster as the game begins, or of a round, numbered on from the clusters."""
    _, experiment = experiments.load(context.store)
    clusters = () if experiment.for_swarm(item.swarm).adapters else train.load_clusters(item, context)
    if item.index >= len(clusters):
        return train.execute_task(item, context, build_round_task(context, item.index - len(clusters) + 1))
    if item.swarm != TAKERS:
        return train.run(item, context)
    return train.execute_task(item, context, build_cluster_task(item, context, clusters[item.index]))


def build_cluster_task(item: WorkItem, context: Context, items: Sequence[Item]) -> TrainingTask:
    """What the taker of a cluster is trained on."""
    resolved = context.resolved.for_swarm(item.swarm)
    seed, count = streams.seed(resolved.seed, "pairs", item.index), train.get_training_origin(resolved).training.pairs
    return TrainingTask(len(items), build_question_pairs(context, items, count, seed), train.build_settings(resolved))


def build_question_pairs(context: Context, items: Sequence[Item], count: int, seed: int) -> Pairs:
    """`count` questions of `items`, each as often as any other or once more; one without a right answer is left out.

    Raises BadInputError if there is none with one, or if the judge is not the one that the run began with.
    """
    pins.check_parts(context.resolved, context.store)
    judge, style = run_parts.build_judge(context.resolved), context.resolved.base.template
    assert isinstance(judge, Solver)  # `game_checks` has checked
    solved = [(item, answer) for item in items if (answer := judge.solution(item)) is not None]
    if not solved:
        raise BadInputError(f"spec.takers.data: none of {len(items)} items of a cluster has a right answer; correct it")
    order = streams.sample(seed, len(solved), len(solved), "questions")
    drawn = [solved[order[number % len(solved)]] for number in range(count)]
    return [
        (prompts.format_answering(style, item.text), prompts.format_answer(style, answer)) for item, answer in drawn
    ]


def build_round_task(context: Context, number: int) -> TrainingTask:
    """The lesson of round `number`."""
    resolved, game = context.resolved, find_game(context.resolved)
    assert game is not None
    assert game.train is not None
    of_round = pools.build(context, number)
    items = select_distinct(entry.item for entry in (*of_round.entries, *of_round.archive))
    last = commit_chain.load_existing(context.store, turns.chain_index(TAKERS, number - 1))
    ready = search_setup.load(context, TAKERS).with_basis(last.basis)
    best = optimization.best(optimization.from_json(last.swarm))
    if best is None:
        raise StoreError(f"round {number}: no taker was ever scored, so there is none to train further")
    signature = adapter.read_signature(model_folders.unpack_adapter(context, last.basis[0]))
    settings = training.TrainingSettings(
        rank=signature.rank,
        alpha=signature.alpha,
        target_modules=signature.target_modules,
        epochs=game.train.epochs,
        learning_rate=game.train.learning_rate,
        warmup_ratio=WARMUP_RATIO,
        max_length=resolved.base.max_model_len,
        batch_size=game.train.batch_size,
        gradient_accumulation=1,
        gradient_checkpointing=False,
        chat=prompts.TEMPLATES[resolved.base.template].chat,
    )
    seed = streams.seed(ready.resolved.seed, "lesson", number)
    pairs = build_question_pairs(context, items, len(items), seed)
    return TrainingTask(len(items), pairs, settings, lambda out: ready.space.export(context, best.position, out))
