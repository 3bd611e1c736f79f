"""What a search is told before it begins: its size, its seed and its rule.

Units are in the names: `iterations` and `patience` count iterations, `restart_patience` is a ratio of patience.
Settings that cannot work are refused when the value is made, so no later module checks them again.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from swarm_core.errors import BadInputError


def _check(what: str, value: float, low: float, high: float = float("inf"), *, open_below: bool = False) -> None:
    """Raises BadInputError unless `value` is a finite number from low (excluded if `open_below`) to high."""
    if isfinite(value) and low <= value <= high and not (open_below and value == low):
        return
    least = f"above {low:g}" if open_below else f"at least {low:g}"
    most = f" and at most {high:g}" if isfinite(high) else ""
    raise BadInputError(f"{what} is {value!r}: it must be {least}{most}")


@dataclass(frozen=True, slots=True)
class Standard:
    """Constriction PSO kept to sum 1, with a wide start and re-measured bests: made for noisy scores.

    Inertia 0.73 with both pulls 1.5 is the constriction of Clerc and Kennedy (2002): about chi = 0.73 and chi * 2.05,
    which converges without a decaying step. The bounds let a particle leave the hull of the initial adapters, where the
    good ones lie, but not go so far that the adapter writes broken text.
    """

    inertia: float = 0.73
    cognitive: float = 1.5
    social: float = 1.5
    max_velocity: float = 1.0
    """The largest step per coordinate: an adapter is wholly added or removed in one step."""
    max_position: float = 2.5
    """The largest coefficient, before the position is shifted to sum 1."""
    remeasured: int = 3
    """How many of the leading positions are measured again, and averaged, in every iteration."""
    analogies: bool = True
    """Whether the start measures a + b - c beside the initial adapters; children fill up what particles are missing."""
    scattered: int = 66
    """How many random places the start measures as well: what six iterations of eight particles measure."""
    cohesion: float = 0.2
    """Share of a layer's difference from the mean velocity of all layers that is lost in every move; see `standard`."""

    def __post_init__(self) -> None:
        for name in ("inertia", "cognitive", "social", "remeasured", "scattered"):
            _check(f"swarm rule Standard: {name}", getattr(self, name), 0)
        _check("swarm rule Standard: max_velocity", self.max_velocity, 0, open_below=True)
        _check("swarm rule Standard: max_position", self.max_position, 1)
        _check("swarm rule Standard: cohesion", self.cohesion, 0, 1)


class Compat(StrEnum):
    """Which Data Swarms the Published rule is."""

    INTENDED = "Intended"
    """The rule, as the papers have it."""
    REFERENCE = "Reference"
    """The released code, faults included (see `reference`): to compare results with it."""


@dataclass(frozen=True, slots=True)
class Published:
    """The rule of Data Swarms; defaults from its authors' later toolkit and starter scripts."""

    inertia: float = 0.2
    cognitive: float = 0.3
    social: float = 0.4
    repel: float = 0.05
    step_length: float = 0.7
    """Lambda of the first move."""
    step_factor: float = 0.95
    """What lambda is multiplied by, once per iteration."""
    step_floor: float = 0.1
    """Lambda never falls below it."""
    restart_patience: float = 0.67
    """A ratio: a particle restarts when its best is restart_patience * patience measurements old. 0: every time.
    Reference takes the whole part of it for an index into the particle's scores (see `reference`)."""
    compat: Compat = Compat.INTENDED

    def __post_init__(self) -> None:
        for name in ("inertia", "cognitive", "social", "repel"):
            _check(f"swarm rule Published: {name}", getattr(self, name), 0)
        total = self.inertia + self.cognitive + self.social + self.repel
        _check("swarm rule Published: the sum of inertia, cognitive, social and repel", total, 0, open_below=True)
        _check("swarm rule Published: step_floor", self.step_floor, 0)
        _check("swarm rule Published: step_length", self.step_length, 0, open_below=True)
        _check("swarm rule Published: step_length", self.step_length, self.step_floor)
        _check("swarm rule Published: step_factor", self.step_factor, 0, 1, open_below=True)
        most = 1.0 if self.compat is Compat.REFERENCE else float("inf")
        _check("swarm rule Published: restart_patience", self.restart_patience, 0, most)


@dataclass(frozen=True, slots=True)
class RandomSearch:
    """Positions drawn from a box and shifted to sum 1: what any search must beat.

    The box is wide enough for the analogies, whose coefficients are -1, 0 and 1, with half as much beyond: most of a
    box of 2.5, where the particles of Standard may go, is adapters that write broken text.
    """

    half_width: float = 1.5
    """A coefficient is drawn from [-half_width, half_width]."""

    def __post_init__(self) -> None:
        _check("swarm rule RandomSearch: half_width", self.half_width, 0, open_below=True)


@dataclass(frozen=True, slots=True)
class CmaEs:
    """CMA-ES (Hansen, arXiv 1604.00772) among the positions that sum to 1; begins at the best initial adapter."""

    sigma: float = 0.5
    """The first step size, per orthonormal direction: initial adapters lie sqrt(2) apart, so a third of that."""
    max_position: float = 2.5
    """The largest coefficient, before the position is shifted to sum 1; as in Standard."""

    def __post_init__(self) -> None:
        _check("swarm rule CmaEs: sigma", self.sigma, 0, open_below=True)
        _check("swarm rule CmaEs: max_position", self.max_position, 1)


Rule = Standard | Published | RandomSearch | CmaEs


@dataclass(frozen=True, slots=True)
class Plan:
    """One search. Raises BadInputError for sizes that cannot work."""

    basis: int
    """Initial adapters: a block of a position has this many coefficients."""
    particles: int
    iterations: int
    """Moves at most, after the start (iteration 0), which only measures. What is no particle swarm measures as often as
    one would, in as many iterations as that takes (see `effort`)."""
    patience: int
    """Iterations without a better leading position after which the search stops."""
    seed: int
    rule: Rule
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
        _check("swarm particles", self.particles, 2)
        _check("swarm iterations", self.iterations, 1)
        _check("swarm patience", self.patience, 1)
        _check("swarm groups", self.groups, 1)
        _check("swarm decay", self.decay, 0, 1, open_below=True)
        if self.groups > 1 and not isinstance(self.rule, Standard):
            name = type(self.rule).__name__
            raise BadInputError(f"swarm groups is {self.groups}: only rule Standard keeps layers together, not {name}")
        if self.rescored and not self.flies:
            name = type(self.rule).__name__
            raise BadInputError(f"swarm rescored: only particles have bests to measure again, and {name} moves none")

    @property
    def released(self) -> bool:
        """Whether the search is to go wrong where the released code does."""
        return isinstance(self.rule, Published) and self.rule.compat is Compat.REFERENCE

    @property
    def flies(self) -> bool:
        """Whether particles move; else every iteration draws its positions anew."""
        return isinstance(self.rule, Standard | Published)
