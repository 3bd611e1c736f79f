"""Objectives by the name that users write."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from swarm_core.errors import BadInputError
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.objective import Objective
from swarm_core.objectives.separation import Separation

OBJECTIVES: Mapping[str, Callable[[Mapping[str, object]], Objective]] = MappingProxyType(
    {"Difficulty": Difficulty.from_config, "Separation": Separation.from_config}
)


def get(name: str, config: Mapping[str, object] = MappingProxyType({})) -> Objective:
    """The objective called `name`. Raises BadInputError when there is none, or for a config that it refuses."""
    if name not in OBJECTIVES:
        raise BadInputError(f"objective {name!r} is unknown; choose one of {', '.join(sorted(OBJECTIVES))}")
    return OBJECTIVES[name](config)
