"""Makes the last measurements of a search for a Pareto front: its knee and its ends, on items drawn after the choice.

The choice measures the finalists and the initial generators on new items (`final_evaluation`). Its values decide which
generators are the knee and the ends of the front, and which initial generators they are compared with: for each
objective the one that was best in it, and for the hypervolume the knee and the ends of the initial generators. So
nothing is selected on the items of the report, and equal generators have no gain on average. An end that cannot be
measured there, or none of whose items is accepted, has no data set: then the next best of the choice takes its place.

Limits: the report measures the knee and the ends, not the whole front, whose hypervolume is larger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from swarm_core import commit, streams
from swarm_core.commit import Commit, MeasuredValues
from swarm_core.objectives import intervals
from swarm_core.objectives.interval_bounds import Bounds
from swarm_core.objectives.objective import Objective, Sample
from swarm_core.optimizers import pareto_front
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.optimizers.pareto_front import Vector
from swarm_core.optimizers.positions import Position
from swarm_core.pareto_composition import ParetoComposition
from swarm_core.rollout import build_sample, sum_totals
from swarm_trainer.evaluation import final_evaluation
from swarm_trainer.evaluation.final_evaluation import FinalCandidate, FinalEvaluation, Ranking
from swarm_trainer.report.search_result import (
    EvaluatedGenerator,
    FrontPoint,
    FrontResult,
    FrontTerm,
    Interval,
    SearchResult,
)


@dataclass(frozen=True, slots=True)
class FrontEvaluation:
    """The final evaluation of a search for a front."""

    evaluation: FinalEvaluation
    composition: ParetoComposition
    ranking: Ranking

    def evaluate(self, swarm: SearchState, commits: Sequence[Commit]) -> SearchResult:
        """Measure the knee and the ends of the front, and compare them with initial generators.

        Raises what `FinalEvaluation.evaluate` raises, and CoverageError.
        """
        corners = {one.position for one in final_evaluation.list_initial_generators(swarm)}
        by_knee, *by_term = self.order_roles(self.ranking.chosen)
        found = self.evaluation.evaluate(replace(self.ranking, finalists=by_knee), swarm, commits)
        counted = len(self.evaluation.measured)
        measured = {one.position: one for one in (*found.initials, found.best)}
        ends, passed_over = [], list(found.passed_over)
        for order in by_term:
            end, skipped = self.select_end(order, measured)
            ends.append(end)
            passed_over += skipped
        initials = {one.position: one for one in found.initials}
        orders = self.order_roles([pair for pair in self.ranking.chosen if pair[0].position in corners])
        baselines = [select_first(order, initials) for order in orders]
        front = self.build_front(ends, [one for one in baselines if one is not None], found)
        return replace(
            found,
            gain=front.gain,
            front=front,
            passed_over=tuple(dict.fromkeys(passed_over)),
            counts=found.counts + sum_totals(self.evaluation.measured[counted:]),
        )

    def select_end(
        self, order: Sequence[FinalCandidate], measured: dict[Position, EvaluatedGenerator]
    ) -> tuple[EvaluatedGenerator, tuple[str, ...]]:
        """Return the first of `order` that can be measured and has a data set, and the names of those that cannot be
        measured before it. Adds what it measures to `measured`.

        The knee is one of them and has a data set, so there is always one. Raises what `select_measurable` raises.
        """
        end, skipped = self.evaluation.select_measurable(order, measured)
        measured[end.position] = end
        if any(rollout.items for rollout in end.rollouts):
            return end, skipped
        place = next(place for place, one in enumerate(order, 1) if one.position == end.position)
        found, others = self.select_end(order[place:], measured)
        return found, (*skipped, *others)

    def order_roles(self, chosen: Sequence[tuple[FinalCandidate, MeasuredValues]]) -> list[tuple[FinalCandidate, ...]]:
        """Return the front of the choice in the order in which it suits each role, the most suitable first.

        The roles are the knee, and then the end of each objective. Returns nothing for nothing.
        """
        if not chosen:
            return []
        vectors = [self.scale(commit.get_values(values)) for _, values in chosen]
        front = pareto_front.list_front(vectors)
        candidates, found = [chosen[index][0] for index in front], [vectors[index] for index in front]
        keys = [[(height, 0.0) for height in pareto_front.measure_heights(found)]]
        keys += [[(vector[axis], sum(vector)) for vector in found] for axis in range(len(found[0]))]
        return [
            tuple(one for _, one in sorted(zip(key, candidates, strict=True), key=lambda pair: pair[0], reverse=True))
            for key in keys
        ]

    def scale(self, values: Mapping[str, float | None]) -> Vector:
        """Return the scaled values of a generator that was measured."""
        known = {name: value for name, value in values.items() if value is not None}
        return self.composition.scale(known, self.evaluation.start)

    def build_front(
        self, ends: Sequence[EvaluatedGenerator], baselines: Sequence[EvaluatedGenerator], found: SearchResult
    ) -> FrontResult:
        """Build the report of the front. `ends`: the end of each objective; the knee is `found.best`."""
        generators = list({one.position: one for one in (found.best, *ends)}.values())
        names = self.composition.names
        points = tuple(
            FrontPoint(
                one is found.best,
                tuple(name for name, end in zip(names, ends, strict=True) if end.position == one.position),
                one,
                tuple(self.compare_term(one, name, found) for name in names),
            )
            for one in generators
        )
        start = self.evaluation.start
        units = tuple(
            (term.name, term.lowest, term.find_unit(start[term.name].highest)) for term in self.composition.terms
        )
        return FrontResult(points, *self.compare_hypervolumes(generators, baselines), units)

    def compare_term(self, generator: EvaluatedGenerator, name: str, found: SearchResult) -> FrontTerm:
        """Compare one value of a generator with that of the initial generator that was best in it in the choice."""
        chosen = {one.position: commit.get_values(values)[name] for one, values in self.ranking.chosen}
        known = {position: value for position, value in chosen.items() if value is not None}
        baseline = max(found.initials, key=lambda one: known.get(one.position, -inf))
        gain = self.evaluation.estimate_gain(
            baseline if generator.position == baseline.position else generator,
            baseline,
            dict(self.evaluation.setup.evaluator.objectives)[name],
        )
        (floor,) = (term.at_least for term in self.composition.terms if term.name == name)
        ours, theirs = generator.measurements[name], baseline.measurements[name]
        return FrontTerm(name, floor, ours, baseline.name, theirs, gain)

    def compare_hypervolumes(
        self, found: Sequence[EvaluatedGenerator], initial: Sequence[EvaluatedGenerator]
    ) -> tuple[float, float, Interval]:
        """Return the hypervolume of generators, that of initial generators, and their difference with its interval.

        Raises CoverageError.
        """
        every = list({one.position: one for one in (*found, *initial)}.values())
        places = [one.position for one in every]
        ours, theirs = ([places.index(one.position) for one in side] for side in (found, initial))
        volumes = [self.measure_hypervolume(side) for side in (found, initial)]
        if set(ours) == set(theirs):
            return volumes[0], volumes[1], Interval(0.0, 0.0, 0.0)
        evaluator = self.evaluation.setup.evaluator
        objectives = dict(evaluator.objectives)

        def subtract(samples: Sequence[Sample]) -> float | None:
            vectors = [self.measure_vector(sample, objectives) for sample in samples]
            known = [vector for vector in vectors if vector is not None]
            if len(known) < len(vectors):
                return None
            first, second = ([known[index] for index in side] for side in (ours, theirs))
            return pareto_front.measure_hypervolume(first) - pareto_front.measure_hypervolume(second)

        highest = self.composition.bound(self.evaluation.start)[1]
        difference = intervals.measure_function(
            [build_sample(one.rollouts, evaluator.examination.judge, evaluator.reference) for one in every],
            subtract,
            all(getattr(one, "of_means", False) for one in objectives.values()),
            streams.derive_seed(evaluator.seed, "bootstrap", "hypervolume"),
            Bounds(-highest, highest, highest),
            sides=2,
        )
        return volumes[0], volumes[1], Interval(*difference)

    def measure_hypervolume(self, generators: Sequence[EvaluatedGenerator]) -> float:
        """Return the hypervolume of generators that were measured on fresh items."""
        return pareto_front.measure_hypervolume([self.scale(commit.get_values(one.values)) for one in generators])

    def measure_vector(self, sample: Sample, objectives: Mapping[str, Objective]) -> Vector | None:
        """Return the scaled values of a part of a sample; None if one of them is missing."""
        values = {name: intervals.evaluate_sample(sample, objective) for name, objective in objectives.items()}
        return None if None in values.values() else self.scale(values)


def select_first(
    order: Sequence[FinalCandidate], measured: Mapping[Position, EvaluatedGenerator]
) -> EvaluatedGenerator | None:
    """Return the first of `order` that was measured; None if none was."""
    return next((measured[one.position] for one in order if one.position in measured), None)
