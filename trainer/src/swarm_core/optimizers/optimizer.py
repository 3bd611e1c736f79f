"""The protocol of an optimizer, the plan that it gets, and the state of a search between two iterations.

An optimizer is one frozen object. Its fields are its constants, and its methods ask for candidates and take their
scores. It has no mutable state. A `SearchState` has all that a search needs to resume: a few kilobytes for any
model size. To add an optimizer, write one class in a module of its own and one line in `swarm_core.catalog`.

Units are in the names: `iterations` and `patience` count iterations, `restart_patience` is a ratio of patience.
Invalid settings are refused when a plan is created, so no other module checks them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self, TypeVar

from swarm_core.errors import BadInputError
from swarm_core.optimizers import estimates, positions
from swarm_core.optimizers.candidate import Candidate, Fitness
from swarm_core.optimizers.checks import require_range
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.positions import Position


class Stop(StrEnum):
    """The reasons why a search ends."""

    ITERATIONS = "Iterations"
    PATIENCE = "Patience"


S = TypeVar("S", bound="SearchState")


class Optimizer(Protocol[S]):
    """One way to search: a frozen dataclass whose fields are its constants, with this class as its base.

    A constant is annotated with a `Constant`, from which the block of the spec is made. An optimizer that moves
    particles is a rule of optimizer ParticleSwarm, and the API lists its constants itself.

    Invariants: the scores determine the state bit for bit, on any machine and in any order of scores. A missing score
    (None) changes no best. Scores are maximized.
    """

    name: ClassVar[str]
    """The name in the registry, in a spec and in a stored state."""
    revision: ClassVar[int]
    """The revision, which is raised when the same scores lead to other positions. The experiment's digest covers it."""
    is_particle_rule: ClassVar[bool] = False
    """Whether it moves particles. A spec then chooses it as a rule of optimizer ParticleSwarm."""
    supports_groups: ClassVar[bool] = False
    """Whether each group of tensors may have its own coefficients."""
    supports_rescoring: ClassVar[bool] = False
    """Whether it can measure its bests again in each iteration."""
    takes_vectors: ClassVar[bool] = False
    """Whether it is told the scores on several objectives (`candidate.VectorScore`)."""
    supports_growth: ClassVar[bool] = False
    """Whether an adapter may be added to the basis between two iterations."""

    @classmethod
    def from_constants(cls, constants: Mapping[str, Any]) -> Self:
        """Return the optimizer with the constants of a resolved spec. Raises TypeError for an unknown one."""
        create: Any = cls  # a protocol has no constructor of its own; every member is a dataclass
        made: Self = create(**constants)
        return made

    def start(self, plan: "Plan") -> S:
        """Return the state before iteration 0: nothing measured."""
        ...

    def current_positions(self, state: S) -> tuple[Position, ...]:
        """Return the positions that `state.iteration` explores: where particles are, or what is sampled."""
        ...

    def ask(self, state: S) -> tuple[Candidate, ...]:
        """Return the candidates to measure in `state.iteration`, with no position twice. It ignores `stop_reason`."""
        ...

    def tell(self, state: S, fitness: Mapping[str, Fitness]) -> S:
        """Return the state of the next iteration, after the scores of all candidates.

        `fitness` maps the name of each candidate to its score, or to its scores on several objectives if the optimizer
        takes vectors; None if it has none. Raises ValueError, naming the candidate, when one is absent, unknown, not
        finite or of the other form.
        """
        ...

    def best(self, state: S) -> Estimate | None:
        """Return the leading position: the highest mean of all kept ones. None before a position is scored."""
        return estimates.best(state.estimates)

    def initial_best(self, state: S) -> Estimate | None:
        """Return the leading initial generator. None before one is scored."""
        corners = positions.vertices(state.plan.basis, state.plan.groups)
        return estimates.best(one for one in state.estimates if one.position in corners)

    def rank_positions(self, state: S) -> list[Estimate]:
        """Return the kept positions with a score, best first."""
        return estimates.rank(state.estimates)

    def attained(self, state: S) -> float | None:
        """Return what the search has attained: the value of the leading position. None before a position is scored."""
        best = self.best(state)
        return None if best is None else best.value

    def initial_attained(self, state: S) -> float | None:
        """Return what the initial generators attain: the value of the leading one. None before one is scored."""
        best = self.initial_best(state)
        return None if best is None else best.value

    def stop_reason(self, state: S) -> Stop | None:
        """Return the reason why the search has ended: all iterations, or `patience` iterations without improvement.

        None before that. Improvement means that the leading position was found in that iteration (see `memory`).
        """
        if state.iteration > self.iterations(state.plan):
            return Stop.ITERATIONS
        return Stop.PATIENCE if self.out_of_patience(state) else None

    def out_of_patience(self, state: S) -> bool:
        """Return whether the search has had `patience` iterations without improvement."""
        return state.stale >= state.plan.patience

    def budget(self, plan: "Plan") -> int:
        """Return the maximum number of candidates of a search: if patience does not end it and no particles meet."""
        ...

    def iterations(self, plan: "Plan") -> int:
        """Return the maximum number of iterations after iteration 0."""
        ...

    def add_adapter(self, state: S) -> S:
        """Return `state` with one more adapter, which is asked next. Raises BadInputError if this is not supported."""
        del state
        raise BadInputError(f"optimizer {self.name} cannot take an adapter into a search; use one that moves particles")


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of one search. Raises BadInputError for sizes that its optimizer does not support."""

    basis: int
    """The number of initial adapters, which is the number of coefficients in a block."""
    particles: int
    iterations: int
    """The maximum number of moves after iteration 0, which only measures. An optimizer without particles makes as many
    measurements as a particle swarm, in as many iterations as it needs (see `equal_budget`)."""
    patience: int
    """The number of iterations without improvement after which the search stops."""
    seed: int
    optimizer: Optimizer[Any]
    groups: int = 1
    """The number of blocks in a position: 1, or one for each layer."""
    rescored: bool = False
    """Whether the fitness changes between iterations, so that an old score has no meaning. Then every personal best is
    measured again in each iteration, and no older score counts."""
    decay: float = 1.0
    """The factor that multiplies older scores in every iteration, for a fitness that changes without `rescored`."""

    def __post_init__(self) -> None:
        if self.basis < 2:
            raise BadInputError(f"{self.basis} generators: one adapter spans no direction to search; give at least two")
        require_range("swarm particles", self.particles, 2)
        require_range("swarm iterations", self.iterations, 1)
        require_range("swarm patience", self.patience, 1)
        require_range("swarm groups", self.groups, 1)
        require_range("swarm decay", self.decay, 0, 1, open_below=True)
        name = self.optimizer.name
        if self.groups > 1 and not self.optimizer.supports_groups:
            raise BadInputError(f"swarm groups is {self.groups}: only rule Standard keeps layers together, not {name}")
        if self.rescored and not self.optimizer.supports_rescoring:
            raise BadInputError(f"swarm rescored: only particles have bests to measure again, and {name} moves none")


@dataclass(frozen=True, slots=True)
class SearchState:
    """The state of a search between two iterations. Each optimizer adds its own fields.

    It is a dataclass of numbers, text, tuples and such dataclasses, so that `codec` can write and read it.
    """

    plan: Plan
    iteration: int = 0
    """The iteration to ask for next."""
    estimates: tuple[Estimate, ...] = ()
    """Each kept position once, in the order first measured: the initial generators, the particles' bests and a few more
    leading positions, if they have scores."""
    worst: Estimate | None = None
    """The lowest score so far and its position."""
    stale: int = 0
    """The number of iterations with scores and without improvement."""
