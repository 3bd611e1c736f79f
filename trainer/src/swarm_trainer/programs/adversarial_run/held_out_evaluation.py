"""Measures the takers on held-out items after their turn, and generates the drafts for the pool before it.

Held-out items are the real items that the takers' data holds out, half of them for the curve and half for the final
evaluation, and items of the rivals. The rivals are generators of another seed: their initial adapters and linear
combinations of these. No taker plays against them.
"""

from collections.abc import Sequence
from math import ceil

from swarm_core import commit
from swarm_core.canonical_items import select_distinct
from swarm_core.commit import MeasuredCandidate
from swarm_core.engine.work import WorkItem
from swarm_core.items import Item
from swarm_core.optimizers import optimization
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.ports import Inference
from swarm_core.programs.adversarial_run.resolved import find_game
from swarm_core.rollout import Rollout
from swarm_core.swarm_names import RIVALS, TAKERS
from swarm_trainer.evaluation import lanes, rollout_store, run_parts, search_setup, serving
from swarm_trainer.evaluation.examine import Examination, Stage
from swarm_trainer.evaluation.rollout_store import RolloutRequest
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.evaluation.turn import HELD_OUT_PURPOSE, Turn
from swarm_trainer.programs.adversarial_run import pools, turns
from swarm_trainer.run_store import commit_chain, experiments
from swarm_trainer.runtime.context import Context, Progress

CURVE_HALF, FINAL_HALF = 0, 1
"""The halves of the real items."""
REAL_ITEMS, RIVAL_ITEMS = "real", "rivals"


def generate_drafts(item: WorkItem, context: Context) -> None:
    """Have the generators write items for the pool after their move, if the game is `compat: Reference`."""
    game = find_game(context.resolved)
    assert game is not None
    if not game.reference or item.index == 0:
        return
    setup = search_setup.load(context)
    last_commit = commit_chain.load_existing(context.store, turns.chain_index(TAKERS, item.index) - 1)
    recipes = list(map(setup.space.recipe, optimization.current_positions(optimization.from_json(last_commit.swarm))))
    engines = serving.serve(context, setup, recipes)
    jobs = [
        build_writing_job(context, setup.examination, request)
        for request in pools.list_draft_requests(context, last_commit)
    ]
    for number, rollout in enumerate(lanes.run_jobs(engines, jobs), 1):
        usage = context.record_usage()
        context.progress(Progress(item.key, "writing new items", number, len(jobs), rollout.tokens, usage=usage))


def measure_best_taker(
    item: WorkItem, context: Context, turn: Turn, swarm: SearchState
) -> tuple[MeasuredCandidate, ...]:
    """Measure the best taker after its turn on held-out items. Returns nothing if none was scored, or for generators.

    The caller, which knows the candidates of the turn, composes the fitness. Raises InferenceError, CorruptError,
    StoreError.
    """
    best = optimization.best(swarm)
    if best is None or turn.pool is None:
        return ()
    recipe = turn.setup.space.recipe(best.position)
    items_by_source = {
        REAL_ITEMS: load_real_items(context, CURVE_HALF),
        RIVAL_ITEMS: load_or_generate_rival_items(context, item.key, ("rivals",), len(turn.pool.items)),
    }
    (engine, *_) = serving.serve(context, turn.setup, [recipe])
    results = []
    for name, items in items_by_source.items():
        request = RolloutRequest(key(turn.index, name), recipe.name, ("held out",), items)
        digest, rollout = rollout_store.load_or_create(
            context.store, turn.setup.examination, engine, request, context.meter
        )
        values = turn.setup.evaluator.measure([rollout], turn.index, name)
        results.append(MeasuredCandidate(name, HELD_OUT_PURPOSE, best.position, recipe.name, digest, values, None))
    return tuple(results)


def key(index: int, name: str) -> str:
    """Return the key of the answers to held-out items."""
    return commit.rollout_key(f"iterations/{index:04d}/held-out", name)


def load_real_items(context: Context, half: int) -> tuple[Item, ...]:
    """Load one half of the real items: every second one, in the order of the data. Raises StoreError."""
    _, experiment = experiments.load(context.store)
    return experiments.load_seed_data(context.store, experiment.for_swarm(TAKERS)).held_out[half::2]


def load_or_generate_rival_items(context: Context, item: str, stage: Stage, count: int) -> tuple[Item, ...]:
    """Return about `count` distinct items of the rivals, loaded from the store or generated now at `stage`."""
    rollouts = load_or_generate_rival_rollouts(context, item, stage, count)
    judge = run_parts.build_judge(context.resolved)
    return select_distinct((one.item for rollout in rollouts for one in rollout.items), judge)


def load_or_generate_rival_rollouts(context: Context, item: str, stage: Stage, count: int) -> list[Rollout]:
    """Return rollouts of the rivals with about `count` items, loaded from the store or generated now at `stage`."""
    setup = search_setup.load(context, RIVALS)
    candidates = optimization.ask(optimization.start(setup.plan))
    requests = [
        RolloutRequest(
            commit.rollout_key("/".join(map(str, stage)), candidate.name),
            setup.space.recipe(candidate.position).name,
            stage,
            ceil(count / len(candidates)),
        )
        for candidate in candidates
    ]
    return load_rollouts(context, requests) or generate_rollouts(context, item, setup, requests)


def load_rollouts(context: Context, requests: Sequence[RolloutRequest]) -> list[Rollout]:
    """Load all requested rollouts. The list is empty if the store lacks one of them."""
    stored = [context.store.read(request.key) for request in requests]
    return [Rollout.from_bytes(data) for data in stored if data is not None] if None not in stored else []


def generate_rollouts(
    context: Context, item: str, setup: SearchSetup, requests: Sequence[RolloutRequest]
) -> list[Rollout]:
    """Generate all requested rollouts now. Raises InferenceError, StoreError, CorruptError."""
    candidates = optimization.ask(optimization.start(setup.plan))
    engines = serving.serve(context, setup, [setup.space.recipe(candidate.position) for candidate in candidates])
    rollouts = []
    for rollout in lanes.run_jobs(
        engines, [build_writing_job(context, setup.examination, request) for request in requests]
    ):
        rollouts.append(rollout)
        done, total, usage = len(rollouts), len(requests), context.record_usage()
        context.progress(Progress(item, "rivals write", done, total, rollout.tokens, usage=usage))
    return rollouts


def build_writing_job(context: Context, exam: Examination, request: RolloutRequest) -> lanes.EngineJob[Rollout]:
    """Build the job of writing items that nothing answers yet."""

    def job(engine: Inference) -> Rollout:
        return rollout_store.load_or_create(context.store, exam, engine, request, context.meter)[1]

    return job
