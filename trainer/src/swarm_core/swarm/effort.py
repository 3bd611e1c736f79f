"""How much a search measures. Every optimiser has the same effort: that of the default particle swarm of its plan.

A particle swarm measures its start, then particles (and leading positions again) in each iteration. Random search and
CMA-ES measure the initial adapters, then as many positions in each iteration as there would be particles, for as many
iterations as the same number of measurements lasts; the last may be a smaller one.
"""

from dataclasses import replace
from typing import assert_never

from swarm_core.swarm import start
from swarm_core.swarm.plan import CmaEs, Plan, Published, RandomSearch, Standard


def measurements(plan: Plan) -> int:
    """How many probes a whole search asks at most: when patience does not end it and no two particles meet."""
    match plan.rule:
        case Standard() as rule:
            per_iteration = plan.particles + rule.remeasured
        case Published():
            per_iteration = plan.particles
        case RandomSearch() | CmaEs():
            return measurements(replace(plan, rule=Standard()))
        case _ as unreachable:
            assert_never(unreachable)
    return len(start.probes(plan)) + plan.iterations * per_iteration


def iterations(plan: Plan) -> int:
    """How many iterations follow the start at most."""
    match plan.rule:
        case Standard() | Published():
            return plan.iterations
        case RandomSearch() | CmaEs():
            return -(-(measurements(plan) - plan.basis) // plan.particles)
        case _ as unreachable:
            assert_never(unreachable)


def drawn(plan: Plan, iteration: int) -> int:
    """How many positions random search or CMA-ES draws in `iteration`, from 1; none once all is spent."""
    left = measurements(plan) - plan.basis - (iteration - 1) * plan.particles
    return max(0, min(plan.particles, left))
