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
from swarm_core.optimizers.candidate import Candidate, Fitness
from swarm_core.optimizers.checks import require_range
from swarm_core.optimizers.optimizer import Optimizer, Plan
from swarm_core.optimizers.particle_swarm import Particle, SwarmState
from swarm_core.optimizers.positions import Position


@dataclass(frozen=True, slots=True)
class Standard(Optimizer[SwarmState]):
    """Constriction PSO for noisy scores: positions sum to 1, the start is wide, and bests are measured again.

    Inertia 0.73 and both pulls 1.5 are the constriction of Clerc and Kennedy (2002), chi = 0.73 and chi * 2.05. It
    converges without a decaying step. The bounds let a particle leave the hull of the initial adapters, because good
    positions lie outside it. They are narrow enough that the adapter does not write broken text.
    """

    name: ClassVar[str] = "Standard"
    revision: ClassVar[int] = 1
    is_particle_rule: ClassVar[bool] = True
    supports_groups: ClassVar[bool] = True
    supports_rescoring: ClassVar[bool] = True
    supports_growth: ClassVar[bool] = True

    inertia: float = 0.73
    cognitive: float = 1.5
    social: float = 1.5
    max_velocity: float = 1.0
    """The largest step per coordinate. A step of 1 adds or removes a whole adapter."""
    max_position: float = 2.5
    """The largest coefficient, before the position is shifted to sum 1."""
    remeasured: int = 3
    """The number of leading positions that are measured again in every iteration. Their scores are averaged."""
    analogies: bool = True
    """Whether iteration 0 measures analogies a + b - c of initial adapters. Children supply missing particles."""
    scattered: int = 66
    """The number of random positions in iteration 0. Six iterations of eight particles measure as many."""
    cohesion: float = 0.2
    """The share of a layer's difference from the mean velocity of all layers that each move removes; see `move`."""

    def __post_init__(self) -> None:
        for name in ("inertia", "cognitive", "social", "remeasured", "scattered"):
            require_range(f"swarm rule Standard: {name}", getattr(self, name), 0)
        require_range("swarm rule Standard: max_velocity", self.max_velocity, 0, open_below=True)
        require_range("swarm rule Standard: max_position", self.max_position, 1)
        require_range("swarm rule Standard: cohesion", self.cohesion, 0, 1)

    @classmethod
    def from_constants(cls, constants: Mapping[str, Any]) -> Self:
        """Return the rule with the constants of a resolved spec.

        `start` is `Analogies` or another start without them. The default of `scattered` is 0.
        """
        others = {name: value for name, value in constants.items() if name not in ("start", "scattered")}
        return cls(**others, analogies=constants["start"] == "Analogies", scattered=constants.get("scattered", 0))

    def start(self, plan: Plan) -> SwarmState:
        return SwarmState(plan)

    def current_positions(self, state: SwarmState) -> tuple[Position, ...]:
        return particle_swarm.current_positions(state)

    def ask(self, state: SwarmState) -> tuple[Candidate, ...]:
        """Return the initial candidates in iteration 0, and then every particle and the positions to measure again.

        Those are the leading positions, or every best if the plan is `rescored`.
        """
        if state.iteration == 0:
            return self.list_initial_candidates(state.plan)
        if state.plan.rescored:
            again = particle_swarm.bests_to_remeasure(state)
        else:
            again = particle_swarm.leaders_to_remeasure(state, self.remeasured)
        return candidate.explore(self.current_positions(state)) + candidate.remeasure(again)

    def tell(self, state: SwarmState, fitness: Mapping[str, Fitness]) -> SwarmState:
        results = candidate.match_scores(self.ask(state), fitness)
        updated = memory.update_estimates(state, results)
        if state.iteration == 0:
            particles = particle_swarm.initial_particles(state.plan, results)
        else:
            particles = particle_swarm.update_bests(state.particles, results, updated)
        return particle_swarm.advance(state, results, updated, particles, self.move)

    def budget(self, plan: Plan) -> int:
        return len(self.list_initial_candidates(plan)) + plan.iterations * (plan.particles + self.remeasured)

    def iterations(self, plan: Plan) -> int:
        return plan.iterations

    def add_adapter(self, state: SwarmState) -> SwarmState:
        return particle_swarm.add_adapter(state)

    def list_initial_candidates(self, plan: Plan) -> tuple[Candidate, ...]:
        """Return the candidates of iteration 0."""
        return initial_positions.list_candidates(plan, with_analogies=self.analogies, random=self.scattered)

    def move(self, state: SwarmState, index: int) -> Particle:
        """Return particle `index` after its move to iteration `state.iteration`, led by the global best."""
        leader = particle_swarm.global_best(state)
        return self.move_toward(state, index, leader.position if leader else None)

    def move_toward(self, state: SwarmState, index: int, leader: Position | None) -> Particle:
        """Return particle `index` after its move to iteration `state.iteration`. `leader`: g; None if there is none.

        (S1)  v <- inertia * v + cognitive * r1 * (p - x) + social * r2 * (g - x),  r1, r2 ~ U(0, 1) per coordinate
        (S2)  |v| <= max_velocity per coordinate
        (S3)  x <- x + v,  |x| <= max_position per coordinate
        (S4)  x <- x + (1 - sum x) / n: the nearest position that sums to 1

        (S4) comes last, so the sum is always 1, and the shift may move a coordinate beyond max_position. Without a
        personal best or a leader, that pull is 0.

        If each layer has a block of its own, (S4) applies to each block, (L1) gives r1 and r2 of a layer, and (L2)
        comes between (S1) and (S2). A bar is a mean over the layers:

        (L1)  r_l = r + u_l - ū,  r, u_l ~ U(0, 1) per coordinate: the mean over the layers is r
        (L2)  v_l <- v̄ + (1 - cohesion) (v_l - v̄); for particles with an even index, v_l <- v̄

        All layers start with equal blocks, so differences come from (L1) alone. The mean moves as in a Global search.
        Each move damps a layer's difference from the mean, but a best keeps its differences. In half of the particles
        layers never differ: these particles are a Global search, which noise in the many directions of the layers
        cannot mislead.
        """
        particle, groups = state.particles[index], state.plan.groups
        cohesion = self.cohesion if index % 2 else 1.0
        velocity = positions.clip(_cohere(self._velocity(state, index, leader), groups, cohesion), self.max_velocity)
        reached = positions.clip(positions.combine([(1.0, particle.position), (1.0, velocity)]), self.max_position)
        blocks = map(positions.shift_to_sum_one, positions.split_blocks(reached, groups))
        return replace(particle, position=positions.concatenate(blocks), velocity=velocity)

    def _velocity(self, state: SwarmState, index: int, leader: Position | None) -> Position:
        """Return the velocity (S1)."""
        particle = state.particles[index]
        x = particle.position
        pulls = tuple(
            (weight, _random_factors(state, index, name), target)
            for weight, name, target in (
                (self.cognitive, "cognitive", particle.best or x),
                (self.social, "social", leader or x),
            )
        )
        return tuple(
            self.inertia * particle.velocity[axis]
            + fsum(weight * factors[axis] * (target[axis] - x[axis]) for weight, factors, target in pulls)
            for axis in range(len(x))
        )


def _random_factors(state: SwarmState, index: int, name: str) -> Position:
    """Return r1 or r2 of every coordinate, by (L1) if there are several blocks."""
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
    """Return the velocity after (L2). A single block is its own mean and does not change."""
    if groups == 1:
        return velocity
    middle = positions.repeat(positions.mean_block(velocity, groups), groups)
    return tuple(m + (1.0 - cohesion) * (value - m) for value, m in zip(velocity, middle, strict=True))
