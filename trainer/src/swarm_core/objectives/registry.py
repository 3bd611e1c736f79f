"""Objectives by the name that users write."""

from collections.abc import Mapping
from types import MappingProxyType

from swarm_core.errors import BadInputError
from swarm_core.objectives.bootstrap import ResampledObjective
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.separation import Separation

OBJECTIVES: Mapping[str, ResampledObjective] = MappingProxyType(
    {"Difficulty": Difficulty(), "Separation": Separation()}
)


def get(name: str) -> ResampledObjective:
    """The objective called `name`. Raises BadInputError when there is none."""
    if name not in OBJECTIVES:
        raise BadInputError(f"objective {name!r} is unknown; choose one of {', '.join(sorted(OBJECTIVES))}")
    return OBJECTIVES[name]
