"""How the candidates of a run are measured: what each is asked, and what its answers are worth.

The same evaluator serves iterations, the final evaluation and `verify`, so a measurement made again is the same number.
Limits: pure; asking is `examine`'s.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from swarm_core import commit, composition, recipe, streams
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.commit import MeasuredValues, ProbeResult
from swarm_core.composition import Composition, Statistics
from swarm_core.experiment import Experiment, SeedData
from swarm_core.objectives import intervals
from swarm_core.objectives.objective import Measurement, Objective
from swarm_core.recipe import ModelName
from swarm_core.rollout import Rollout, Unmeasured, build_sample, measure
from swarm_trainer.evaluation import run_parts
from swarm_trainer.evaluation.examine import Examination, Sampling
from swarm_trainer.report.search_result import Interval


@dataclass(frozen=True, slots=True)
class Evaluator:
    """One way to measure models, the same for every candidate of a run."""

    examination: Examination
    objectives: tuple[tuple[str, Objective], ...]
    """What is measured, by name."""
    composition: Composition
    """What fitness the measured values make."""
    coverage: float
    """Share of the answers that must have a score."""

    @property
    def seed(self) -> int:
        """The seed of the swarm that is measured."""
        return self.examination.seed

    def measure(self, rollouts: Sequence[Rollout], *key: str | int) -> MeasuredValues:
        """Every objective over the pooled rollouts of one model; `key` names the draw of the interval's resamples."""
        seed = streams.seed(self.seed, "bootstrap", *key)
        return tuple((name, measure(rollouts, one, self.coverage, seed)) for name, one in self.objectives)

    def summarize(self, first: Iterable[ProbeResult]) -> Statistics:
        """The statistics that fitness is composed by, from the probes of the swarm's first iteration."""
        return composition.summarize(commit.get_values(probe.values) for probe in first)

    def compose(self, measured: MeasuredValues, start: Statistics) -> float | None:
        """The fitness of one model; None is unscored."""
        return self.composition.compose(commit.get_values(measured), start)

    def add_fitness(self, probes: Iterable[ProbeResult], start: Statistics) -> tuple[ProbeResult, ...]:
        """The probes, each with the fitness that its values make."""
        return tuple(replace(probe, fitness=self.compose(probe.values, start)) for probe in probes)

    def get_reported(self, measured: MeasuredValues) -> Measurement | Unmeasured:
        """The measurement that results report: that of the composition's first value."""
        return dict(measured)[self.composition.names[0]]

    def difference(self, first: Sequence[Rollout], second: Sequence[Rollout]) -> Interval:
        """The reported value of `first` minus that of `second`, pooled over their seeds. Raises CoverageError."""
        seed = streams.seed(self.seed, "bootstrap", "gain")
        objective = dict(self.objectives)[self.composition.names[0]]
        found = intervals.difference(build_sample(first), build_sample(second), objective, self.coverage, seed)
        return Interval(found.value, found.low, found.high)

    def with_takers(self, takers: Sequence[tuple[str, ModelName]]) -> "Evaluator":
        """The same evaluator with other takers, by name and model."""
        return replace(self, examination=replace(self.examination, takers=tuple(takers)))


def build_examination(resolved: ResolvedSpec, experiment: Experiment, data: SeedData) -> Examination:
    """What every candidate of the run is asked."""
    return Examination(
        seed=resolved.seed,
        style=resolved.base.template,
        domain=resolved.domain,
        pool=data.pool,
        held_out=frozenset(data.held_out),
        shots=resolved.generation.shots,
        rounds=resolved.generation.rounds,
        generation=Sampling(resolved.generation.max_tokens, resolved.generation.temperature),
        answering=Sampling(resolved.answering.max_tokens, resolved.answering.temperature),
        takers=experiment.taker_models(resolved.base.dtype),
        judge=run_parts.build_judge(resolved),
        gates=run_parts.list_own_gates(resolved),
        remote=frozenset(recipe.remote_model_name(way.remote.url, way.remote.model) for way in resolved.access),
    )
