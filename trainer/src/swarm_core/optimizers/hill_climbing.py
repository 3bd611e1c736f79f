"""Hill climbing: random steps from the best position known; the simplest search that learns anything.

Every iteration samples around the position that leads by its mean. Limits: it cannot leave the top of a hill that is
wider than its steps, and a lucky score holds it until another position leads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from swarm_core import streams
from swarm_core.optimizers import candidate, equal_budget, estimates, hyperplane, initial_positions, memory, positions
from swarm_core.optimizers.candidate import Candidate
from swarm_core.optimizers.checks import Constant, require_range
from swarm_core.optimizers.optimizer import Optimizer, Plan, SearchState
from swarm_core.optimizers.positions import Position


@dataclass(frozen=True, slots=True)
class HillClimbing(Optimizer[SearchState]):
    """Uniform steps from the leading position, shifted to sum 1."""

    name: ClassVar[str] = "HillClimbing"
    step: Annotated[
        float, Constant("Longest step of a coefficient, before the sum is set to 1.", 0, 10, open_below=True)
    ] = 0.5

    def __post_init__(self) -> None:
        require_range("swarm rule HillClimbing: step", self.step, 0, open_below=True)

    def start(self, plan: Plan) -> SearchState:
        return SearchState(plan)

    def current_positions(self, state: SearchState) -> tuple[Position, ...]:
        """What is sampled in `state.iteration`, around the leader or the center if nothing is scored."""
        leader, plan = estimates.best(state.estimates), state.plan
        here = hyperplane.center(plan.basis) if leader is None else leader.position
        count = equal_budget.sample_size(plan, state.iteration)
        return tuple(positions.shift_to_sum_one(self._move(state, here, index)) for index in range(count))

    def ask(self, state: SearchState) -> tuple[Candidate, ...]:
        if state.iteration == 0:
            return initial_positions.list_generators(state.plan)
        return candidate.explore(self.current_positions(state))

    def tell(self, state: SearchState, fitness: Mapping[str, float | None]) -> SearchState:
        learned = memory.add_scores(state, candidate.match_scores(self.ask(state), fitness))
        return replace(learned, iteration=learned.iteration + 1)

    def budget(self, plan: Plan) -> int:
        return equal_budget.count_measurements(plan)

    def iterations(self, plan: Plan) -> int:
        return equal_budget.count_iterations(plan)

    def _move(self, state: SearchState, here: Position, index: int) -> Position:
        """`here` after the step of the sample `index`."""
        seed, at = state.plan.seed, state.iteration
        return tuple(
            value + self.step * (2.0 * streams.uniform(seed, "climb", at, index, axis) - 1.0)
            for axis, value in enumerate(here)
        )
