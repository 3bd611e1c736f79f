"""Every optimizer of the registry with its default constants, for the tests of what all of them keep to."""

from collections.abc import Mapping
from typing import Any

from swarm_core.optimizers import registry
from swarm_core.optimizers.optimizer import Optimizer
from swarm_core.optimizers.published import Compat, Published

EVERY: Mapping[str, Optimizer[Any]] = {
    **{name: kind() for name, kind in registry.OPTIMIZERS.items()},
    "Reference": Published(compat=Compat.REFERENCE),
}
OTHERS = {name: one for name, one in EVERY.items() if not one.is_particle_rule}
"""Every optimizer that moves no particles."""
