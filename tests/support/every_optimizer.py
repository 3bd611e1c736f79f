"""Every optimizer of the registry with its default constants, for the tests of what all of them keep to."""

from collections.abc import Mapping
from typing import Any

from swarm_core.optimizers import optimization, registry
from swarm_core.optimizers.candidate import Fitness, VectorScore
from swarm_core.optimizers.optimizer import Optimizer, SearchState
from swarm_core.optimizers.published import Compat, Published

EVERY: Mapping[str, Optimizer[Any]] = {
    **{name: kind() for name, kind in registry.OPTIMIZERS.items()},
    "Reference": Published(compat=Compat.REFERENCE),
}
OTHERS = {name: one for name, one in EVERY.items() if not one.is_particle_rule}
"""Every optimizer that moves no particles."""


def tell_numbers(state: SearchState, numbers: Mapping[str, float | None]) -> SearchState:
    """Tell one number for each candidate, whatever form of fitness the optimizer takes.

    An optimizer for several objectives is told the number for each of two, so that the order of candidates is the same.
    """
    return optimization.tell(state, {name: as_fitness(state, value) for name, value in numbers.items()})


def as_fitness(state: SearchState, value: float | None) -> Fitness:
    if value is None or not state.plan.optimizer.takes_vectors:
        return value
    return VectorScore((value, value), (0.001, 0.001))
