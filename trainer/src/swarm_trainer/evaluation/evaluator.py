"""How the candidates of a run are measured: what each is asked, and what its answers are worth.

The same evaluator serves iterations, the final evaluation and `verify`, so a measurement made again is the same number.
Limits: pure; asking is `examine`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from swarm_core import recipe, streams
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.experiment import Experiment, SeedData
from swarm_core.objectives import bootstrap
from swarm_core.objectives.objective import Measurement
from swarm_core.recipe import ModelName
from swarm_core.rollout import Rollout, Unmeasured, build_batch, measure
from swarm_trainer.evaluation import run_parts
from swarm_trainer.evaluation.examine import Examination, Sampling
from swarm_trainer.report.search_result import Interval


@dataclass(frozen=True, slots=True)
class Evaluator:
    """One way to measure models, the same for every candidate of a run."""

    examination: Examination
    objective: bootstrap.ResampledObjective
    coverage: float
    """Share of the answers that must have a score."""

    @property
    def seed(self) -> int:
        """The seed of the swarm that is measured."""
        return self.examination.seed

    def measure(self, rollouts: Sequence[Rollout], *key: str | int) -> Measurement | Unmeasured:
        """The objective over the pooled rollouts of one model; `key` names the draw of the interval's resamples."""
        return measure(rollouts, self.objective, self.coverage, streams.seed(self.seed, "bootstrap", *key))

    def difference(self, first: Sequence[Rollout], second: Sequence[Rollout]) -> Interval:
        """Objective of `first` minus that of `second`, pooled over their seeds. Raises CoverageError."""
        seed = streams.seed(self.seed, "bootstrap", "gain")
        pair = build_batch(first, self.coverage), build_batch(second, self.coverage)
        found = bootstrap.measure_difference(*pair, self.objective, self.coverage, seed)
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
        remote=frozenset(recipe.remote_model_name(way.remote.url, way.remote.model) for way in resolved.access),
    )
