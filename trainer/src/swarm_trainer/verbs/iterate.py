"""One iteration: ask the swarm, examine every probe, tell the swarm, commit.

Killed anywhere, it goes on where it was: stored rollouts are read, the missing ones made, and a commit that stands is
the answer. What a probe is asked depends on the run's seed and the iteration alone.

In a game this is one swarm's turn (`turns`): takers are measured on the pool instead, and the best of them is shown on
held-out data when it has moved (`witness`), which no decision rests on.
"""

from statistics import fmean

from swarm_core import commit
from swarm_core.commit import Commit, Probed
from swarm_core.effort import Effort
from swarm_core.engine.receipts import Output, Scalar
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.ports import Inference, StoreError
from swarm_core.rollout import Rollout, count
from swarm_core.sides import TAKERS
from swarm_core.swarm import pso
from swarm_trainer.verbs import chain, efforts, gather, lanes, stops, turns, witness
from swarm_trainer.verbs.context import Context, Progress
from swarm_trainer.verbs.gather import Wanted
from swarm_trainer.verbs.turns import Turn


def run(item: WorkItem, context: Context) -> Receipt:
    """Carry out the turn of `item`."""
    index = turns.place(context, item.swarm, item.index)
    done = chain.load(context.store, index)
    if done is None:
        follow(item, context, index)
        done = chain.append(context.store, advance(item, context, index))
    else:
        chain.advance(context.store, done)
    return receipt(item, context, done)


def follow(item: WorkItem, context: Context, index: int) -> None:
    """Pass if what the item follows stands in the store as it names it. Raises CorruptError, StoreError."""
    if index > 0 and chain.load(context.store, index - 1, item.parent) is None:
        raise StoreError(f"iteration {index} follows {commit.key(index - 1)}, which the store does not hold")


def advance(item: WorkItem, context: Context, index: int) -> Commit:
    """Examine every probe and let the swarm absorb what was measured."""
    if item.swarm == TAKERS:
        witness.draft(item, context)
    turn = turns.at(context, index)
    setup, probes = turn.setup, pso.ask(turn.swarm)
    engines = setup.serving(context, [setup.recipe(probe.position) for probe in probes])
    found: list[Probed] = []
    for probed, rollout in lanes.spread(engines, [examining(context, turn, probe) for probe in probes]):
        found.append(probed)
        context.progress(reported(item, found, len(probes), rollout, efforts.report(context)))
    swarm = pso.tell(turn.swarm, {probe.name: probe.fitness for probe in found})
    assert item.parent is not None
    return Commit(
        experiment=setup.manifest,
        iteration=index,
        parent=item.parent,
        basis=setup.basis,
        swarm=pso.to_json(swarm),
        probes=tuple(found),
        moved=turn.moved,
        opponents=tuple(recipe.name for recipe in turn.opponents),
        pool=None if turn.pool is None else context.store.put(turn.pool.to_bytes()),
        held_out=() if turn.pool is None else witness.shown(item, context, turn, swarm),
    )


def examining(context: Context, turn: Turn, probe: pso.Probe) -> lanes.Job[tuple[Probed, Rollout]]:
    """The job of measuring one probe."""
    setup, model = turn.setup, turn.setup.recipe(probe.position).name
    wanted = Wanted(commit.probe_key(turn.index, probe.name), model, ("iteration", turn.index), turn.items)

    def job(engine: Inference) -> tuple[Probed, Rollout]:
        digest, rollout = gather.gather(context.store, setup.exam, engine, wanted, context.meter)
        result = setup.measured(rollout, turn.index, probe.name)
        return Probed(probe.name, str(probe.purpose), probe.position, model, digest, result), rollout

    return job


def reported(item: WorkItem, found: list[Probed], total: int, rollout: Rollout, effort: Effort) -> Progress:
    return Progress(
        key=item.key,
        note=f"examined {found[-1].name}",
        done=len(found),
        total=total,
        tokens=rollout.tokens,
        fitness=tuple((probe.name, probe.fitness) for probe in found),
        effort=effort,
    )


def receipt(item: WorkItem, context: Context, done: Commit) -> Receipt:
    """What status and the stop rule need of a commit."""
    swarm = pso.from_json(done.swarm)
    best, initial = pso.best(swarm), pso.initial_best(swarm)
    stored = (context.store.read(commit.probe_key(done.iteration, p.name)) for p in done.probes)
    counts = count(Rollout.from_bytes(data) for data in stored if data is not None)
    measured = [probe.fitness for probe in done.probes if probe.fitness is not None]
    return Receipt(
        key=item.key,
        outputs={Output.COMMIT: done.digest},
        scalars={
            Scalar.BEST: best.value if best else None,
            Scalar.BEST_PARTICLE: best.name if best else None,
            Scalar.BEST_RECIPE: turns.played(context, done, best.position).name if best else None,
            Scalar.INITIAL: initial.value if initial else None,
            Scalar.MEAN: fmean(measured) if measured else None,
            Scalar.STOP: stops.stopped(context, done, swarm),
            Scalar.ITEMS: counts.items,
            Scalar.REJECTED: sum(counts.rejected.values()),
            Scalar.UNSCORED: sum(counts.unscored.values()),
            Scalar.FITNESS: ",".join(map(shown, done.probes)),
            **({Scalar.HELD_OUT: done.held_out[0].fitness} if done.held_out else {}),
        },
    )


def shown(probe: Probed) -> str:
    """A probe's fitness as receipts carry it: for people, so four digits; nothing after the sign is unscored."""
    return f"{probe.name}=" if probe.fitness is None else f"{probe.name}={probe.fitness:.4f}"
