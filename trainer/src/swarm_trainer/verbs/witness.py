"""What a takers' turn has written beside its probes: drafts for the pool before it, held-out measurements after it.

Held-out are the real items that the takers' data holds out, of which one half is for the curve and the other for the
verdict, and items of the rivals: generators of another seed, their corners and analogies, which no taker plays against.
"""

from collections.abc import Sequence
from math import ceil

from swarm_core import commit
from swarm_core.commit import Probed
from swarm_core.engine.work import WorkItem
from swarm_core.ports import Inference
from swarm_core.rollout import Rollout
from swarm_core.sides import RIVALS, TAKERS
from swarm_core.swarm import pso
from swarm_trainer.verbs import chain, efforts, gather, lanes, pools, setup, turns
from swarm_trainer.verbs.context import Context, Progress
from swarm_trainer.verbs.examine import Exam, Place
from swarm_trainer.verbs.gather import Wanted
from swarm_trainer.verbs.setup import Setup
from swarm_trainer.verbs.turns import Turn

CURVE, VERDICT = 0, 1
"""The halves of the real items."""
REAL, RIVAL = "real", "rivals"
HELD_OUT = "HeldOut"
"""The purpose of such a measurement in a commit."""


def draft(item: WorkItem, context: Context) -> None:
    """Have the generators write for the pool after their move, if the pool is to be as released."""
    game = context.resolved.game
    if game is None or not game.reference or item.index == 0:
        return
    ready = setup.prepared(context)
    before = chain.standing(context.store, turns.place(context, TAKERS, item.index) - 1)
    recipes = [ready.recipe(particle.position) for particle in pso.from_json(before.swarm).particles]
    engines = ready.serving(context, recipes)
    jobs = [writing(context, ready.exam, wanted) for wanted in pools.draft(context, before)]
    for number, rollout in enumerate(lanes.spread(engines, jobs), 1):
        effort = efforts.report(context)
        context.progress(Progress(item.key, "writing new items", number, len(jobs), rollout.tokens, effort=effort))


def shown(item: WorkItem, context: Context, turn: Turn, swarm: pso.Swarm) -> tuple[Probed, ...]:
    """The best taker after its turn on held-out data; nothing while none was scored."""
    best = pso.best(swarm)
    if best is None:
        return ()
    recipe = turn.setup.recipe(best.position)
    questions = {
        REAL: real(context, CURVE),
        RIVAL: written(context, item.key, ("rivals",), len(turn.pool.items) if turn.pool else 0),
    }
    (engine, *_) = turn.setup.serving(context, [recipe])
    found = []
    for name, items in questions.items():
        wanted = Wanted(key(turn.index, name), recipe.name, ("held out",), items)
        digest, rollout = gather.gather(context.store, turn.setup.exam, engine, wanted, context.meter)
        result = turn.setup.measured(rollout, turn.index, name)
        found.append(Probed(name, HELD_OUT, best.position, recipe.name, digest, result))
    return tuple(found)


def key(index: int, name: str) -> str:
    """Where the answers to held-out items stand."""
    return commit.rollout_key(f"iterations/{index:04d}/held-out", name)


def real(context: Context, half: int) -> tuple[str, ...]:
    """One half of the real items: every second one, in the order of the data."""
    _, experiment = setup.manifested(context.store)
    return setup.seed_data(context.store, experiment.side(TAKERS)).held_out[half::2]


def written(context: Context, item: str, place: Place, count: int) -> tuple[str, ...]:
    """About `count` distinct items of the rivals, written at `place` now or before."""
    ready = setup.prepared(context, RIVALS)
    probes = pso.ask(pso.start(ready.plan))
    wanted = [
        Wanted(
            commit.rollout_key("/".join(map(str, place)), probe.name),
            ready.recipe(probe.position).name,
            place,
            ceil(count / len(probes)),
        )
        for probe in probes
    ]
    rollouts = stored(context, wanted) or made(context, item, ready, wanted)
    return tuple(dict.fromkeys(one.text for rollout in rollouts for one in rollout.items))


def stored(context: Context, wanted: Sequence[Wanted]) -> list[Rollout]:
    """All that is wanted, if all of it stands in the store; else nothing."""
    found = [context.store.read(one.key) for one in wanted]
    return [Rollout.from_bytes(data) for data in found if data is not None] if None not in found else []


def made(context: Context, item: str, ready: Setup, wanted: Sequence[Wanted]) -> list[Rollout]:
    """All that is wanted, written now."""
    engines = ready.serving(context, [ready.recipe(probe.position) for probe in pso.ask(pso.start(ready.plan))])
    found = []
    for rollout in lanes.spread(engines, [writing(context, ready.exam, one) for one in wanted]):
        found.append(rollout)
        done, total, effort = len(found), len(wanted), efforts.report(context)
        context.progress(Progress(item, "rivals write", done, total, rollout.tokens, effort=effort))
    return found


def writing(context: Context, exam: Exam, wanted: Wanted) -> lanes.Job[Rollout]:
    """The job of writing items that nobody answers yet."""

    def job(engine: Inference) -> Rollout:
        return gather.gather(context.store, exam, engine, wanted, context.meter)[1]

    return job
