"""The kinds of run that users write, each with what its CustomResourceDefinition says beyond the model.

Every program brings one; they are found through the registry when somebody asks, so no kind is known here by name.
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
    """How a figure of a status is written."""

    NUMBER = "Number"
    """A number, or a block with `value` and words about it."""
    COUNT = "Count"
    """A whole number."""
    PROGRESS = "Progress"
    """A count, of the field whose name has an s more."""
    DIFFERENCE = "Difference"
    """A block with `value`, `low` and `high`: measured on fresh items, within an interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a status, for the commands that show people a run on a cluster."""

    label: str
    """What it is called."""
    field: str
    """The field of the status, as an API server has it."""
    shape: FigureShape = FigureShape.NUMBER
    note: str = ""
    """What is said behind the figure, in a result."""
    in_progress: bool = True
    """Whether it is shown while the run goes on, too."""


@dataclass(frozen=True, slots=True)
class CustomResource:
    """One kind."""

    model: type[Run]
    plural: str
    short: str
    fixed: tuple[str, ...]
    """Fields of the spec that may not change once a run exists."""
    columns: tuple[tuple[str, str, str], ...]
    """What `kubectl get` prints: title, type, path."""
    figures: tuple[Figure, ...] = ()
    """What `dataswarm watch` and `dataswarm result` say of a run on a cluster, in this order."""

    @property
    def kind(self) -> str:
        return self.model.__name__

    @property
    def status(self) -> type[RunStatus]:
        """The model of its status: what the model's `status` may be beside None."""
        members = get_args(self.model.model_fields["status"].annotation)
        return next(one for one in members if isinstance(one, type) and issubclass(one, RunStatus))


def find_resource(kind: str) -> CustomResource:
    """The resource of a kind. Raises BadInputError for a kind that is not installed."""
    resource = program_registry.load(kind).resource
    assert isinstance(resource, CustomResource)
    return resource


def list_resources() -> tuple[CustomResource, ...]:
    """The resources of all kinds that are installed. Raises BadInputError where a program cannot be imported."""
    return tuple(map(find_resource, program_registry.list_kinds()))


def find_resources_by_name(kind: str) -> tuple[CustomResource, ...]:
    """Those that `kind` names, as kubectl takes it: SwarmRun, swarmruns, swr."""
    return tuple(one for one in list_resources() if kind.lower() in (one.kind.lower(), one.plural, one.short))
