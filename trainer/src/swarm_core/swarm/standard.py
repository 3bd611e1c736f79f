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
    """
    particle = swarm.particles[index]
    leader = state.leader(swarm)
    x = particle.position
    pulls = (
        (rule.cognitive, "cognitive", particle.best or x),
        (rule.social, "social", leader.position if leader else x),
    )
    velocity = tuple(
        rule.inertia * particle.velocity[axis]
        + fsum(
            weight
            * streams.uniform(swarm.plan.seed, "move", swarm.iteration, index, axis, name)
            * (target[axis] - x[axis])
            for weight, name, target in pulls
        )
        for axis in range(len(x))
    )
    velocity = positions.clamped(velocity, rule.max_velocity)
    landed = positions.clamped(positions.combination([(1.0, x), (1.0, velocity)]), rule.max_position)
    return replace(particle, position=positions.shifted(landed), velocity=velocity)


def doubted(rule: Standard, swarm: Swarm) -> list[Measured]:
    """The leading records to measure again, best first; not where a particle stands, for that is measured anyway."""
    standing: set[Position] = {particle.position for particle in swarm.particles}
    others = [record for record in state.leading(swarm.measured) if record.position not in standing]
    return others[: rule.remeasured]
