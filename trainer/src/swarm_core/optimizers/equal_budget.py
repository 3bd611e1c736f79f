"""The budget of optimizers that are not particle swarms: as many measurements as a default particle swarm makes.

A particle swarm measures its initial candidates, and then particles and leading positions in each iteration. Random
search and CMA-ES measure the initial adapters, and then one position per particle of the plan in each iteration, until
they have made the same number of measurements. The last iteration may be smaller.
"""

from dataclasses import replace

from swarm_core.optimizers.optimizer import Plan
from swarm_core.optimizers.standard import Standard


def count_measurements(plan: Plan) -> int:
    """Return the maximum number of candidates of the default particle swarm for this plan."""
    default = Standard()
    return default.budget(replace(plan, optimizer=default))


def count_iterations(plan: Plan) -> int:
    """Return the maximum number of iterations after the start."""
    return -(-(count_measurements(plan) - plan.basis) // plan.particles)


def sample_size(plan: Plan, iteration: int) -> int:
    """Return the number of positions to sample in `iteration`, counted from 1; 0 after the budget is used up."""
    left = count_measurements(plan) - plan.basis - (iteration - 1) * plan.particles
    return max(0, min(plan.particles, left))
