"""A basis that grows: what was trained between two iterations joins the search.

The basis is append-only, so every position stays what it was: it has a coefficient of 0 for what came later. The new
adapter itself, which no sum of the old ones reaches, gets the particle that is missed least.
"""

from dataclasses import replace

from swarm_core.swarm import positions
from swarm_core.swarm.state import Measured, Particle, Swarm


def widened(swarm: Swarm, added: int) -> Swarm:
    """`swarm` over a basis of `added` further adapters, standing and knowing what it did."""
    plan = swarm.plan

    def wide(position: positions.Position) -> positions.Position:
        return positions.extended(position, plan.groups, added)

    def particle(one: Particle) -> Particle:
        best = None if one.best is None else wide(one.best)
        return replace(one, position=wide(one.position), velocity=wide(one.velocity), best=best)

    def record(one: Measured) -> Measured:
        return replace(one, position=wide(one.position))

    return replace(
        swarm,
        plan=replace(plan, basis=plan.basis + added),
        particles=tuple(map(particle, swarm.particles)),
        measured=tuple(map(record, swarm.measured)),
        worst=None if swarm.worst is None else record(swarm.worst),
    )


def joined(swarm: Swarm) -> Swarm:
    """`swarm` with one adapter more, where the particle of the lowest best starts anew, at rest.

    Of equals the last one goes, and one that was never scored before all others. The particles must have started.
    """
    wide = widened(swarm, 1)
    plan, known = wide.plan, {record.position: record.value for record in wide.measured}
    worth = [float("-inf") if one.best is None else known.get(one.best, float("-inf")) for one in wide.particles]
    place = max(range(len(worth)), key=lambda index: (-worth[index], index))
    corner = positions.vertices(plan.basis, plan.groups)[-1]
    newcomer = Particle(position=corner, velocity=(0.0,) * len(corner))
    return replace(wide, particles=(*wide.particles[:place], newcomer, *wide.particles[place + 1 :]))
