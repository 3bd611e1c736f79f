"""The last measurements of a run: the final choice, and the verdict on items drawn after it.

Search scores are noisy maxima. The reserve of the budget measures the finalists again and the best of them is chosen;
what is reported comes from a third set of items, for the chosen generator and every initial one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swarm_core import commit
from swarm_core.commit import Commit
from swarm_core.engine.work import WorkItem
from swarm_core.objectives.objective import Measurement
from swarm_core.ports import Inference, StoreError
from swarm_core.rollout import Rollout, count, measure
from swarm_core.swarm import positions, pso, streams
from swarm_core.swarm.positions import Position
from swarm_core.swarm.pso import Candidate
from swarm_trainer.report.verdict import Contender, Interval, Verdict, leading
from swarm_trainer.verbs import efforts, gather, lanes
from swarm_trainer.verbs.context import Context, Progress
from swarm_trainer.verbs.examine import Place
from swarm_trainer.verbs.gather import Wanted
from swarm_trainer.verbs.setup import Setup


@dataclass(frozen=True, slots=True)
class Entrant:
    """A generator that is measured for the last time."""

    name: str
    position: Position
    searched: float | None
    """What the search believed of it."""


class Court:
    """Measures entrants. Lives for one conclude."""

    def __init__(self, item: WorkItem, context: Context, setup: Setup) -> None:
        self.item, self.context, self.setup = item, context, setup
        self.measured: list[Rollout] = []

    def rollouts(self, entrants: Sequence[Entrant], places: Sequence[Place], items: int) -> list[tuple[Rollout, ...]]:
        """Every entrant's rollout at every place, [entrant][place], stored: at `choice` or `final/2`."""
        engines = self.setup.serving(self.context, [self.setup.recipe(one.position) for one in entrants])
        jobs = [self.examining(one, place, items) for one in entrants for place in places]
        found: list[Rollout] = []
        for rollout in lanes.spread(engines, jobs):
            found.append(rollout)
            note = "choosing among the finalists" if len(places) == 1 else "measuring on fresh items"
            effort = efforts.report(self.context)
            done, total = len(found), len(jobs)
            self.context.progress(Progress(self.item.key, note, done, total, rollout.tokens, effort=effort))
        self.measured += found
        return [tuple(found[start : start + len(places)]) for start in range(0, len(found), len(places))]

    def examining(self, one: Entrant, place: Place, items: int) -> lanes.Job[Rollout]:
        """The job of one rollout."""
        key = commit.rollout_key("/".join(map(str, place)), one.name)
        wanted = Wanted(key, self.setup.recipe(one.position).name, place, items)

        def job(engine: Inference) -> Rollout:
            return gather.gather(self.context.store, self.setup.exam, engine, wanted, self.context.meter)[1]

        return job

    def measure(self, rollouts: Sequence[Rollout], *place: str | int) -> Measurement | None:
        setup = self.setup
        found = measure(rollouts, setup.objective, setup.coverage, streams.seed(setup.exam.seed, "bootstrap", *place))
        return found if isinstance(found, Measurement) else None

    def choose(self, finalists: Sequence[Candidate]) -> Entrant:
        """The finalist that does best on the reserve's items. Raises StoreError when none could be measured."""
        entrants = [Entrant(one.name, one.position, one.value) for one in finalists]
        best: tuple[float, Entrant] | None = None
        for one, rollouts in zip(
            entrants, self.rollouts(entrants, [("choice",)], self.setup.choice_items), strict=True
        ):
            found = self.measure(rollouts, "choice", one.name)
            if found is not None and (best is None or found.value > best[0]):
                best = found.value, one
        if best is None:
            raise StoreError(
                "no finalist could be measured: too many answers are missing; see the rollouts under choice/"
            )
        return best[1]

    def contenders(self, entrants: Sequence[Entrant]) -> list[Contender | None]:
        """The entrants on final items; None for one with too many scores missing."""
        places: list[Place] = [("final", seed) for seed in range(self.setup.final_seeds)]
        return [
            self.contender(one, rollouts)
            for one, rollouts in zip(entrants, self.rollouts(entrants, places, self.setup.final_items), strict=True)
        ]

    def contender(self, one: Entrant, rollouts: tuple[Rollout, ...]) -> Contender | None:
        fresh = self.measure(rollouts, "final", one.name)
        if fresh is None:
            return None
        model, groups = self.setup.recipe(one.position).name, self.setup.plan.groups
        return Contender(one.name, one.position, model, one.searched, fresh, rollouts, groups)

    def verdict(self, chosen: Entrant, swarm: pso.Swarm, commits: Sequence[Commit]) -> Verdict:
        """The chosen generator and the initial ones, side by side."""
        starts = corners(swarm)
        known = [place for place, start in enumerate(starts) if start.position == chosen.position]
        measured = self.contenders(starts if known else [*starts, chosen])
        initials = tuple(one for one in measured[: len(starts)] if one is not None)
        best = measured[known[0]] if known else measured[-1]
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


def corners(swarm: pso.Swarm) -> list[Entrant]:
    """Every initial generator."""
    known = {record.position: record.value for record in swarm.measured}
    vertices = enumerate(positions.vertices(swarm.plan.basis, swarm.plan.groups))
    return [Entrant(f"g{index:02d}", position, known.get(position)) for index, position in vertices]


def searched(context: Context, commits: Iterable[Commit]) -> Iterable[Rollout]:
    """Every rollout of the search, from the store."""
    for one in commits:
        for probe in one.probes:
            data = context.store.read(commit.probe_key(one.iteration, probe.name))
            if data is not None:
                yield Rollout.from_bytes(data)
