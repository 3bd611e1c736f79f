"""Random search: positions that do not depend on scores. It is the baseline for every search."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from swarm_core.optimizers import candidate, equal_budget, initial_positions, memory, sampling
from swarm_core.optimizers.candidate import Candidate, Fitness
from swarm_core.optimizers.checks import Constant, require_range
from swarm_core.optimizers.optimizer import Optimizer, Plan, SearchState
from swarm_core.optimizers.positions import Position


@dataclass(frozen=True, slots=True)
class RandomSearch(Optimizer[SearchState]):
    """Positions drawn from a box and shifted to sum 1."""

    name: ClassVar[str] = "RandomSearch"
    revision: ClassVar[int] = 1
    half_width: Annotated[
        float, Constant("Largest size of a coefficient drawn, before the sum is set to 1.", 0, 10, open_below=True)
    ] = sampling.HALF_WIDTH

    def __post_init__(self) -> None:
        require_range("swarm rule RandomSearch: half_width", self.half_width, 0, open_below=True)

    def start(self, plan: Plan) -> SearchState:
        return SearchState(plan)

    def current_positions(self, state: SearchState) -> tuple[Position, ...]:
        """Return the samples of `state.iteration`. Empty after the budget is spent."""
        plan, count = state.plan, equal_budget.sample_size(state.plan, state.iteration)
        return sampling.uniform_positions(plan.seed, plan.basis, state.iteration, count, self.half_width)

    def ask(self, state: SearchState) -> tuple[Candidate, ...]:
        if state.iteration == 0:
            return initial_positions.list_generators(state.plan)
        return candidate.explore(self.current_positions(state))

    def tell(self, state: SearchState, fitness: Mapping[str, Fitness]) -> SearchState:
        learned = memory.add_scores(state, candidate.match_scores(self.ask(state), fitness))
        return replace(learned, iteration=learned.iteration + 1)

    def budget(self, plan: Plan) -> int:
        return equal_budget.count_measurements(plan)

    def iterations(self, plan: Plan) -> int:
        return equal_budget.count_iterations(plan)
