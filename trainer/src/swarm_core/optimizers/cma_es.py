"""CMA-ES (Hansen, arXiv 1604.00772) among the adapters: a distribution over positions that sum to 1.

The search uses the n - 1 coordinates of `hyperplane`, so the sum is fixed. With a free sum, x and -x would be the same
adapter, and the distribution would have to choose between two mirrored halves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from swarm_core import streams
from swarm_core.optimizers import (
    candidate,
    cma_distribution,
    equal_budget,
    hyperplane,
    initial_positions,
    memory,
    positions,
)
from swarm_core.optimizers.candidate import Candidate, Fitness, Result
from swarm_core.optimizers.checks import Constant, require_range
from swarm_core.optimizers.cma_distribution import Distribution
from swarm_core.optimizers.optimizer import Optimizer, Plan, SearchState
from swarm_core.optimizers.positions import Position


@dataclass(frozen=True, slots=True)
class CmaEsState(SearchState):
    """The state of a search by CMA-ES."""

    distribution: Distribution | None = None
    """The distribution of the next candidates. None before iteration 0 is measured."""


@dataclass(frozen=True, slots=True)
class CmaEs(Optimizer[CmaEsState]):
    """CMA-ES among the positions that sum to 1. It starts at the best initial adapter."""

    name: ClassVar[str] = "CmaEs"
    revision: ClassVar[int] = 1
    sigma: Annotated[
        float, Constant("First step size, in a space where generators lie 1.41 apart.", 0, 10, open_below=True)
    ] = 0.5  # about a third of that distance
    max_position: Annotated[float, Constant("Largest size of a coefficient, before the sum is set to 1.", 1, 10)] = (
        2.5  # as in Standard
    )

    def __post_init__(self) -> None:
        require_range("swarm rule CmaEs: sigma", self.sigma, 0, open_below=True)
        require_range("swarm rule CmaEs: max_position", self.max_position, 1)

    def start(self, plan: Plan) -> CmaEsState:
        return CmaEsState(plan)

    def current_positions(self, state: CmaEsState) -> tuple[Position, ...]:
        """Return the samples of `state.iteration`, limited and then shifted to sum 1 like the particles of Standard.

        Empty in iteration 0, and after the budget is spent.
        """
        if state.distribution is None:
            return ()
        plan = state.plan
        normals = [
            tuple(streams.normal(plan.seed, "draw", state.iteration, index, axis) for axis in range(plan.basis - 1))
            for index in range(equal_budget.sample_size(plan, state.iteration))
        ]
        sampled = map(hyperplane.to_position, cma_distribution.sample(state.distribution, normals))
        return tuple(positions.shift_to_sum_one(positions.clip(one, self.max_position)) for one in sampled)

    def ask(self, state: CmaEsState) -> tuple[Candidate, ...]:
        if state.iteration == 0:
            return initial_positions.list_generators(state.plan)
        return candidate.explore(self.current_positions(state))

    def tell(self, state: CmaEsState, fitness: Mapping[str, Fitness]) -> CmaEsState:
        results = candidate.match_scores(self.ask(state), fitness)
        learned = memory.add_scores(state, results)
        return replace(learned, iteration=learned.iteration + 1, distribution=self._update(state, results))

    def budget(self, plan: Plan) -> int:
        return equal_budget.count_measurements(plan)

    def iterations(self, plan: Plan) -> int:
        return equal_budget.count_iterations(plan)

    def _update(self, state: CmaEsState, results: tuple[Result, ...]) -> Distribution:
        """Return the distribution after `results`, without the candidates that have no score.

        Equal candidates rank in the order asked. A candidate counts at the position that was measured, after the
        limits, and not at the one that was sampled.
        """
        scored = [(score, one.position) for one, score in results if score is not None]
        ranked = [position for _, position in sorted(scored, key=lambda pair: -pair[0])]
        if state.distribution is None:
            best = ranked[0] if ranked else hyperplane.center(state.plan.basis)
            return cma_distribution.initial_distribution(hyperplane.to_coordinates(best), self.sigma)
        return cma_distribution.update(state.distribution, list(map(hyperplane.to_coordinates, ranked)))
