"""Measures the candidates of a run: which examination each one takes, and which values its answers give.

Iterations, the final evaluation and `verify` use the same evaluator, so a repeated measurement gives the same number.
Limits: the module is pure; `examine` sends the requests.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from swarm_core import commit, composition, recipe, streams
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.api.takers import Answering, Generation, MissingEnd
from swarm_core.commit import MeasuredCandidate, MeasuredValues
from swarm_core.composition import Composition, Statistics
from swarm_core.experiment import Experiment, SeedData
from swarm_core.item_index import ItemIndex
from swarm_core.objectives import intervals
from swarm_core.objectives.composed import SeveralObjectives, compose_objectives
from swarm_core.objectives.interval_bounds import Z
from swarm_core.objectives.objective import Measurement, Objective, ReferenceScores
from swarm_core.objectives.scores import CoverageError
from swarm_core.optimizers.candidate import Fitness, VectorScore
from swarm_core.pareto_composition import ParetoComposition
from swarm_core.recipe import ModelName
from swarm_core.rollout import Rollout, Unmeasured, build_sample, measure
from swarm_trainer.evaluation import run_parts
from swarm_trainer.evaluation.examine import Examination, Sampling
from swarm_trainer.evaluation.scoring import AnswerRules
from swarm_trainer.report.search_result import Interval


@dataclass(frozen=True, slots=True)
class Evaluator:
    """One way to measure models, the same for every candidate of a run."""

    examination: Examination
    objectives: tuple[tuple[str, Objective], ...]
    """The objectives to measure, by name."""
    composition: Composition
    """The rule that composes the fitness of the measured values."""
    coverage: float
    """The share of the answers that must have a score, from 0 to 1."""
    reference: ReferenceScores | None = None
    """The takers' scores on the reference set; None if there is none, or if they have not answered it yet."""

    @property
    def seed(self) -> int:
        """The seed of the swarm under measurement."""
        return self.examination.seed

    def measure(self, rollouts: Sequence[Rollout], *key: str | int) -> MeasuredValues:
        """Measure every objective over the pooled rollouts of one model; `key` seeds the interval's resamples.

        An objective whose scores do not reach `coverage` gives an `Unmeasured` with the reason.
        """
        seed = streams.derive_seed(self.seed, "bootstrap", *key)
        judge = self.examination.judge
        return tuple(
            (name, measure(rollouts, objective, self.coverage, seed, judge, self.reference))
            for name, objective in self.objectives
        )

    def summarize(self, first: Iterable[MeasuredCandidate]) -> Statistics:
        """Return the statistics that the composition needs, from the candidates of the swarm's first iteration."""
        return composition.summarize_values(commit.get_values(candidate.values) for candidate in first)

    def compose(self, measured: MeasuredValues, start: Statistics) -> float | None:
        """Return the fitness of one model, or None if it is unscored."""
        return self.composition.compose(commit.get_values(measured), start)

    def add_fitness(self, candidates: Iterable[MeasuredCandidate], start: Statistics) -> tuple[MeasuredCandidate, ...]:
        """Return the candidates, each with the fitness that its values give."""
        return tuple(replace(candidate, fitness=self.compose(candidate.values, start)) for candidate in candidates)

    def list_fitness(self, candidates: Iterable[MeasuredCandidate], start: Statistics) -> dict[str, Fitness]:
        """Return what the swarm is told of each candidate, by name: its fitness, or one score per objective."""
        composition = self.composition
        if not isinstance(composition, ParetoComposition):
            return {candidate.name: candidate.fitness for candidate in candidates}
        return {candidate.name: score_vector(candidate.values, composition, start) for candidate in candidates}

    def get_reported(self, measured: MeasuredValues) -> Measurement | Unmeasured:
        """Return the measurement that results report of a fitness that is one value: that of its first value."""
        return dict(measured)[self.composition.names[0]]

    def measure_fitness(
        self, rollouts: Sequence[Rollout], measured: MeasuredValues, start: Statistics, *key: str | int
    ) -> Measurement | Unmeasured:
        """Return the fitness of the pooled rollouts of one model with its interval.

        `measured`: the values of the same rollouts. `start` and `key` are those of `compose` and `measure`.
        """
        if not isinstance(self.composition, SeveralObjectives):
            return self.get_reported(measured)
        missing = [one for _, one in measured if isinstance(one, Unmeasured)]
        if missing:
            return missing[0]
        seed = streams.derive_seed(self.seed, "bootstrap", *key)
        try:
            objective = self.find_reported(start)
        except CoverageError as error:
            return Unmeasured(str(error))
        return measure(rollouts, objective, self.coverage, seed, self.examination.judge, self.reference)

    def find_reported(self, start: Statistics) -> Objective:
        """Return the objective that results report: the fitness of several, or the only one.

        Raises CoverageError if a composition needs statistics that `start` lacks.
        """
        objectives = dict(self.objectives)
        if isinstance(self.composition, SeveralObjectives):
            return compose_objectives(objectives, self.composition, start)
        return objectives[self.composition.names[0]]

    def difference(self, first: Sequence[Rollout], second: Sequence[Rollout], objective: Objective) -> Interval:
        """Return the value of `first` minus that of `second`, with its interval. Raises CoverageError."""
        seed = streams.derive_seed(self.seed, "bootstrap", "gain")
        samples = [build_sample(rollouts, self.examination.judge, self.reference) for rollouts in (first, second)]
        estimate = intervals.measure_difference(samples[0], samples[1], objective, self.coverage, seed)
        return Interval(estimate.value, estimate.low, estimate.high)

    def with_takers(self, takers: Sequence[tuple[str, ModelName]]) -> "Evaluator":
        """Return the same evaluator with other takers, given by name and model."""
        return replace(self, examination=replace(self.examination, takers=tuple(takers)))


def score_vector(measured: MeasuredValues, composition: ParetoComposition, start: Statistics) -> VectorScore | None:
    """Return the scores of one candidate on several objectives, scaled; None if one is missing.

    The standard error of a value is that of a normal distribution with the same 95% interval.
    """
    found = {name: one for name, one in measured if isinstance(one, Measurement)}
    if len(found) < len(measured) or not composition.has_statistics(start):
        return None
    ordered = [found[name] for name in composition.names]
    units = composition.list_units(start)
    return VectorScore(
        composition.scale({name: one.value for name, one in found.items()}, start),
        tuple((one.high - one.low) / (2 * Z * unit) for one, unit in zip(ordered, units, strict=True)),
    )


def build_examination(resolved: ResolvedSpec, experiment: Experiment, data: SeedData) -> Examination:
    """Build the examination, the same for every candidate of the run.

    Raises BadInputError if the judge or a gate cannot be built.
    """
    judge = run_parts.build_judge(resolved)
    return Examination(
        seed=resolved.seed,
        wording=resolved.wording,
        seeds=ItemIndex((*data.example_items, *data.examples), judge),
        examples=data.examples,
        held_out=ItemIndex(data.held_out, judge),
        shots=resolved.generation.shots,
        rounds=resolved.generation.rounds,
        generation=build_sampling(resolved.generation),
        answering=build_sampling(resolved.answering),
        rules=AnswerRules(cut_off_is_wrong=resolved.answering.cut_off is MissingEnd.WRONG),
        takers=experiment.taker_models(resolved.base.dtype),
        judge=judge,
        answer_check=run_parts.build_answer_check(resolved, judge),
        gates=run_parts.list_gates(resolved),
        remote=frozenset(
            recipe.remote_model_name(access.remote.url, access.remote.model, access.remote.parameters)
            for access in resolved.access
        ),
    )


def build_sampling(spec: Generation | Answering) -> Sampling:
    """Return how the replies of generators or of takers are sampled."""
    return Sampling(spec.max_tokens, spec.temperature, spec.thinking_tokens)
