"""What a takers' turn has written beside its probes: drafts for the pool before it, held-out measurements after it.

Held-out are the real items that the takers' data holds out, of which one half is for the curve and the other for the
verdict, and items of the rivals: generators of another seed, their corners and analogies, which no taker plays against.
"""

from collections.abc import Sequence
from math import ceil

from swarm_core import commit
from swarm_core.commit import ProbeResult
from swarm_core.engine.work import WorkItem
from swarm_core.items import Item, select_distinct
from swarm_core.optimizers import optimization
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.ports import Inference
from swarm_core.programs.adversarial_run.resolved import find_game
from swarm_core.rollout import Rollout
from swarm_core.swarm_names import RIVALS, TAKERS
from swarm_trainer.evaluation import lanes, rollout_store, search_setup, serving
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
    """Have the generators write for the pool after their move, if the pool is to be as released."""
    game = find_game(context.resolved)
    assert game is not None
    if not game.reference or item.index == 0:
        return
    ready = search_setup.load(context)
    before = commit_chain.load_existing(context.store, turns.chain_index(TAKERS, item.index) - 1)
    recipes = list(map(ready.space.recipe, optimization.current_positions(optimization.from_json(before.swarm))))
    engines = serving.serve(context, ready, recipes)
    jobs = [
        build_writing_job(context, ready.examination, wanted) for wanted in pools.list_draft_requests(context, before)
    ]
    for number, rollout in enumerate(lanes.run_jobs(engines, jobs), 1):
        usage = context.record_usage()
        context.progress(Progress(item.key, "writing new items", number, len(jobs), rollout.tokens, usage=usage))


def measure_best_taker(item: WorkItem, context: Context, turn: Turn, swarm: SearchState) -> tuple[ProbeResult, ...]:
    """The best taker after its turn on held-out data; nothing while none was scored, or in a turn of generators.

    The fitness is left to whoever knows the probes of the turn.
    """
    best = optimization.best(swarm)
    if best is None or turn.pool is None:
        return ()
    recipe = turn.setup.space.recipe(best.position)
    questions = {
        REAL_ITEMS: load_real_items(context, CURVE_HALF),
        RIVAL_ITEMS: load_or_generate_rival_items(context, item.key, ("rivals",), len(turn.pool.items)),
    }
    (engine, *_) = serving.serve(context, turn.setup, [recipe])
    found = []
    for name, items in questions.items():
        wanted = RolloutRequest(key(turn.index, name), recipe.name, ("held out",), items)
        digest, rollout = rollout_store.load_or_create(
            context.store, turn.setup.examination, engine, wanted, context.meter
        )
        values = turn.setup.evaluator.measure([rollout], turn.index, name)
        found.append(ProbeResult(name, HELD_OUT_PURPOSE, best.position, recipe.name, digest, values, None))
    return tuple(found)


def key(index: int, name: str) -> str:
    """Where the answers to held-out items stand."""
    return commit.rollout_key(f"iterations/{index:04d}/held-out", name)


def load_real_items(context: Context, half: int) -> tuple[Item, ...]:
    """One half of the real items: every second one, in the order of the data."""
    _, experiment = experiments.load(context.store)
    return experiments.load_seed_data(context.store, experiment.for_swarm(TAKERS)).held_out[half::2]


def load_or_generate_rival_items(context: Context, item: str, place: Stage, count: int) -> tuple[Item, ...]:
    """About `count` distinct items of the rivals, written at `place` now or before."""
    ready = search_setup.load(context, RIVALS)
    probes = optimization.ask(optimization.start(ready.plan))
    wanted = [
        RolloutRequest(
            commit.rollout_key("/".join(map(str, place)), probe.name),
            ready.space.recipe(probe.position).name,
            place,
            ceil(count / len(probes)),
        )
        for probe in probes
    ]
    rollouts = load_rollouts(context, wanted) or generate_rollouts(context, item, ready, wanted)
    return select_distinct(one.item for rollout in rollouts for one in rollout.items)


def load_rollouts(context: Context, wanted: Sequence[RolloutRequest]) -> list[Rollout]:
    """All that is wanted, if all of it stands in the store; else nothing."""
    found = [context.store.read(one.key) for one in wanted]
    return [Rollout.from_bytes(data) for data in found if data is not None] if None not in found else []


def generate_rollouts(
    context: Context, item: str, ready: SearchSetup, wanted: Sequence[RolloutRequest]
) -> list[Rollout]:
    """All that is wanted, written now."""
    probes = optimization.ask(optimization.start(ready.plan))
    engines = serving.serve(context, ready, [ready.space.recipe(probe.position) for probe in probes])
    found = []
    for rollout in lanes.run_jobs(engines, [build_writing_job(context, ready.examination, one) for one in wanted]):
        found.append(rollout)
        done, total, usage = len(found), len(wanted), context.record_usage()
        context.progress(Progress(item, "rivals write", done, total, rollout.tokens, usage=usage))
    return found


def build_writing_job(context: Context, exam: Examination, wanted: RolloutRequest) -> lanes.EngineJob[Rollout]:
    """The job of writing items that nobody answers yet."""

    def job(engine: Inference) -> Rollout:
        return rollout_store.load_or_create(context.store, exam, engine, wanted, context.meter)[1]

    return job
