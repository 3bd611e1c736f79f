"""What changes over a search, as functions of the iteration and of ages: no counter hides in a schedule."""

from math import prod

from swarm_core.swarm.plan import Published


def step_length(rule: Published, iteration: int) -> float:
    """Lambda of the move that leads to `iteration` (1 is the first): one decay per iteration, down to the floor.

    Data Swarms arXiv 2506.00741, step 6 of the rule: lambda <- max(floor, factor * lambda).
    """
    return decayed(rule, iteration - 1)


def decayed(rule: Published, times: int) -> float:
    """Lambda after `times` decays. Multiplied out: a power is rounded differently from one C library to the next."""
    return max(rule.step_floor, prod([rule.step_factor] * times, start=rule.step_length))


def restarts(rule: Published, patience: int, stale: int) -> bool:
    """Whether a particle returns to its best, `stale` scored measurements after it reached that best.

    Model Swarms arXiv 2410.11163: at restart_patience * patience, a ratio of the patience of the whole search.
    """
    return stale >= rule.restart_patience * patience
