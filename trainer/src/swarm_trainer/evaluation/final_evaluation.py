"""Makes the last measurements of a run: the final choice, and the final evaluation on items drawn after that choice.

A search score is a noisy maximum. So the reserve of the budget measures the finalists and the initial generators again
and ranks them. The report comes from a third set of items, on which the best finalist and every initial generator are
measured. The baseline is the initial generator that did best in the choice. A baseline that was selected on the final
items would make the gain of equal generators negative on average.

A best finalist without one accepted item is a failure and no result: its data set would be empty.

If too many scores of a finalist are missing, it cannot be measured. Then the next finalist in rank is measured on items
of its own, and the report names the finalists that were passed over. A run that has searched ends without a result only
if the final items can measure none of the finalists, or no initial generator.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from swarm_core import acceptance, commit
from swarm_core.commit import Commit, MeasuredCandidate, MeasuredValues
from swarm_core.engine.work import WorkItem
from swarm_core.errors import BadInputError, ErrorCode, add_code
from swarm_core.objectives.composed import SeveralObjectives
from swarm_core.objectives.objective import Objective
from swarm_core.optimizers import optimization, positions
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.optimizers.positions import Position
from swarm_core.ports import Inference, StoreError
from swarm_core.programs import search_settings
from swarm_core.rollout import Rollout, Unmeasured, sum_totals
from swarm_core.weighted_sum import WeightedSum
from swarm_trainer.evaluation import lanes, rollout_store, serving
from swarm_trainer.evaluation.examine import Stage
from swarm_trainer.evaluation.rollout_store import RolloutRequest
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.report.search_result import EvaluatedGenerator, Interval, SearchResult, TermResult
from swarm_trainer.runtime.context import Context, Progress

MAX_REASONS = 3
"""The number of reasons in one error. The cause that removes the scores of one generator mostly removes those of all.
"""


@dataclass(frozen=True, slots=True)
class FinalCandidate:
    """A generator in the final evaluation."""

    name: str
    position: Position
    search_value: float | None
    """The value that the search estimated for it, or None if the search never scored it."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The order in which the choice ranks the generators, best first."""

    finalists: tuple[FinalCandidate, ...]
    initials: tuple[Position, ...]
    """The initial generators that could be measured."""
    chosen: tuple[tuple[FinalCandidate, MeasuredValues], ...] = ()
    """All generators that could be measured, with their values in the choice, in the order measured."""


class FinalEvaluation:
    """Measures the final candidates. One instance serves one conclude step."""

    def __init__(
        self, item: WorkItem, context: Context, setup: SearchSetup, first: Iterable[MeasuredCandidate] = ()
    ) -> None:
        """`first`: the candidates of the search's first iteration, which the fitness is composed with."""
        self.item, self.context, self.setup = item, context, setup
        self.start = setup.evaluator.summarize(first)
        self.measured: list[Rollout] = []

    def rollouts(
        self, candidates: Sequence[FinalCandidate], stages: Sequence[Stage], items: int
    ) -> list[tuple[Rollout, ...]]:
        """Return every candidate's rollout at every stage, [candidate][stage]. Each is stored under `choice` or
        `final/N`.

        Raises BadInputError if the engines are not available, InferenceError, CorruptError, StoreError.
        """
        engines = serving.serve(
            self.context, self.setup, [self.setup.space.recipe(candidate.position) for candidate in candidates]
        )
        jobs = [self.build_job(candidate, stage, items) for candidate in candidates for stage in stages]
        rollouts: list[Rollout] = []
        for rollout in lanes.run_jobs(engines, jobs):
            rollouts.append(rollout)
            note = "choosing among the finalists" if len(stages) == 1 else "measuring on fresh items"
            usage = self.context.record_usage()
            done, total = len(rollouts), len(jobs)
            self.context.progress(Progress(self.item.key, note, done, total, rollout.tokens, usage=usage))
        self.measured += rollouts
        return [tuple(rollouts[start : start + len(stages)]) for start in range(0, len(rollouts), len(stages))]

    def build_job(self, candidate: FinalCandidate, stage: Stage, items: int) -> lanes.EngineJob[Rollout]:
        """Build the job of one rollout."""
        key = commit.rollout_key("/".join(map(str, stage)), candidate.name)
        request = RolloutRequest(key, self.setup.space.recipe(candidate.position).name, stage, items)

        def job(engine: Inference) -> Rollout:
            return rollout_store.load_or_create(
                self.context.store, self.setup.examination, engine, request, self.context.meter
            )[1]

        return job

    def rank_finalists(self, finalists: Sequence[Estimate], swarm: SearchState) -> Ranking:
        """Rank the finalists and the initial generators that new items can measure. Ties keep the order of the search.

        Raises StoreError if no finalist can be measured.
        """
        candidates, items = list_choice(finalists, swarm), search_settings.items_per_finalist(self.setup.resolved)
        positions_chosen = {one.position for one in finalists}
        initial_positions = {one.position for one in list_initial_generators(swarm)}
        scored: list[tuple[float, FinalCandidate]] = []
        chosen: list[tuple[FinalCandidate, MeasuredValues]] = []
        reasons: dict[str, str] = {}
        for candidate, rollouts in zip(candidates, self.rollouts(candidates, [("choice",)], items), strict=True):
            values = self.setup.evaluator.measure(rollouts, "choice", candidate.name)
            fitness = self.setup.evaluator.compose(values, self.start)
            if fitness is None:
                reasons[candidate.name] = list_reasons(values)
            else:
                scored.append((fitness, candidate))
                chosen.append((candidate, values))
        ranked = [candidate for _, candidate in sorted(scored, key=lambda pair: -pair[0])]
        if not positions_chosen & {one.position for one in ranked}:
            raise build_unmeasured_error("finalist", "choice", reasons)
        return Ranking(
            tuple(one for one in ranked if one.position in positions_chosen),
            tuple(one.position for one in ranked if one.position in initial_positions),
            tuple(chosen),
        )

    def evaluate_candidates(
        self, candidates: Sequence[FinalCandidate]
    ) -> dict[Position, EvaluatedGenerator | Unmeasured]:
        """Measure each candidate on final items; return the results by position."""
        stages: list[Stage] = [("final", seed) for seed in range(self.setup.resolved.evaluation.final.seeds)]
        return {
            candidate.position: self.evaluate_candidate(candidate, rollouts)
            for candidate, rollouts in zip(
                candidates, self.rollouts(candidates, stages, self.setup.resolved.evaluation.final.items), strict=True
            )
        }

    def evaluate_candidate(
        self, candidate: FinalCandidate, rollouts: tuple[Rollout, ...]
    ) -> EvaluatedGenerator | Unmeasured:
        """Measure one candidate over its rollouts on final items."""
        evaluator = self.setup.evaluator
        values = evaluator.measure(rollouts, "final", candidate.name)
        fresh = evaluator.measure_fitness(rollouts, values, self.start, "final", candidate.name)
        if isinstance(fresh, Unmeasured):
            return fresh
        model, groups = self.setup.space.recipe(candidate.position).name, self.setup.plan.groups
        named = values if isinstance(evaluator.composition, SeveralObjectives) else ()
        return EvaluatedGenerator(
            candidate.name, candidate.position, model, candidate.search_value, fresh, rollouts, named, groups
        )

    def evaluate(self, ranking: Ranking, swarm: SearchState, commits: Sequence[Commit]) -> SearchResult:
        """Compare the first measurable finalist with the first measurable initial generator of `ranking`.

        Raises StoreError if the final items can measure no finalist, or no initial generator, and BadInputError if no
        item of the best finalist was accepted.
        """
        ranked = ranking.finalists
        initial_candidates = list_initial_generators(swarm)
        initial_positions = {one.position for one in initial_candidates}
        measured = self.evaluate_candidates(
            [*initial_candidates, *(one for one in ranked[:1] if one.position not in initial_positions)]
        )
        initials = tuple(
            one
            for one in measured.values()
            if isinstance(one, EvaluatedGenerator) and one.position in initial_positions
        )
        if not initials:
            unmeasured = ((one.name, measured[one.position]) for one in initial_candidates)
            reasons = {name: found.reason for name, found in unmeasured if isinstance(found, Unmeasured)}
            raise build_unmeasured_error("initial generator", "final", reasons)
        best, passed_over = self.select_measurable(ranked, measured)
        check_accepted(best)
        initial = select_baseline(initials, ranking.initials)
        return SearchResult(
            objective=str(self.setup.resolved.objective),
            best=best,
            initial=initial,
            initials=initials,
            gain=self.estimate_gain(best, initial, self.setup.evaluator.find_reported(self.start)),
            counts=sum_totals([*load_search_rollouts(self.context, commits), *self.measured]),
            stop=str(optimization.stop_reason(swarm) or "stopped"),
            terms=self.evaluate_terms(best, initial),
            start=self.start if self.setup.evaluator.composition.needs_start else {},
            passed_over=passed_over,
        )

    def select_measurable(
        self, ranked: Sequence[FinalCandidate], measured: Mapping[Position, EvaluatedGenerator | Unmeasured]
    ) -> tuple[EvaluatedGenerator, tuple[str, ...]]:
        """Return the first of `ranked` that can be measured, and the names of those before it.

        Raises StoreError if none can be measured.
        """
        reasons: dict[str, str] = {}
        for candidate in ranked:
            evaluated = (
                measured[candidate.position]
                if candidate.position in measured
                else self.evaluate_candidates([candidate])[candidate.position]
            )
            if isinstance(evaluated, EvaluatedGenerator):
                return evaluated, tuple(reasons)
            reasons[candidate.name] = evaluated.reason
        raise build_unmeasured_error("finalist", "final", reasons)

    def evaluate_terms(self, best: EvaluatedGenerator, initial: EvaluatedGenerator) -> tuple[TermResult, ...]:
        """Compare the values of each term of a weighted sum; nothing if one objective is maximized.

        Raises CoverageError.
        """
        evaluator = self.setup.evaluator
        if not isinstance(evaluator.composition, WeightedSum):
            return ()
        ours, theirs = best.measurements, initial.measurements
        objectives = dict(evaluator.objectives)
        return tuple(
            TermResult(
                name=term.name,
                weight=term.weight,
                at_least=term.at_least,
                best=ours[term.name],
                initial=theirs[term.name],
                gain=self.estimate_gain(best, initial, objectives[term.name]),
            )
            for term in evaluator.composition.terms
        )

    def estimate_gain(self, best: EvaluatedGenerator, initial: EvaluatedGenerator, objective: Objective) -> Interval:
        """Estimate the difference on fresh items with its interval; it is 0 if `best` is `initial`.

        Raises CoverageError.
        """
        if best is initial:
            return Interval(0.0, 0.0, 0.0)
        return self.setup.evaluator.difference(best.rollouts, initial.rollouts, objective)


def build_unmeasured_error(subject: str, folder: str, reasons: Mapping[str, str]) -> StoreError:
    """Build the error for the case that no candidate can be measured, with the reasons and the way out."""
    listed = "; ".join(f"{name}: {reason}" for name, reason in list(reasons.items())[:MAX_REASONS])
    if len(reasons) > MAX_REASONS:
        listed += f"; and {len(reasons) - MAX_REASONS} more"
    failure = StoreError(
        f"no {subject} could be measured at {folder}/ ({listed}): a taker, the judge or a server leaves too many"
        " answers without a score; correct that, or lower spec.evaluation.coverage in a new run"
    )
    return add_code(failure, ErrorCode.NOTHING_ACCEPTED)


def check_accepted(generator: EvaluatedGenerator) -> None:
    """Check that at least one item of the generator was accepted. Raises BadInputError with the reasons counted."""
    if any(rollout.items for rollout in generator.rollouts):
        return
    asked, why = sum_totals(generator.rollouts).asked, acceptance.describe_rejections(generator.rollouts)
    failure = BadInputError(
        f"none of {asked:,} items requested from {generator.name} was accepted ({why}): there is no data set and"
        f" nothing to compare. {acceptance.NO_ITEMS_HELP}"
    )
    raise add_code(failure, ErrorCode.NOTHING_ACCEPTED)


def select_baseline(initials: Sequence[EvaluatedGenerator], ranked: Sequence[Position]) -> EvaluatedGenerator:
    """Return the initial generator that ranks first; those that are not ranked come last, in their order."""
    order = {position: rank for rank, position in enumerate(ranked)}
    return min(initials, key=lambda one: order.get(one.position, len(order)))


def list_reasons(measured: MeasuredValues) -> str:
    """Say why a generator has no fitness: the reason of every value that could not be measured."""
    return "; ".join(dict.fromkeys(value.reason for _, value in measured if isinstance(value, Unmeasured)))


def build_candidates(estimates: Iterable[Estimate]) -> list[FinalCandidate]:
    """Return a final candidate for every estimate."""
    return [FinalCandidate(estimate.name, estimate.position, estimate.value) for estimate in estimates]


def list_choice(finalists: Sequence[Estimate], swarm: SearchState) -> list[FinalCandidate]:
    """List the generators that the choice measures: the finalists, and the initial generators that are none."""
    chosen = build_candidates(finalists)
    positions_chosen = {one.position for one in chosen}
    return [*chosen, *(one for one in list_initial_generators(swarm) if one.position not in positions_chosen)]


def list_initial_generators(swarm: SearchState) -> list[FinalCandidate]:
    """List every initial generator."""
    estimated = {record.position: record.value for record in optimization.rank_positions(swarm)}
    vertices = enumerate(positions.vertices(swarm.plan.basis, swarm.plan.groups))
    return [FinalCandidate(f"g{index:02d}", position, estimated.get(position)) for index, position in vertices]


def load_search_rollouts(context: Context, commits: Iterable[Commit]) -> Iterable[Rollout]:
    """Load every stored rollout of the search. A rollout that was pruned is left out."""
    for done in commits:
        for candidate in done.candidates:
            data = context.store.read(commit.candidate_key(done.iteration, candidate.name))
            if data is not None:
                yield Rollout.from_bytes(data)
