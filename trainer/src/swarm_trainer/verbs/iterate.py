"""One iteration: ask the swarm, examine every probe, tell the swarm, commit.

Killed anywhere, it goes on where it was: stored rollouts are read, the missing ones made, and a commit that stands is
the answer. What a probe is asked depends on the run's seed and the iteration alone.
"""

from statistics import fmean

from swarm_core import commit
from swarm_core.commit import Commit, Probed
from swarm_core.effort import Effort
from swarm_core.engine.receipts import Output, Scalar
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.ports import Inference, StoreError
from swarm_core.rollout import Rollout, count
from swarm_core.swarm import pso
from swarm_trainer.verbs import chain, efforts, gather, lanes
from swarm_trainer.verbs.context import Context, Progress
from swarm_trainer.verbs.gather import Wanted
from swarm_trainer.verbs.setup import Setup, prepared


def run(item: WorkItem, context: Context) -> Receipt:
    """Carry out iteration `item.index`."""
    setup = prepared(context)
    done = chain.load(context.store, item.index)
    if done is None:
        swarm = before(item, context, setup)
        done = chain.append(context.store, advance(item, context, setup, swarm))
    else:
        chain.advance(context.store, done)
    return receipt(item, context, setup, done)


def before(item: WorkItem, context: Context, setup: Setup) -> pso.Swarm:
    """The swarm that this iteration asks: the last commit's, or a new one."""
    if item.index == 0:
        return pso.start(setup.plan)
    last = chain.load(context.store, item.index - 1, item.parent)
    if last is None:
        raise StoreError(f"iteration {item.index} follows {commit.key(item.index - 1)}, which the store does not hold")
    return pso.from_json(last.swarm)


def advance(item: WorkItem, context: Context, setup: Setup, swarm: pso.Swarm) -> Commit:
    """Examine every probe and let the swarm absorb what was measured."""
    probes = pso.ask(swarm)
    engines = setup.serving(context, [setup.recipe(probe.position) for probe in probes])
    found: list[Probed] = []
    for probed, rollout in lanes.spread(engines, [examining(item, context, setup, probe) for probe in probes]):
        found.append(probed)
        context.progress(reported(item, found, len(probes), rollout, efforts.report(context)))
    swarm = pso.tell(swarm, {probe.name: probe.fitness for probe in found})
    assert item.parent is not None
    return Commit(setup.manifest, item.index, item.parent, setup.basis, pso.to_json(swarm), tuple(found))


def examining(item: WorkItem, context: Context, setup: Setup, probe: pso.Probe) -> lanes.Job[tuple[Probed, Rollout]]:
    """The job of measuring one probe."""
    model = setup.recipe(probe.position).name
    key = commit.probe_key(item.index, probe.name)
    wanted = Wanted(key, model, ("iteration", item.index), setup.items)

    def job(engine: Inference) -> tuple[Probed, Rollout]:
        digest, rollout = gather.gather(context.store, setup.exam, engine, wanted, context.meter)
        result = setup.measured(rollout, item.index, probe.name)
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


def receipt(item: WorkItem, context: Context, setup: Setup, done: Commit) -> Receipt:
    """What status and the stop rule need of a commit."""
    swarm = pso.from_json(done.swarm)
    best, initial = pso.best(swarm), pso.initial_best(swarm)
    stored = (context.store.read(commit.probe_key(item.index, p.name)) for p in done.probes)
    counts = count(Rollout.from_bytes(data) for data in stored if data is not None)
    measured = [probe.fitness for probe in done.probes if probe.fitness is not None]
    return Receipt(
        key=item.key,
        outputs={Output.COMMIT: done.digest},
        scalars={
            Scalar.BEST: best.value if best else None,
            Scalar.BEST_PARTICLE: best.name if best else None,
            Scalar.BEST_RECIPE: setup.recipe(best.position).name if best else None,
            Scalar.INITIAL: initial.value if initial else None,
            Scalar.MEAN: fmean(measured) if measured else None,
            Scalar.STOP: str(pso.stopped(swarm) or ""),
            Scalar.ITEMS: counts.items,
            Scalar.REJECTED: sum(counts.rejected.values()),
            Scalar.UNSCORED: sum(counts.unscored.values()),
            Scalar.FITNESS: ",".join(map(shown, done.probes)),
        },
    )


def shown(probe: Probed) -> str:
    """A probe's fitness as receipts carry it: for people, so four digits; nothing after the sign is unscored."""
    return f"{probe.name}=" if probe.fitness is None else f"{probe.name}={probe.fitness:.4f}"
