"""The rule of Data Swarms (arXiv 2506.00741) and Model Swarms (arXiv 2410.11163).

The weights of a move are divided by their sum, so a move is a weighted mean of the pulls times a step length. The step
length decays, so the swarm contracts. The coefficients of a particle always sum to 1. The released code differs from
the rule in some places: `Intended` follows the rule there, and `Reference` follows the code (see `reference`).
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
from swarm_core.optimizers.candidate import Candidate, Fitness, Result
from swarm_core.optimizers.checks import require_range
from swarm_core.optimizers.optimizer import Optimizer, Plan
from swarm_core.optimizers.particle_swarm import SwarmState
from swarm_core.optimizers.positions import Position
from swarm_core.optimizers.reference import PublishedParticle


class Compat(StrEnum):
    """The version of Data Swarms that the rule Published follows."""

    INTENDED = "Intended"
    """The rule of the papers."""
    REFERENCE = "Reference"
    """The released code with its faults (see `reference`), to compare results with it."""


@dataclass(frozen=True, slots=True)
class PublishedState(SwarmState):
    """The state of a search by rule Published."""

    particles: tuple[PublishedParticle, ...] = ()


@dataclass(frozen=True, slots=True)
class Published(Optimizer[PublishedState]):
    """The rule of Data Swarms. The defaults are those of its authors' later toolkit and starter scripts."""

    name: ClassVar[str] = "Published"
    revision: ClassVar[int] = 1
    is_particle_rule: ClassVar[bool] = True
    supports_rescoring: ClassVar[bool] = True
    supports_growth: ClassVar[bool] = True

    inertia: float = 0.2
    cognitive: float = 0.3
    social: float = 0.4
    repel: float = 0.05
    step_length: float = 0.7
    """Lambda in the first move."""
    step_factor: float = 0.95
    """Lambda is multiplied by this factor once per iteration."""
    step_floor: float = 0.1
    """The minimum of lambda."""
    restart_patience: float = 0.67
    """A ratio. A particle restarts when its best is restart_patience * patience measurements old; 0 restarts it every
    time. Reference uses the integer part as an index into the particle's scores (see `reference`)."""
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
        """Return the rule with the constants of a resolved spec. The default of `compat` is `Intended`."""
        return cls(**{**constants, "compat": Compat(constants.get("compat", Compat.INTENDED))})

    def start(self, plan: Plan) -> PublishedState:
        return PublishedState(plan)

    def current_positions(self, state: PublishedState) -> tuple[Position, ...]:
        return particle_swarm.current_positions(state)

    def ask(self, state: PublishedState) -> tuple[Candidate, ...]:
        """Return the initial candidates in iteration 0, and then every particle. A `rescored` plan adds every best."""
        if state.iteration == 0:
            return initial_positions.list_candidates(state.plan)
        explored = candidate.explore(self.current_positions(state))
        if not state.plan.rescored:
            return explored
        return explored + candidate.remeasure(particle_swarm.bests_to_remeasure(state))

    def tell(self, state: PublishedState, fitness: Mapping[str, Fitness]) -> PublishedState:
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
        """Return whether the search gives up: by the rule, or with Reference by the released code (B5)."""
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
        """Return particle `index` after its move to iteration `state.iteration`.

        (2)  r_v, r_p, r_g, r_w ~ U(0, 1), one each per particle and iteration
        (3)  C = r_v phi_v + r_p phi_p + r_g phi_g + r_w phi_w
        (4)  v <- [r_v phi_v v + r_p phi_p (p - x) + r_g phi_g (g - x) + r_w phi_w (x - w)] / C
        (5)  x <- x + lambda v, with lambda of (6)
        (6)  lambda <- max(floor, factor * lambda), once per iteration; with Reference once per particle (B1)
        (7)  before (2), x <- p and v <- 0 if the personal best is old; with Reference by index (B2)

        w is the worst position ever measured. A best or worst that does not exist yet has no pull. With Reference, a
        random particle takes its place (B3).
        """
        particle = self._restart_if_due(state.plan, state.particles[index])
        velocity, step = self._velocity(state, index, particle), self.step(state.plan, state.iteration, index)
        position = positions.combine([(1.0, particle.position), (step, velocity)])
        return replace(particle, position=position, velocity=velocity)

    def step(self, plan: Plan, iteration: int, index: int) -> float:
        """Return lambda (6) of particle `index` in the move to `iteration`. The first move leads to iteration 1."""
        decays = iteration - 1
        if self.compat is Compat.REFERENCE:
            decays = reference.count_decays(plan, iteration, index)
        return schedule.step_length(self.step_length, self.step_factor, self.step_floor, decays)

    def _initial_particles(self, plan: Plan, results: tuple[Result, ...]) -> tuple[PublishedParticle, ...]:
        """Return the particles of iteration 0. With Reference, each is its own best even without a score (B3)."""
        own = self.compat is Compat.REFERENCE
        return tuple(
            PublishedParticle(one.position, one.velocity, one.position if own else one.best)
            for one in particle_swarm.initial_particles(plan, results)
        )

    def _restart_if_due(self, plan: Plan, particle: PublishedParticle) -> PublishedParticle:
        """Return the particle at its best and at rest if its best is too old (7), until it finds a better one."""
        if self.compat is Compat.REFERENCE:
            return reference.restart_if_due(particle, self.restart_patience)
        if particle.best is None or not schedule.should_restart(self.restart_patience, plan.patience, particle.stale):
            return particle
        return replace(particle, position=particle.best, velocity=(0.0,) * len(particle.velocity))

    def _velocity(self, state: PublishedState, index: int, particle: PublishedParticle) -> Position:
        """Return the velocity by equations (2) to (4)."""
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
        """Return g and w for a particle at `x`. `x` replaces one that does not exist; with Reference see (B3)."""
        best, worst = particle_swarm.global_best(state), state.worst
        if self.compat is Compat.REFERENCE and (best is None or worst is None):
            start = initial_positions.list_candidates(state.plan)
            return reference.draw_substitute(state.plan, start, "best"), reference.draw_substitute(
                state.plan, start, "worst"
            )
        return (best.position if best else x), (worst.position if worst else x)
