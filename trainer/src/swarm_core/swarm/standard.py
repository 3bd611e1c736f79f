"""The default rule: constriction PSO on the affine hull of the basis, with leading positions measured again.

Source: the update of Clerc and Kennedy (2002), factors per coordinate; what is added to it (sum 1, averaged bests) is
there because scores are noisy: an uncorrected swarm follows its luckiest measurement.
"""

from dataclasses import replace
from math import fsum

from swarm_core.swarm import positions, state, streams
from swarm_core.swarm.plan import Standard
from swarm_core.swarm.positions import Position
from swarm_core.swarm.state import Measured, Particle, Swarm


def moved(rule: Standard, swarm: Swarm, index: int) -> Particle:
    """Particle `index` after its move to iteration `swarm.iteration`.

    (S1)  v <- inertia * v + cognitive * r1 * (p - x) + social * r2 * (g - x),  r1, r2 ~ U(0, 1) per coordinate
    (S2)  |v| <= max_velocity per coordinate
    (S3)  x <- x + v,  |x| <= max_position per coordinate
    (S4)  x <- x + (1 - sum x) / n: the nearest position that sums to 1

    (S4) comes last: the sum is 1 whatever the bounds do, and a coordinate may pass max_position by the shift. Without
    a personal or a global best, that pull is absent.

    Where layers have blocks of their own, (S4) is done block by block, r1 and r2 of a layer are (L1), and (L2) comes
    between (S1) and (S2), with a mean over the layers under a bar:

    (L1)  r_l = r + u_l - ū,  r, u_l ~ U(0, 1) per coordinate: the mean over the layers is r
    (L2)  v_l <- v̄ + (1 - cohesion) (v_l - v̄); in the first particle and every second one after, v_l <- v̄

    All layers start alike, so (L1) is where differences come from. The mean moves as the one block of a Global search
    does; what a layer adds of its own is damped in every move, but stands once it led to a best. Half the particles
    never let layers differ: they are a Global search, which noise in many more directions cannot lead astray.
    """
    particle, plan = swarm.particles[index], swarm.plan
    leader = state.leader(swarm)
    x = particle.position
    pulls = tuple(
        (weight, _factors(swarm, index, name), target)
        for weight, name, target in (
            (rule.cognitive, "cognitive", particle.best or x),
            (rule.social, "social", leader.position if leader else x),
        )
    )
    velocity = tuple(
        rule.inertia * particle.velocity[axis]
        + fsum(weight * factors[axis] * (target[axis] - x[axis]) for weight, factors, target in pulls)
        for axis in range(len(x))
    )
    velocity = positions.clamped(
        _gathered(velocity, plan.groups, rule.cohesion if index % 2 else 1.0), rule.max_velocity
    )
    landed = positions.clamped(positions.combination([(1.0, x), (1.0, velocity)]), rule.max_position)
    blocks = positions.blocks(landed, plan.groups)
    return replace(particle, position=positions.joined(map(positions.shifted, blocks)), velocity=velocity)


def _factors(swarm: Swarm, index: int, name: str) -> Position:
    """r1 or r2 of every coordinate; (L1) if there are several blocks."""
    plan = swarm.plan
    keys = [("move", swarm.iteration, index, axis, name) for axis in range(plan.basis)]
    shared = tuple(streams.uniform(plan.seed, *key) for key in keys)
    if plan.groups == 1:
        return shared
    own = positions.joined(
        tuple(streams.uniform(plan.seed, *key, layer) for key in keys) for layer in range(plan.groups)
    )
    middle = positions.mean(own, plan.groups)
    return positions.combination(
        [(1.0, positions.repeated(shared, plan.groups)), (1.0, own), (-1.0, positions.repeated(middle, plan.groups))]
    )


def _gathered(velocity: Position, groups: int, cohesion: float) -> Position:
    """(L2); one block is its own mean."""
    if groups == 1:
        return velocity
    middle = positions.repeated(positions.mean(velocity, groups), groups)
    return tuple(m + (1.0 - cohesion) * (value - m) for value, m in zip(velocity, middle, strict=True))


def doubted(rule: Standard, swarm: Swarm) -> list[Measured]:
    """The leading records to measure again, best first; not where a particle stands, for that is measured anyway."""
    standing: set[Position] = {particle.position for particle in swarm.particles}
    others = [record for record in state.leading(swarm.measured) if record.position not in standing]
    return others[: rule.remeasured]
