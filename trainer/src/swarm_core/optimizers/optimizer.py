"""The protocol of an optimizer, the plan that it gets, and the state of a search between two iterations.

An optimizer is one frozen object. Its fields are its constants, and its methods ask for candidates and take their
scores. It has no mutable state. A `SearchState` has all that a search needs to resume: a few kilobytes for any
model size. To add an optimizer, write one class in a module of its own and one line in `registry`.

Units are in the names: `iterations` and `patience` count iterations, `restart_patience` is a ratio of patience.
Invalid settings are refused when a plan is created, so no other module checks them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self, TypeVar

from swarm_core.errors import BadInputError
from swarm_core.optimizers.candidate import Candidate
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

    A constant is annotated with a `Constant`, from which a spec learns it. What moves particles is a rule of optimizer
    ParticleSwarm instead, whose constants a spec names by itself.

    Invariants: given the scores, the state is the same bit for bit, on any machine and in any order of telling; a
    missing score (None) changes no best. Scores are to be maximized.
    """

    name: ClassVar[str]
    """The name in the registry, in a spec and in a stored state."""
    is_particle_rule: ClassVar[bool] = False
    """Whether it moves particles. A spec then chooses it as a rule of optimizer ParticleSwarm."""
    supports_groups: ClassVar[bool] = False
    """Whether groups of tensors may have coefficients of their own."""
    supports_rescoring: ClassVar[bool] = False
    """Whether it can measure its bests again in each iteration."""
    supports_growth: ClassVar[bool] = False
    """Whether an adapter may be added to the basis between two iterations."""

    @classmethod
    def from_constants(cls, constants: Mapping[str, Any]) -> Self:
        """Return the optimizer with the constants of a resolved spec. Raises TypeError for one that it has not."""
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
        """What to measure in `state.iteration`; no position twice. Says nothing of whether to go on."""
        ...

    def tell(self, state: S, fitness: Mapping[str, float | None]) -> S:
        """Return the state of the next iteration, with the scores of every candidate taken in.

        `fitness` maps the name of each candidate to its score, None if it has none. Raises ValueError, naming the
        candidate, when one is absent, unknown or not finite.
        """
        ...

    def stop_reason(self, state: S) -> Stop | None:
        """Why the search is over, or None: all iterations measured, or `patience` of them without a better leader.

        A better leader is a position found in that iteration which then leads by its mean (see `memory`).
        """
        if state.iteration > self.iterations(state.plan):
            return Stop.ITERATIONS
        return Stop.PATIENCE if self.out_of_patience(state) else None

    def out_of_patience(self, state: S) -> bool:
        """Return whether the search has gone on for too long without a better leader."""
        return state.stale >= state.plan.patience

    def budget(self, plan: "Plan") -> int:
        """How many candidates a whole search asks at most: when patience does not end it and no particles meet."""
        ...

    def iterations(self, plan: "Plan") -> int:
        """How many iterations follow the start at most."""
        ...

    def add_adapter(self, state: S) -> S:
        """`state` over a basis with one adapter more, which is asked next. Raises BadInputError if not supported."""
        del state
        raise BadInputError(f"optimizer {self.name} cannot take an adapter into a search; use one that moves particles")


@dataclass(frozen=True, slots=True)
class Plan:
    """One search. Raises BadInputError for sizes that cannot work, or that its optimizer does not support."""

    basis: int
    """Initial adapters: a block of a position has this many coefficients."""
    particles: int
    iterations: int
    """Moves at most, after the start (iteration 0), which only measures. What is no particle swarm measures as often as
    one would, in as many iterations as that takes (see `equal_budget`)."""
    patience: int
    """Iterations without a better leading position after which the search stops."""
    seed: int
    optimizer: Optimizer[Any]
    groups: int = 1
    """Blocks of coefficients in a position: one for all tensors, or one for every layer."""
    rescored: bool = False
    """Whether what is searched for changes between iterations, so that a score says nothing later: every personal best
    is measured again in each iteration, and no older score counts."""
    decay: float = 1.0
    """What an older score is multiplied by in every iteration, where it changes and bests are not measured again."""

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
    """A search between two iterations, as far as every optimizer has it; each adds what is its own.

    It is a dataclass of numbers, text, tuples and such dataclasses, so that `codec` can write and read it.
    """

    plan: Plan
    iteration: int = 0
    """The iteration to ask for next."""
    estimates: tuple[Estimate, ...] = ()
    """Each position once, in the order first measured: the initial generators, the particles' bests and a few more
    leading positions, as far as they were scored."""
    worst: Estimate | None = None
    """The lowest score so far and its position."""
    stale: int = 0
    """The number of iterations with scores and without improvement."""
