"""The last measurements of a run: the final choice, and the verdict on items drawn after it.

Search scores are noisy maxima. The reserve of the budget measures the finalists again and ranks them; what is reported
comes from a third set of items, for the first of them and every initial generator.

Where too many of those scores are missing, nothing can be said of a generator: the next in rank is measured on items of
its own, and the report names who was passed over. A run that has searched ends without a verdict only where the final
items can measure nobody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from swarm_core import commit
from swarm_core.commit import Commit, MeasuredValues, ProbeResult
from swarm_core.engine.work import WorkItem
from swarm_core.optimizers import optimization, positions
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.optimizers.positions import Position
from swarm_core.ports import Inference, StoreError
from swarm_core.programs import search_settings
from swarm_core.rollout import Rollout, Unmeasured, sum_totals
from swarm_trainer.evaluation import lanes, rollout_store, serving
from swarm_trainer.evaluation.examine import Stage
from swarm_trainer.evaluation.rollout_store import RolloutRequest
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.report.search_result import EvaluatedGenerator, Interval, SearchResult, select_best
from swarm_trainer.runtime.context import Context, Progress

MAX_REASONS = 3
"""Reasons in one error: what keeps scores from one generator mostly keeps them from all."""


@dataclass(frozen=True, slots=True)
class FinalCandidate:
    """A generator that is measured for the last time."""

    name: str
    position: Position
    search_value: float | None
    """What the search believed of it."""


class FinalEvaluation:
    """Measures entrants. Lives for one conclude."""

    def __init__(self, item: WorkItem, context: Context, setup: SearchSetup, first: Iterable[ProbeResult] = ()) -> None:
        """`first` are the probes of the search's first iteration, by which fitness is composed."""
        self.item, self.context, self.setup = item, context, setup
        self.start = setup.evaluator.summarize(first)
        self.measured: list[Rollout] = []

    def rollouts(
        self, entrants: Sequence[FinalCandidate], places: Sequence[Stage], items: int
    ) -> list[tuple[Rollout, ...]]:
        """Every entrant's rollout at every place, [entrant][place], stored: at `choice` or `final/2`."""
        engines = serving.serve(self.context, self.setup, [self.setup.space.recipe(one.position) for one in entrants])
        jobs = [self.build_job(one, place, items) for one in entrants for place in places]
        found: list[Rollout] = []
        for rollout in lanes.run_jobs(engines, jobs):
            found.append(rollout)
            note = "choosing among the finalists" if len(places) == 1 else "measuring on fresh items"
            usage = self.context.record_usage()
            done, total = len(found), len(jobs)
            self.context.progress(Progress(self.item.key, note, done, total, rollout.tokens, usage=usage))
        self.measured += found
        return [tuple(found[start : start + len(places)]) for start in range(0, len(found), len(places))]

    def build_job(self, one: FinalCandidate, place: Stage, items: int) -> lanes.EngineJob[Rollout]:
        """The job of one rollout."""
        key = commit.rollout_key("/".join(map(str, place)), one.name)
        wanted = RolloutRequest(key, self.setup.space.recipe(one.position).name, place, items)

        def job(engine: Inference) -> Rollout:
            return rollout_store.load_or_create(
                self.context.store, self.setup.examination, engine, wanted, self.context.meter
            )[1]

        return job

    def rank_finalists(self, finalists: Sequence[Estimate]) -> list[FinalCandidate]:
        """The finalists that the reserve's items can measure, best first; of equals the one the search held higher.

        Raises StoreError when there is none.
        """
        asked, items = build_candidates(finalists), search_settings.items_per_finalist(self.setup.resolved)
        scored: list[tuple[float, FinalCandidate]] = []
        reasons: dict[str, str] = {}
        for one, rollouts in zip(asked, self.rollouts(asked, [("choice",)], items), strict=True):
            found = self.setup.evaluator.measure(rollouts, "choice", one.name)
            fitness = self.setup.evaluator.compose(found, self.start)
            if fitness is None:
                reasons[one.name] = list_reasons(found)
            else:
                scored.append((fitness, one))
        if not scored:
            raise build_unmeasured_error("finalist", "choice", reasons)
        return [one for _, one in sorted(scored, key=lambda pair: -pair[0])]

    def evaluate_candidates(
        self, entrants: Sequence[FinalCandidate]
    ) -> dict[Position, EvaluatedGenerator | Unmeasured]:
        """Each entrant on final items, by its position."""
        places: list[Stage] = [("final", seed) for seed in range(self.setup.resolved.evaluation.final.seeds)]
        return {
            one.position: self.evaluate_candidate(one, rollouts)
            for one, rollouts in zip(
                entrants, self.rollouts(entrants, places, self.setup.resolved.evaluation.final.items), strict=True
            )
        }

    def evaluate_candidate(self, one: FinalCandidate, rollouts: tuple[Rollout, ...]) -> EvaluatedGenerator | Unmeasured:
        evaluator = self.setup.evaluator
        fresh = evaluator.get_reported(evaluator.measure(rollouts, "final", one.name))
        if isinstance(fresh, Unmeasured):
            return fresh
        model, groups = self.setup.space.recipe(one.position).name, self.setup.plan.groups
        return EvaluatedGenerator(one.name, one.position, model, one.search_value, fresh, rollouts, groups)

    def verdict(self, ranked: Sequence[FinalCandidate], swarm: SearchState, commits: Sequence[Commit]) -> SearchResult:
        """The first of `ranked`, best first, that final items can measure, and the initial generators, side by side.

        Raises StoreError where they can measure none of `ranked`, or no initial generator.
        """
        starts = list_initial_generators(swarm)
        places = {one.position for one in starts}
        measured = self.evaluate_candidates([*starts, *(one for one in ranked[:1] if one.position not in places)])
        initials = tuple(
            one for one in measured.values() if isinstance(one, EvaluatedGenerator) and one.position in places
        )
        if not initials:
            nobody = ((one.name, measured[one.position]) for one in starts)
            told = {name: found.reason for name, found in nobody if isinstance(found, Unmeasured)}
            raise build_unmeasured_error("initial generator", "final", told)
        best, passed = self.first(ranked, measured)
        return SearchResult(
            objective=str(self.setup.resolved.objective),
            best=best,
            initials=initials,
            gain=self.gain(best, select_best(initials)),
            counts=sum_totals([*load_search_rollouts(self.context, commits), *self.measured]),
            stop=str(optimization.stopped(swarm) or "stopped"),
            passed_over=passed,
        )

    def first(
        self, ranked: Sequence[FinalCandidate], measured: Mapping[Position, EvaluatedGenerator | Unmeasured]
    ) -> tuple[EvaluatedGenerator, tuple[str, ...]]:
        """The first of `ranked` that can be measured, and the names of those before it."""
        reasons: dict[str, str] = {}
        for one in ranked:
            found = (
                measured[one.position] if one.position in measured else self.evaluate_candidates([one])[one.position]
            )
            if isinstance(found, EvaluatedGenerator):
                return found, tuple(reasons)
            reasons[one.name] = found.reason
        raise build_unmeasured_error("finalist", "final", reasons)

    def gain(self, best: EvaluatedGenerator, initial: EvaluatedGenerator) -> Interval:
        """Fresh difference with its interval; a generator does not gain on itself."""
        if best is initial:
            return Interval(0.0, 0.0, 0.0)
        return self.setup.evaluator.difference(best.rollouts, initial.rollouts)


def build_unmeasured_error(who: str, place: str, reasons: Mapping[str, str]) -> StoreError:
    """The error where nobody can be measured: why, and the way out."""
    told = "; ".join(f"{name}: {why}" for name, why in list(reasons.items())[:MAX_REASONS])
    if len(reasons) > MAX_REASONS:
        told += f"; and {len(reasons) - MAX_REASONS} more"
    return StoreError(
        f"no {who} could be measured at {place}/ ({told}): a taker, the judge or a server leaves too much without a "
        "score; mend that, or ask for less in a new run by spec.evaluation.coverage"
    )


def list_reasons(measured: MeasuredValues) -> str:
    """Why a generator has no fitness: what could not be measured."""
    return "; ".join(dict.fromkeys(found.reason for _, found in measured if isinstance(found, Unmeasured)))


def build_candidates(candidates: Iterable[Estimate]) -> list[FinalCandidate]:
    return [FinalCandidate(one.name, one.position, one.value) for one in candidates]


def list_initial_generators(swarm: SearchState) -> list[FinalCandidate]:
    """Every initial generator."""
    known = {record.position: record.value for record in swarm.estimates}
    vertices = enumerate(positions.vertices(swarm.plan.basis, swarm.plan.groups))
    return [FinalCandidate(f"g{index:02d}", position, known.get(position)) for index, position in vertices]


def load_search_rollouts(context: Context, commits: Iterable[Commit]) -> Iterable[Rollout]:
    """Every rollout of the search, from the store."""
    for one in commits:
        for probe in one.probes:
            data = context.store.read(commit.probe_key(one.iteration, probe.name))
            if data is not None:
                yield Rollout.from_bytes(data)
