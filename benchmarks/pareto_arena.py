"""An arena of the examples as a landscape of `benchmarks/pareto.py`: Difficulty and Separation of real generators.

Limits: the values on fresh items stand for the true ones, and contain their noise.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from search import FINAL_ITEMS, FINAL_SETS, Case, SearchBenchmark, examine_models

from swarm_core.objectives import intervals
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.interval_bounds import Z
from swarm_core.objectives.scores import CoverageError
from swarm_core.objectives.separation import Separation
from swarm_core.optimizers.candidate import VectorScore
from swarm_core.optimizers.pareto_front import Vector
from swarm_core.optimizers.positions import Position
from swarm_core.rollout import Rollout, build_sample
from swarm_trainer.evaluation.examine import Stage


class Arena:
    """One arena and seed, with trained generators."""

    def __init__(self, name: str, seed: int, work: Path) -> None:
        torch.set_num_threads(1)
        work.mkdir(parents=True, exist_ok=True)
        self.bench = SearchBenchmark(Case(name, seed), work)
        self.objectives = (Difficulty(), Separation())

    def measure(self, spots: Sequence[Position], key: Sequence[str | int], items: int) -> list[VectorScore | None]:
        """Return the values of each position, with standard errors from their intervals."""
        return [self._score(rollouts) for rollouts in self._examine(spots, [tuple(key)], items)]

    def find_truth(self, spots: Sequence[Position]) -> list[Vector]:
        """Return the values on fresh items; 0 where they cannot be measured."""
        stages: list[Stage] = [("final", number) for number in range(FINAL_SETS)]
        scores = [self._score(rollouts) for rollouts in self._examine(spots, stages, FINAL_ITEMS)]
        return [(0.0,) * len(self.objectives) if one is None else one.values for one in scores]

    def _examine(self, spots: Sequence[Position], stages: Sequence[Stage], items: int) -> list[list[Rollout]]:
        """Return the rollouts of each position, [position][stage]."""
        setup = self.bench.default
        recipes = [setup.space.recipe(spot) for spot in spots]
        self.bench.engine.serve([*recipes, *setup.fixed_takers])
        asked = [(recipe.name, stage) for recipe in recipes for stage in stages]
        rollouts = examine_models(setup.examination, self.bench.engine, asked, items)
        return [rollouts[at : at + len(stages)] for at in range(0, len(rollouts), len(stages))]

    def _score(self, rollouts: Sequence[Rollout]) -> VectorScore | None:
        setup = self.bench.default
        sample = build_sample(rollouts, setup.examination.judge)
        try:
            found = [intervals.measure(sample, one, setup.evaluator.coverage, 1) for one in self.objectives]
        except CoverageError:
            return None
        return VectorScore(tuple(one.value for one in found), tuple((one.high - one.low) / (2 * Z) for one in found))
