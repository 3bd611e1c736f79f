"""The registry of optimizers by name, made from the catalog. Specs and stored states use the names."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from swarm_core import catalog
from swarm_core.errors import BadInputError
from swarm_core.optimizers.optimizer import Optimizer


def _load(place: str) -> type[Optimizer[Any]]:
    module, _, attribute = place.partition(":")
    found: type[Optimizer[Any]] = getattr(import_module(module), attribute)
    return found


OPTIMIZERS: Mapping[str, type[Optimizer[Any]]] = MappingProxyType(
    {name: _load(place) for name, place in catalog.OPTIMIZERS.items()}
)


def find_optimizer(name: str) -> type[Optimizer[Any]]:
    """Return the optimizer of this name. Raises BadInputError if there is none."""
    if name not in OPTIMIZERS:
        raise BadInputError(f"optimizer {name!r} is unknown; choose one of {', '.join(sorted(OPTIMIZERS))}")
    return OPTIMIZERS[name]


def create_optimizer(name: str, constants: Mapping[str, Any]) -> Optimizer[Any]:
    """Return the optimizer of this name with the constants of a resolved spec. Raises BadInputError if it cannot be."""
    return find_optimizer(name).from_constants(constants)
