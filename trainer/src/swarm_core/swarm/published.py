"""The rule of Data Swarms (arXiv 2506.00741) and Model Swarms (arXiv 2410.11163), as their authors intend it.

Its weights are divided by their sum, so a move is a mean of the pulls times a step length that decays: the swarm
contracts. Coefficients keep the sum they start with, 1. Where the released code departs from the rule, this follows
the rule: one decay of the step per iteration, and a restart patience that is a ratio of patience.
"""

from dataclasses import replace
from math import fsum

from swarm_core.swarm import positions, schedule, state, streams
from swarm_core.swarm.plan import Published
from swarm_core.swarm.state import Particle, Swarm


def moved(rule: Published, swarm: Swarm, index: int) -> Particle:
    """Particle `index` after its move to iteration `swarm.iteration`.

    (2)  r_v, r_p, r_g, r_w ~ U(0, 1), one each per particle and iteration
    (3)  C = r_v phi_v + r_p phi_p + r_g phi_g + r_w phi_w
    (4)  v <- [r_v phi_v v + r_p phi_p (p - x) + r_g phi_g (g - x) + r_w phi_w (x - w)] / C
    (5)  x <- x + lambda v, with lambda of `schedule.step_length` (6)
    (7)  before all that, x <- p and v <- 0 when the personal best is old

    w is the worst position ever measured. A best or worst that does not exist yet pulls nowhere.
    """
    particle = _restarted(rule, swarm, swarm.particles[index])
    x = particle.position
    best = state.leader(swarm)
    pulls = {
        "inertia": (rule.inertia, particle.velocity),
        "cognitive": (rule.cognitive, positions.difference(particle.best or x, x)),
        "social": (rule.social, positions.difference(best.position if best else x, x)),
        "repel": (rule.repel, positions.difference(x, swarm.worst.position if swarm.worst else x)),
    }
    raw = [
        (weight * streams.uniform(swarm.plan.seed, "move", swarm.iteration, index, name), pull)
        for name, (weight, pull) in pulls.items()
    ]
    total = fsum(weight for weight, _ in raw)
    velocity = positions.combination([(weight / total, pull) for weight, pull in raw])
    step = schedule.step_length(rule, swarm.iteration)
    return replace(particle, position=positions.combination([(1.0, x), (step, velocity)]), velocity=velocity)


def _restarted(rule: Published, swarm: Swarm, particle: Particle) -> Particle:
    """(7): at its best and at rest, if it has found nothing better for too long; it stays due until it does."""
    if particle.best is None or not schedule.restarts(rule, swarm.plan.patience, particle.stale):
        return particle
    return replace(particle, position=particle.best, velocity=(0.0,) * len(particle.velocity))
