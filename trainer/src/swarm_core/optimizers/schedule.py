"""The schedules of rule Published: its step length, and the restart of its particles.

They are functions of the iteration and of ages, without a hidden counter.
"""

from math import prod


def step_length(first: float, factor: float, floor: float, decays: int) -> float:
    """Return lambda after `decays` decays. Each is lambda <- max(floor, factor * lambda).

    Source: Data Swarms arXiv 2506.00741, step 6 of the rule. It multiplies, because C libraries round powers
    differently.
    """
    return max(floor, prod([factor] * decays, start=first))


def should_restart(restart_patience: float, patience: int, stale: int) -> bool:
    """Return whether a particle returns to its best, `stale` scores after it reached that best.

    Source: Model Swarms arXiv 2410.11163. `restart_patience` is a ratio of the patience of the search.
    """
    return stale >= restart_patience * patience
