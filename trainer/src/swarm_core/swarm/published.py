"""The rule of Data Swarms (arXiv 2506.00741) and Model Swarms (arXiv 2410.11163).

Its weights are divided by their sum, so a move is a mean of the pulls times a step length that decays: the swarm
contracts. Coefficients keep the sum they start with, 1. Where the released code departs from the rule, `Intended`
follows the rule and `Reference` the code (see `reference`).
"""

from dataclasses import replace
from math import fsum
from typing import assert_never

from swarm_core.swarm import positions, reference, schedule, state, streams
from swarm_core.swarm.plan import Compat, Published
from swarm_core.swarm.positions import Position
from swarm_core.swarm.state import Particle, Swarm


def moved(rule: Published, swarm: Swarm, index: int) -> Particle:
    """Particle `index` after its move to iteration `swarm.iteration`.

    (2)  r_v, r_p, r_g, r_w ~ U(0, 1), one each per particle and iteration
    (3)  C = r_v phi_v + r_p phi_p + r_g phi_g + r_w phi_w
    (4)  v <- [r_v phi_v v + r_p phi_p (p - x) + r_g phi_g (g - x) + r_w phi_w (x - w)] / C
    (5)  x <- x + lambda v, with lambda of (6)
    (6)  lambda <- max(floor, factor * lambda): once per iteration; Reference: once per particle (B1)
    (7)  before all that, x <- p and v <- 0 when the personal best is old; Reference: by index (B2)

    w is the worst position ever measured. A best or worst that does not exist yet pulls nowhere; Reference: to a
    particle drawn at random (B3).
    """
    match rule.compat:
        case Compat.INTENDED:
            particle = _restarted(rule, swarm, swarm.particles[index])
            step = schedule.step_length(rule, swarm.iteration)
        case Compat.REFERENCE:
            particle = reference.restarted(rule, swarm.particles[index])
            step = reference.step_length(rule, swarm.plan, swarm.iteration, index)
        case _ as unreachable:
            assert_never(unreachable)
    velocity = _velocity(rule, swarm, index, particle)
    return replace(
        particle, position=positions.combination([(1.0, particle.position), (step, velocity)]), velocity=velocity
    )


def _velocity(rule: Published, swarm: Swarm, index: int, particle: Particle) -> Position:
    """Equations (2) to (4)."""
    x = particle.position
    best, worst = _extremes(rule, swarm, x)
    pulls = {
        "inertia": (rule.inertia, particle.velocity),
        "cognitive": (rule.cognitive, positions.difference(particle.best or x, x)),
        "social": (rule.social, positions.difference(best, x)),
        "repel": (rule.repel, positions.difference(x, worst)),
    }
    raw = [
        (weight * streams.uniform(swarm.plan.seed, "move", swarm.iteration, index, name), pull)
        for name, (weight, pull) in pulls.items()
    ]
    total = fsum(weight for weight, _ in raw)
    return positions.combination([(weight / total, pull) for weight, pull in raw])


def _extremes(rule: Published, swarm: Swarm, x: Position) -> tuple[Position, Position]:
    """The best and the worst position for a particle at `x`, which stands for one that does not exist."""
    best, worst = state.leader(swarm), swarm.worst
    if best is not None and worst is not None:
        return best.position, worst.position
    if rule.compat is Compat.REFERENCE:
        return reference.copy(swarm.plan, "best"), reference.copy(swarm.plan, "worst")
    return (best.position if best else x), (worst.position if worst else x)


def _restarted(rule: Published, swarm: Swarm, particle: Particle) -> Particle:
    """(7): at its best and at rest, if it has found nothing better for too long; it stays due until it does."""
    if particle.best is None or not schedule.restarts(rule, swarm.plan.patience, particle.stale):
        return particle
    return replace(particle, position=particle.best, velocity=(0.0,) * len(particle.velocity))
