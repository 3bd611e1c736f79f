"""Random search: positions that nothing learnt can influence."""

from swarm_core.swarm import positions, streams
from swarm_core.swarm.plan import Plan, RandomSearch
from swarm_core.swarm.positions import Position


def places(rule: RandomSearch, plan: Plan, iteration: int, count: int) -> tuple[Position, ...]:
    """`count` positions of `iteration`: uniform in the box of `rule`, then shifted to sum 1."""
    return tuple(
        positions.shifted(
            tuple(
                rule.half_width * (2.0 * streams.uniform(plan.seed, "scatter", iteration, index, axis) - 1.0)
                for axis in range(plan.basis)
            )
        )
        for index in range(count)
    )
