"""What the measured positions are believed to be worth, and which of them lead.

The mean of its scores, unless rule Standard is told to smooth: then what all scores say of it (see `surrogate`). A
belief is a function of the records alone; nothing of it is stored.
"""

from collections.abc import Iterable
from functools import lru_cache

from swarm_core.swarm import surrogate
from swarm_core.swarm.plan import Plan, Standard
from swarm_core.swarm.state import Measured, Swarm
from swarm_core.swarm.surrogate import Prior, Scored

Believed = tuple[float, Measured]
"""A record, and what its position is believed to be worth."""


def ranked(plan: Plan, measured: Iterable[Measured]) -> tuple[Believed, ...]:
    """Best first; of equals the earlier found."""
    records = tuple(measured)
    return tuple(sorted(zip(_values(plan, records), records, strict=True), key=lambda one: -one[0]))


def leader(swarm: Swarm) -> Measured | None:
    """The global best."""
    found = ranked(swarm.plan, swarm.measured)
    return found[0][1] if found else None


@lru_cache(maxsize=4)
def _values(plan: Plan, records: tuple[Measured, ...]) -> tuple[float, ...]:
    """[records]. Remembered for a moment: every particle of an iteration asks for the same."""
    match plan.rule:
        case Standard(smoothing=length, noise=noise) if length > 0.0:
            prior = Prior(length, noise, plan.groups)
            return surrogate.posterior(prior, [Scored(one.position, one.value, one.count) for one in records])
        case _:
            return tuple(one.value for one in records)
