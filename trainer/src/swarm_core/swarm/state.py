"""The swarm as a value: what was asked, what was measured and where every particle stands.

Nothing here decides. A `Swarm` is all that a search needs to go on, a few kilobytes whatever the size of the model.
Invariants: `measured` holds each position once, in the order first measured; the best of a particle is one of them,
but for rule Published with compat Reference, where a particle is its own best until something was scored.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from swarm_core.swarm.matrices import Matrix, Vector
from swarm_core.swarm.plan import Plan
from swarm_core.swarm.positions import Position


class Purpose(StrEnum):
    """Why a position is measured."""

    START = "Start"
    """To choose where the particles begin."""
    EXPLORE = "Explore"
    """Because a particle has moved there."""
    REMEASURE = "Remeasure"
    """To find out whether a leading score was luck."""


class Stop(StrEnum):
    """Why a search is over."""

    ITERATIONS = "Iterations"
    PATIENCE = "Patience"


@dataclass(frozen=True, slots=True)
class Probe:
    """One position to measure."""

    name: str
    """Unique within an iteration and safe in a path: g00 initial generator, a03 analogy, c02 populated child,
    s07 random place, p04 particle, b01 re-measured best."""
    position: Position
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of one position."""

    name: str
    """The probe that found it, with its iteration unless it is of the start: g00, a03, p04-0012."""
    position: Position
    total: float
    """The sum of its scores."""
    count: int
    """How many scores; at least one."""
    iteration: int
    """When it was found."""

    @property
    def value(self) -> float:
        """The mean of its scores."""
        return self.total / self.count

    def again(self, score: float) -> "Measured":
        return replace(self, total=self.total + score, count=self.count + 1)


@dataclass(frozen=True, slots=True)
class Trace:
    """What restarts of the released code go by (see `reference`)."""

    first: float
    """The particle's first score."""
    latest: float
    """Its latest score."""
    count: int
    """How many scores it has had; at least one."""
    rest: int = 0
    """Moves in which it cannot restart."""


@dataclass(frozen=True, slots=True)
class Particle:
    """One particle, ready to be measured at `position`."""

    position: Position
    velocity: Position
    best: Position | None = None
    """Where its personal best was measured; None until something was scored."""
    stale: int = 0
    """Its scored measurements since it reached its best."""
    trace: Trace | None = None
    """Kept for rule Published with compat Reference alone, once something was scored."""


@dataclass(frozen=True, slots=True)
class Evolution:
    """The normal distribution from which CMA-ES draws, in the d = n - 1 coordinates of `hyperplane`."""

    mean: Vector
    """[d]"""
    sigma: float
    """The step size."""
    covariance: Matrix
    """[d, d], symmetric and positive definite: its shape."""
    step_path: Vector
    """[d]: p_sigma, which tells whether steps add up."""
    shape_path: Vector
    """[d]: p_c, the direction in which they do."""
    generation: int = 0
    """How often it has been updated."""


@dataclass(frozen=True, slots=True)
class Swarm:
    """A search between two iterations: `iteration` is the one to be asked next."""

    plan: Plan
    iteration: int = 0
    particles: tuple[Particle, ...] = ()
    """Empty until the start has been measured, and where no particles move: random search and CMA-ES."""
    measured: tuple[Measured, ...] = ()
    """The initial generators, the particles' bests and a few more leading positions, as far as they were scored."""
    worst: Measured | None = None
    """The lowest score ever, and where."""
    stale: int = 0
    """Iterations that brought scores and no better leading position."""
    evolution: Evolution | None = None
    """For rule CmaEs alone, once the start has been measured."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A position worth a closer look."""

    name: str
    position: Position
    value: float
    """The mean of its scores. Still a maximum over noise: only fresh data says what it is worth."""
    measured: int
    """How many scores the mean is of."""


Result = tuple[Probe, float | None]
"""A probe and its score; None is a missing score and says nothing."""


def leading(measured: Iterable[Measured]) -> list[Measured]:
    """Best first by mean; of equals the earlier found."""
    return sorted(measured, key=lambda record: -record.value)


def leader(swarm: Swarm) -> Measured | None:
    """The global best: the highest mean of all that is remembered."""
    return max(swarm.measured, key=lambda record: record.value, default=None)
