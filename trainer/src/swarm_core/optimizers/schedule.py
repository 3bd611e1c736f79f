"""How the step of rule Published shrinks and when its particles restart, as functions of the iteration and of ages.

A schedule has no hidden counter.
"""

from math import prod


def step_length(first: float, factor: float, floor: float, decays: int) -> float:
    """Lambda after `decays` decays: lambda <- max(floor, factor * lambda) each time.

    Data Swarms arXiv 2506.00741, step 6 of the rule. Multiplied out: a power is rounded differently from one C library
    to the next.
    """
    return max(floor, prod([factor] * decays, start=first))


def should_restart(restart_patience: float, patience: int, stale: int) -> bool:
    """Return whether a particle returns to its best, `stale` scored measurements after it reached that best.

    Model Swarms arXiv 2410.11163: at restart_patience * patience, a ratio of the patience of the whole search.
    """
    return stale >= restart_patience * patience
