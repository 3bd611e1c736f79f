"""The budget of what is no particle swarm: as many measurements as the default particle swarm of its plan.

A particle swarm measures its start, then particles (and leading positions again) in each iteration. Random search and
CMA-ES measure the initial adapters, then as many positions in each iteration as there would be particles, for as many
iterations as the same number of measurements lasts; the last may be a smaller one.
"""

from dataclasses import replace

from swarm_core.optimizers.optimizer import Plan
from swarm_core.optimizers.standard import Standard


def count_measurements(plan: Plan) -> int:
    """How many candidates the default particle swarm of this plan asks at most."""
    default = Standard()
    return default.budget(replace(plan, optimizer=default))


def count_iterations(plan: Plan) -> int:
    """How many iterations follow the start at most."""
    return -(-(count_measurements(plan) - plan.basis) // plan.particles)


def sample_size(plan: Plan, iteration: int) -> int:
    """How many positions are sampled in `iteration`, from 1; none once all is spent."""
    left = count_measurements(plan) - plan.basis - (iteration - 1) * plan.particles
    return max(0, min(plan.particles, left))
