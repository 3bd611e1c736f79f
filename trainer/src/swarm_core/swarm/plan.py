"""What a search is told before it begins: its size, its seed and its rule.

Units are in the names: `iterations` and `patience` count iterations, `restart_patience` is a ratio of patience.
Settings that cannot work are refused when the value is made, so no later module checks them again.
"""

from dataclasses import dataclass
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
    """Constriction PSO kept to sum 1, with an analogy start and re-measured bests: made for noisy scores.

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

    def __post_init__(self) -> None:
        for name in ("inertia", "cognitive", "social", "remeasured"):
            _check(f"swarm rule Standard: {name}", getattr(self, name), 0)
        _check("swarm rule Standard: max_velocity", self.max_velocity, 0, open_below=True)
        _check("swarm rule Standard: max_position", self.max_position, 1)


@dataclass(frozen=True, slots=True)
class Published:
    """The rule of Data Swarms as its authors intend it; defaults from their later toolkit and starter scripts."""

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
    """A ratio: a particle restarts when its best is restart_patience * patience measurements old. 0: every time."""

    def __post_init__(self) -> None:
        for name in ("inertia", "cognitive", "social", "repel"):
            _check(f"swarm rule Published: {name}", getattr(self, name), 0)
        total = self.inertia + self.cognitive + self.social + self.repel
        _check("swarm rule Published: the sum of inertia, cognitive, social and repel", total, 0, open_below=True)
        _check("swarm rule Published: step_floor", self.step_floor, 0)
        _check("swarm rule Published: step_length", self.step_length, 0, open_below=True)
        _check("swarm rule Published: step_length", self.step_length, self.step_floor)
        _check("swarm rule Published: step_factor", self.step_factor, 0, 1, open_below=True)
        _check("swarm rule Published: restart_patience", self.restart_patience, 0)


Rule = Standard | Published


@dataclass(frozen=True, slots=True)
class Plan:
    """One search. Raises BadInputError for sizes that cannot work."""

    basis: int
    """Initial adapters: a position has this many coefficients."""
    particles: int
    iterations: int
    """Moves at most, after the start (iteration 0), which only measures."""
    patience: int
    """Iterations without a better leading position after which the search stops."""
    seed: int
    rule: Rule

    def __post_init__(self) -> None:
        if self.basis < 2:
            raise BadInputError(f"{self.basis} generators: one adapter spans no direction to search; give at least two")
        _check("swarm particles", self.particles, 2)
        _check("swarm iterations", self.iterations, 1)
        _check("swarm patience", self.patience, 1)
