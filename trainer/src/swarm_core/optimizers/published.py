"""The rule of Data Swarms (arXiv 2506.00741) and Model Swarms (arXiv 2410.11163).

Its weights are divided by their sum, so a move is a mean of the pulls times a step length that decays: the swarm
contracts. Coefficients keep the sum they start with, 1. Where the released code departs from the rule, `Intended`
follows the rule and `Reference` the code (see `reference`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import fsum
from typing import Any, ClassVar, Self

from swarm_core import streams
from swarm_core.optimizers import (
    candidate,
    initial_positions,
    memory,
    particle_swarm,
    positions,
    reference,
    schedule,
)
from swarm_core.optimizers.candidate import Candidate, Result
from swarm_core.optimizers.checks import require_range
from swarm_core.optimizers.optimizer import Optimizer, Plan
from swarm_core.optimizers.particle_swarm import SwarmState
from swarm_core.optimizers.positions import Position
from swarm_core.optimizers.reference import PublishedParticle


class Compat(StrEnum):
    """Which Data Swarms the Published rule is."""

    INTENDED = "Intended"
    """The rule, as the papers have it."""
    REFERENCE = "Reference"
    """The released code, faults included (see `reference`): to compare results with it."""


@dataclass(frozen=True, slots=True)
class PublishedState(SwarmState):
    """A search by rule Published."""

    particles: tuple[PublishedParticle, ...] = ()


@dataclass(frozen=True, slots=True)
class Published(Optimizer[PublishedState]):
    """The rule of Data Swarms; defaults from its authors' later toolkit and starter scripts."""

    name: ClassVar[str] = "Published"
    is_particle_rule: ClassVar[bool] = True
    supports_rescoring: ClassVar[bool] = True
    supports_growth: ClassVar[bool] = True

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
            require_range(f"swarm rule Published: {name}", getattr(self, name), 0)
        total = self.inertia + self.cognitive + self.social + self.repel
        require_range(
            "swarm rule Published: the sum of inertia, cognitive, social and repel", total, 0, open_below=True
        )
        require_range("swarm rule Published: step_floor", self.step_floor, 0)
        require_range("swarm rule Published: step_length", self.step_length, 0, open_below=True)
        require_range("swarm rule Published: step_length", self.step_length, self.step_floor)
        require_range("swarm rule Published: step_factor", self.step_factor, 0, 1, open_below=True)
        most = 1.0 if self.compat is Compat.REFERENCE else float("inf")
        require_range("swarm rule Published: restart_patience", self.restart_patience, 0, most)

    @classmethod
    def from_constants(cls, constants: Mapping[str, Any]) -> Self:
        """Return the rule with the constants of a resolved spec. Without `compat`, it is the rule as intended."""
        return cls(**{**constants, "compat": Compat(constants.get("compat", Compat.INTENDED))})

    def start(self, plan: Plan) -> PublishedState:
        return PublishedState(plan)

    def current_positions(self, state: PublishedState) -> tuple[Position, ...]:
        return particle_swarm.current_positions(state)

    def ask(self, state: PublishedState) -> tuple[Candidate, ...]:
        """Return the start, or every particle; of a `rescored` plan every best as well."""
        if state.iteration == 0:
            return initial_positions.list_candidates(state.plan)
        explored = candidate.explore(self.current_positions(state))
        if not state.plan.rescored:
            return explored
        return explored + candidate.remeasure(particle_swarm.bests_to_remeasure(state))

    def tell(self, state: PublishedState, fitness: Mapping[str, float | None]) -> PublishedState:
        results = candidate.match_scores(self.ask(state), fitness)
        updated = memory.update_estimates(state, results, keep_highest=True)
        if state.iteration == 0:
            particles = self._initial_particles(state.plan, results)
        else:
            particles = particle_swarm.update_bests(state.particles, results, updated)
        if self.compat is Compat.REFERENCE:
            particles = reference.record_scores(particles, results)
        return particle_swarm.advance(state, results, updated, particles, self.move)

    def out_of_patience(self, state: PublishedState) -> bool:
        """As the rule has it, or (B5) as the released code does."""
        if self.compat is Compat.REFERENCE:
            return reference.out_of_patience(state)
        return state.stale >= state.plan.patience

    def budget(self, plan: Plan) -> int:
        return len(initial_positions.list_candidates(plan)) + plan.iterations * plan.particles

    def iterations(self, plan: Plan) -> int:
        return plan.iterations

    def add_adapter(self, state: PublishedState) -> PublishedState:
        return particle_swarm.add_adapter(state)

    def move(self, state: PublishedState, index: int) -> PublishedParticle:
        """Particle `index` after its move to iteration `state.iteration`.

        (2)  r_v, r_p, r_g, r_w ~ U(0, 1), one each per particle and iteration
        (3)  C = r_v phi_v + r_p phi_p + r_g phi_g + r_w phi_w
        (4)  v <- [r_v phi_v v + r_p phi_p (p - x) + r_g phi_g (g - x) + r_w phi_w (x - w)] / C
        (5)  x <- x + lambda v, with lambda of (6)
        (6)  lambda <- max(floor, factor * lambda): once per iteration; Reference: once per particle (B1)
        (7)  before all that, x <- p and v <- 0 when the personal best is old; Reference: by index (B2)

        w is the worst position ever measured. A best or worst that does not exist yet pulls nowhere; Reference: to a
        particle drawn at random (B3).
        """
        particle = self._restart_if_due(state.plan, state.particles[index])
        velocity, step = self._velocity(state, index, particle), self.step(state.plan, state.iteration, index)
        position = positions.combine([(1.0, particle.position), (step, velocity)])
        return replace(particle, position=position, velocity=velocity)

    def step(self, plan: Plan, iteration: int, index: int) -> float:
        """(6): lambda of particle `index` in the move that leads to `iteration`; 1 is the first."""
        decays = iteration - 1
        if self.compat is Compat.REFERENCE:
            decays = reference.count_decays(plan, iteration, index)
        return schedule.step_length(self.step_length, self.step_factor, self.step_floor, decays)

    def _initial_particles(self, plan: Plan, results: tuple[Result, ...]) -> tuple[PublishedParticle, ...]:
        """Return the start of every rule; in Reference (B3), each is its own best, scored or not."""
        own = self.compat is Compat.REFERENCE
        return tuple(
            PublishedParticle(one.position, one.velocity, one.position if own else one.best)
            for one in particle_swarm.initial_particles(plan, results)
        )

    def _restart_if_due(self, plan: Plan, particle: PublishedParticle) -> PublishedParticle:
        """(7): at its best and at rest, if it has found nothing better for too long; it stays due until it does."""
        if self.compat is Compat.REFERENCE:
            return reference.restart_if_due(particle, self.restart_patience)
        if particle.best is None or not schedule.should_restart(self.restart_patience, plan.patience, particle.stale):
            return particle
        return replace(particle, position=particle.best, velocity=(0.0,) * len(particle.velocity))

    def _velocity(self, state: PublishedState, index: int, particle: PublishedParticle) -> Position:
        """Equations (2) to (4)."""
        x = particle.position
        best, worst = self._best_and_worst(state, x)
        pulls = {
            "inertia": (self.inertia, particle.velocity),
            "cognitive": (self.cognitive, positions.subtract(particle.best or x, x)),
            "social": (self.social, positions.subtract(best, x)),
            "repel": (self.repel, positions.subtract(x, worst)),
        }
        weighted = [
            (weight * streams.uniform(state.plan.seed, "move", state.iteration, index, name), pull)
            for name, (weight, pull) in pulls.items()
        ]
        total = fsum(weight for weight, _ in weighted)
        return positions.combine([(weight / total, pull) for weight, pull in weighted])

    def _best_and_worst(self, state: PublishedState, x: Position) -> tuple[Position, Position]:
        """g and w for a particle at `x`, which stands for one that does not exist; Reference: see (B3)."""
        best, worst = particle_swarm.global_best(state), state.worst
        if self.compat is Compat.REFERENCE and (best is None or worst is None):
            start = initial_positions.list_candidates(state.plan)
            return reference.draw_substitute(state.plan, start, "best"), reference.draw_substitute(
                state.plan, start, "worst"
            )
        return (best.position if best else x), (worst.position if worst else x)
