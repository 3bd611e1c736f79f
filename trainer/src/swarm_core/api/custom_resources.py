"""The custom resources: each kind of run with the settings of its CustomResourceDefinition.

Every program defines one. The functions here find them through the program registry on demand, so this module names no
kind of run.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import get_args

from swarm_core import program_registry
from swarm_core.api.run import Run
from swarm_core.api.run_status import RunStatus

AGE_COLUMN = ("Age", "date", ".metadata.creationTimestamp")
PHASE_COLUMN = ("Phase", "string", ".status.phase")


class FigureShape(StrEnum):
    """How a figure of a status is printed."""

    NUMBER = "Number"
    """A number, or a block that has a `value` and descriptive fields."""
    COUNT = "Count"
    """A whole number."""
    PROGRESS = "Progress"
    """A count out of a total. The field of the total has the same name with an s at the end."""
    DIFFERENCE = "Difference"
    """A block with `value`, `low` and `high`: a difference on fresh items with its 95% interval."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a status, which the commands print for a run on a cluster."""

    label: str
    """The name under which it is printed."""
    field: str
    """The field of the status, in camelCase."""
    shape: FigureShape = FigureShape.NUMBER
    note: str = ""
    """A remark that follows the figure in a result."""
    in_progress: bool = True
    """Whether it is printed before the run has ended, too."""


@dataclass(frozen=True, slots=True)
class CustomResource:
    """The custom resource of one kind of run."""

    model: type[Run]
    plural: str
    short: str
    fixed: tuple[str, ...]
    """Fields of the spec that may not change after a run is created."""
    columns: tuple[tuple[str, str, str], ...]
    """The columns of `kubectl get`: title, type and JSON path."""
    figures: tuple[Figure, ...] = ()
    """The figures that `dataswarm watch` and `dataswarm result` print for a run on a cluster, in this order."""

    @property
    def kind(self) -> str:
        return self.model.__name__

    @property
    def status(self) -> type[RunStatus]:
        """The model of its status: the one type of the field `status` that is not None."""
        members = get_args(self.model.model_fields["status"].annotation)
        return next(one for one in members if isinstance(one, type) and issubclass(one, RunStatus))


def find_resource(kind: str) -> CustomResource:
    """Return the resource of a kind. Raises BadInputError if the kind is not installed."""
    resource = program_registry.load(kind).resource
    assert isinstance(resource, CustomResource)
    return resource


def list_resources() -> tuple[CustomResource, ...]:
    """Return the resources of all kinds that are installed. Raises BadInputError if a program cannot be imported."""
    return tuple(map(find_resource, program_registry.list_kinds()))


def find_resources_by_name(kind: str) -> tuple[CustomResource, ...]:
    """Return the resources that `kind` names, as kubectl accepts it: kind, plural or short name, such as SwarmRun
    or swr."""
    return tuple(one for one in list_resources() if kind.lower() in (one.kind.lower(), one.plural, one.short))
