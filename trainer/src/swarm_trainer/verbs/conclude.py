"""Conclude a run: choose among the finalists on fresh items, then measure the chosen one on fresher ones still.

Search scores are noisy maxima. The reserve of the budget measures the finalists again and the best of them is chosen;
what is reported comes from a third set of items, drawn after the choice, for the chosen generator and every initial
one. Best adapter, data set, history, picture and summary are stored as one bundle.
"""

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from swarm_core import commit
from swarm_core.commit import Commit
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.objectives.objective import Measurement
from swarm_core.ports import Inference, StoreError
from swarm_core.recipe import Digest
from swarm_core.rollout import Rollout, count, measure
from swarm_core.swarm import positions, pso, streams
from swarm_core.swarm.positions import Position
from swarm_core.swarm.pso import Candidate
from swarm_trainer.report import dataset, history, picture, result, summary
from swarm_trainer.report.verdict import Contender, Interval, Verdict, leading
from swarm_trainer.stores import tree
from swarm_trainer.verbs import chain, gather
from swarm_trainer.verbs.context import Context, Progress
from swarm_trainer.verbs.examine import Place
from swarm_trainer.verbs.gather import Wanted
from swarm_trainer.verbs.setup import Setup, prepared


def run(item: WorkItem, context: Context) -> Receipt:
    """Choose, measure, export."""
    setup = prepared(context)
    commits = list(chain.walk(context.store))[::-1]
    swarm = pso.from_json(commits[-1].swarm)
    court = Court(item, context, setup)
    chosen = court.choose(pso.finalists(swarm, setup.finalists))
    verdict = court.verdict(chosen, swarm, commits)
    bundle, digest = bundled(context, setup, verdict, commits)
    return Receipt(
        key=item.key,
        outputs={"bundle": bundle, "result": digest},
        scalars={
            "gain": verdict.gain.value,
            "gain_low": verdict.gain.low,
            "gain_high": verdict.gain.high,
            "best": verdict.best.fresh.value,
            "best_particle": verdict.best.name,
            "best_recipe": verdict.best.model,
            "initial": verdict.initial.fresh.value,
        },
    )


class Court:
    """Measures candidates for the last time. Lives for one conclude."""

    def __init__(self, item: WorkItem, context: Context, setup: Setup) -> None:
        self.item, self.context, self.setup = item, context, setup
        self.engine: Inference = setup.engine(context)
        self.measured: list[Rollout] = []

    def rollout(self, place: Place, name: str, position: Position, items: int) -> Rollout:
        """One candidate's rollout at a place, stored: at `choice` or `final/2`."""
        stage = "/".join(map(str, place))
        recipe = self.setup.recipe(position)
        self.engine.serve([recipe, *self.setup.taker_recipes])
        wanted = Wanted(commit.rollout_key(stage, name), recipe.name, place, items)
        _, rollout = gather.gather(self.context.store, self.setup.exam, self.engine, wanted)
        self.measured.append(rollout)
        self.context.progress(Progress(self.item.key, f"{stage}: measured {name}", tokens=rollout.tokens))
        return rollout

    def measure(self, rollouts: Sequence[Rollout], *place: str | int) -> Measurement | None:
        setup = self.setup
        found = measure(rollouts, setup.objective, setup.coverage, streams.seed(setup.exam.seed, "bootstrap", *place))
        return found if isinstance(found, Measurement) else None

    def choose(self, finalists: Sequence[Candidate]) -> Candidate:
        """The finalist that does best on the reserve's items. Raises StoreError when none could be measured."""
        best: tuple[float, Candidate] | None = None
        for candidate in finalists:
            rollout = self.rollout(("choice",), candidate.name, candidate.position, self.setup.choice_items)
            found = self.measure([rollout], "choice", candidate.name)
            if found is not None and (best is None or found.value > best[0]):
                best = found.value, candidate
        if best is None:
            raise StoreError(
                "no finalist could be measured: too many answers are missing; see the rollouts under choice/"
            )
        return best[1]

    def contender(self, name: str, position: Position, searched: float | None) -> Contender | None:
        """A generator on final items; None when too many of its scores are missing."""
        rollouts = tuple(
            self.rollout(("final", seed), name, position, self.setup.final_items)
            for seed in range(self.setup.final_seeds)
        )
        fresh = self.measure(rollouts, "final", name)
        if fresh is None:
            return None
        return Contender(name, position, self.setup.recipe(position).name, searched, fresh, rollouts)

    def verdict(self, chosen: Candidate, swarm: pso.Swarm, commits: Sequence[Commit]) -> Verdict:
        """The chosen generator and the initial ones, side by side."""
        starts = (self.contender(*corner) for corner in corners(swarm))
        initials = tuple(one for one in starts if one is not None)
        same = [one for one in initials if one.position == chosen.position]
        best = same[0] if same else self.contender(chosen.name, chosen.position, chosen.value)
        if best is None or not initials:
            raise StoreError("the final evaluation lacks too many scores to speak; see the rollouts under final/")
        return Verdict(
            objective=self.setup.objective_name,
            best=best,
            initials=initials,
            gain=self.gain(best, leading(initials)),
            counts=count([*searched(self.context, commits), *self.measured]),
            stop=str(pso.stopped(swarm) or "stopped"),
        )

    def gain(self, best: Contender, initial: Contender) -> Interval:
        """Fresh difference with its interval; a generator does not gain on itself."""
        if best is initial:
            return Interval(0.0, 0.0, 0.0)
        return self.setup.difference(best.rollouts, initial.rollouts)


def corners(swarm: pso.Swarm) -> Iterable[tuple[str, Position, float | None]]:
    """Name, position and searched value of every initial generator."""
    known = {record.position: record.value for record in swarm.measured}
    for index, position in enumerate(positions.vertices(swarm.plan.basis)):
        yield f"g{index:02d}", position, known.get(position)


def searched(context: Context, commits: Iterable[Commit]) -> Iterable[Rollout]:
    """Every rollout of the search, from the store."""
    for one in commits:
        for probe in one.probes:
            data = context.store.read(commit.rollout_key(f"iterations/{one.iteration:04d}", probe.name))
            if data is not None:
                yield Rollout.from_bytes(data)


def bundled(context: Context, setup: Setup, verdict: Verdict, commits: Sequence[Commit]) -> tuple[Digest, Digest]:
    """Store what the run leaves; the digests of the bundle and of its result.json."""
    context.cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="conclude.", dir=context.cache))
    try:
        write(folder, context, setup, verdict, commits)
        return tree.put_tree(context.store, folder), context.store.put(folder / "result.json")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(folder: Path, context: Context, setup: Setup, verdict: Verdict, commits: Sequence[Commit]) -> None:
    """The bundle's files."""
    name, domain = setup.title, setup.exam.domain
    outcome = result.text(verdict, setup.experiment, setup.exam.seed, commits[-1].digest)
    (folder / "result.json").write_text(outcome, encoding="utf-8")
    (folder / "history.jsonl").write_text(history.text(commits), encoding="utf-8")
    (folder / "summary.txt").write_text(summary.text(verdict, name), encoding="utf-8")
    picture.draw(commits, verdict, name, folder / "search.png")
    (folder / "dataset").mkdir()
    (folder / "dataset" / "data.jsonl").write_text(dataset.text(verdict), encoding="utf-8")
    (folder / "dataset" / "README.md").write_text(dataset.card(verdict, name, domain), encoding="utf-8")
    setup.export(context, verdict.best.position, folder / "adapter")
