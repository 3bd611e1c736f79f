"""The default rule: constriction PSO on the affine hull of the basis, with leading positions measured again.

Source: the update of Clerc and Kennedy (2002), with random factors per coordinate. The additions (sum 1, averaged
bests) are needed because scores are noisy: otherwise, a swarm follows its luckiest measurement.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import fsum
from typing import Any, ClassVar, Self

from swarm_core import streams
from swarm_core.optimizers import candidate, initial_positions, memory, particle_swarm, positions
from swarm_core.optimizers.candidate import Candidate
from swarm_core.optimizers.checks import require_range
from swarm_core.optimizers.optimizer import Optimizer, Plan
from swarm_core.optimizers.particle_swarm import Particle, SwarmState
from swarm_core.optimizers.positions import Position


@dataclass(frozen=True, slots=True)
class Standard(Optimizer[SwarmState]):
    """Constriction PSO kept to sum 1, with a wide start and re-measured bests: made for noisy scores.

    Inertia 0.73 with both pulls 1.5 is the constriction of Clerc and Kennedy (2002): about chi = 0.73 and chi * 2.05,
    which converges without a decaying step. The bounds let a particle leave the hull of the initial adapters, where the
    good ones lie, but not go so far that the adapter writes broken text.
    """

    name: ClassVar[str] = "Standard"
    is_particle_rule: ClassVar[bool] = True
    supports_groups: ClassVar[bool] = True
    supports_rescoring: ClassVar[bool] = True
    supports_growth: ClassVar[bool] = True

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
    """How many random positions the start measures as well: what six iterations of eight particles measure."""
    cohesion: float = 0.2
    """Share of a layer's difference from the mean velocity of all layers that is lost in every move; see `move`."""

    def __post_init__(self) -> None:
        for name in ("inertia", "cognitive", "social", "remeasured", "scattered"):
            require_range(f"swarm rule Standard: {name}", getattr(self, name), 0)
        require_range("swarm rule Standard: max_velocity", self.max_velocity, 0, open_below=True)
        require_range("swarm rule Standard: max_position", self.max_position, 1)
        require_range("swarm rule Standard: cohesion", self.cohesion, 0, 1)

    @classmethod
    def from_constants(cls, constants: Mapping[str, Any]) -> Self:
        """Return the rule with the constants of a resolved spec.

        The spec names where to `start`. Without `scattered`, there are no random positions.
        """
        others = {name: value for name, value in constants.items() if name not in ("start", "scattered")}
        return cls(**others, analogies=constants["start"] == "Analogies", scattered=constants.get("scattered", 0))

    def start(self, plan: Plan) -> SwarmState:
        return SwarmState(plan)

    def current_positions(self, state: SwarmState) -> tuple[Position, ...]:
        return particle_swarm.current_positions(state)

    def ask(self, state: SwarmState) -> tuple[Candidate, ...]:
        """Return the start, or every particle and the leading positions again; of a `rescored` plan every best."""
        if state.iteration == 0:
            return self._initial_candidates(state.plan)
        if state.plan.rescored:
            again = particle_swarm.bests_to_remeasure(state)
        else:
            again = particle_swarm.leaders_to_remeasure(state, self.remeasured)
        return candidate.explore(self.current_positions(state)) + candidate.remeasure(again)

    def tell(self, state: SwarmState, fitness: Mapping[str, float | None]) -> SwarmState:
        results = candidate.match_scores(self.ask(state), fitness)
        updated = memory.update_estimates(state, results)
        if state.iteration == 0:
            particles = particle_swarm.initial_particles(state.plan, results)
        else:
            particles = particle_swarm.update_bests(state.particles, results, updated)
        return particle_swarm.advance(state, results, updated, particles, self.move)

    def budget(self, plan: Plan) -> int:
        return len(self._initial_candidates(plan)) + plan.iterations * (plan.particles + self.remeasured)

    def iterations(self, plan: Plan) -> int:
        return plan.iterations

    def add_adapter(self, state: SwarmState) -> SwarmState:
        return particle_swarm.add_adapter(state)

    def _initial_candidates(self, plan: Plan) -> tuple[Candidate, ...]:
        return initial_positions.list_candidates(plan, with_analogies=self.analogies, random=self.scattered)

    def move(self, state: SwarmState, index: int) -> Particle:
        """Particle `index` after its move to iteration `state.iteration`.

        (S1)  v <- inertia * v + cognitive * r1 * (p - x) + social * r2 * (g - x),  r1, r2 ~ U(0, 1) per coordinate
        (S2)  |v| <= max_velocity per coordinate
        (S3)  x <- x + v,  |x| <= max_position per coordinate
        (S4)  x <- x + (1 - sum x) / n: the nearest position that sums to 1

        (S4) comes last: the sum is 1 whatever the bounds do, and a coordinate may pass max_position by the shift.
        Without a personal or a global best, that pull is absent.

        Where layers have blocks of their own, (S4) is done block by block, r1 and r2 of a layer are (L1), and (L2)
        comes between (S1) and (S2), with a mean over the layers under a bar:

        (L1)  r_l = r + u_l - ū,  r, u_l ~ U(0, 1) per coordinate: the mean over the layers is r
        (L2)  v_l <- v̄ + (1 - cohesion) (v_l - v̄); in the first particle and every second one after, v_l <- v̄

        All layers start alike, so (L1) is where differences come from. The mean moves as the one block of a Global
        search does; what a layer adds of its own is damped in every move, but stands once it led to a best. Half the
        particles never let layers differ: they are a Global search, which noise in many more directions cannot lead
        astray.
        """
        particle, groups = state.particles[index], state.plan.groups
        cohesion = self.cohesion if index % 2 else 1.0
        velocity = positions.clip(_cohere(self._velocity(state, index), groups, cohesion), self.max_velocity)
        reached = positions.clip(positions.combine([(1.0, particle.position), (1.0, velocity)]), self.max_position)
        blocks = map(positions.shift_to_sum_one, positions.split_blocks(reached, groups))
        return replace(particle, position=positions.concatenate(blocks), velocity=velocity)

    def _velocity(self, state: SwarmState, index: int) -> Position:
        """(S1)"""
        particle, leader = state.particles[index], particle_swarm.global_best(state)
        x = particle.position
        pulls = tuple(
            (weight, _random_factors(state, index, name), target)
            for weight, name, target in (
                (self.cognitive, "cognitive", particle.best or x),
                (self.social, "social", leader.position if leader else x),
            )
        )
        return tuple(
            self.inertia * particle.velocity[axis]
            + fsum(weight * factors[axis] * (target[axis] - x[axis]) for weight, factors, target in pulls)
            for axis in range(len(x))
        )


def _random_factors(state: SwarmState, index: int, name: str) -> Position:
    """r1 or r2 of every coordinate; (L1) if there are several blocks."""
    plan = state.plan
    keys = [("move", state.iteration, index, axis, name) for axis in range(plan.basis)]
    shared = tuple(streams.uniform(plan.seed, *key) for key in keys)
    if plan.groups == 1:
        return shared
    own = positions.concatenate(
        tuple(streams.uniform(plan.seed, *key, layer) for key in keys) for layer in range(plan.groups)
    )
    middle = positions.mean_block(own, plan.groups)
    return positions.combine(
        [(1.0, positions.repeat(shared, plan.groups)), (1.0, own), (-1.0, positions.repeat(middle, plan.groups))]
    )


def _cohere(velocity: Position, groups: int, cohesion: float) -> Position:
    """(L2); one block is its own mean."""
    if groups == 1:
        return velocity
    middle = positions.repeat(positions.mean_block(velocity, groups), groups)
    return tuple(m + (1.0 - cohesion) * (value - m) for value, m in zip(velocity, middle, strict=True))
