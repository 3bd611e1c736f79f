"""The registry of optimizers by name, with one line each. Specs and stored states use the names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from swarm_core.errors import BadInputError
from swarm_core.optimizers.cma_es import CmaEs
from swarm_core.optimizers.optimizer import Optimizer
from swarm_core.optimizers.published import Published
from swarm_core.optimizers.random_search import RandomSearch
from swarm_core.optimizers.standard import Standard

OPTIMIZERS: Mapping[str, type[Optimizer[Any]]] = MappingProxyType(
    {
        Standard.name: Standard,
        Published.name: Published,
        RandomSearch.name: RandomSearch,
        CmaEs.name: CmaEs,
    }
)


def find_optimizer(name: str) -> type[Optimizer[Any]]:
    """Return the optimizer of this name. Raises BadInputError if there is none."""
    if name not in OPTIMIZERS:
        raise BadInputError(f"optimizer {name!r} is unknown; choose one of {', '.join(sorted(OPTIMIZERS))}")
    return OPTIMIZERS[name]


def create_optimizer(name: str, constants: Mapping[str, Any]) -> Optimizer[Any]:
    """Return the optimizer of this name with the constants of a resolved spec. Raises BadInputError if it cannot be."""
    return find_optimizer(name).from_constants(constants)
