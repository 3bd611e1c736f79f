"""CMA-ES among the adapters: a distribution over positions that sum to 1, asked and told like every other search.

The sum is fixed by searching the n - 1 coordinates of `hyperplane`: with a free sum x and -x are one adapter, and the
distribution would have to choose between two mirrored halves.
"""

from swarm_core.swarm import cma, hyperplane, positions, streams
from swarm_core.swarm.plan import CmaEs
from swarm_core.swarm.positions import Position
from swarm_core.swarm.state import Evolution, Result, Swarm


def places(rule: CmaEs, swarm: Swarm, count: int) -> tuple[Position, ...]:
    """`count` positions of `swarm.iteration`; bounded, then shifted to sum 1, as the particles of Standard are.

    Nothing before the start has been measured.
    """
    if swarm.evolution is None:
        return ()
    size = swarm.plan.basis - 1
    normals = [
        tuple(streams.normal(swarm.plan.seed, "draw", swarm.iteration, index, axis) for axis in range(size))
        for index in range(count)
    ]
    drawn = (hyperplane.position(point) for point in cma.drawn(swarm.evolution, normals))
    return tuple(positions.shifted(positions.clamped(place, rule.max_position)) for place in drawn)


def told(rule: CmaEs, swarm: Swarm, results: tuple[Result, ...]) -> Evolution:
    """The distribution after the scores of `swarm.iteration`; what has no score is left out, of equals the first leads.

    What was bounded is told where it was measured, not where it was drawn.
    """
    ranked = sorted(((score, probe.position) for probe, score in results if score is not None), key=lambda one: -one[0])
    if swarm.evolution is None:
        best = ranked[0][1] if ranked else hyperplane.centre(swarm.plan.basis)
        return cma.begun(hyperplane.point(best), rule.sigma)
    return cma.updated(swarm.evolution, [hyperplane.point(position) for _, position in ranked])
