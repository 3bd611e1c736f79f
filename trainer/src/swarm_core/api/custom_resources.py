"""The custom resources: each kind of run with the settings of its CustomResourceDefinition.

Every program defines one. The functions here find them through the program registry on demand, so this module names no
kind of run.
"""

from dataclasses import dataclass
from typing import get_args

from swarm_core import program_registry
from swarm_core.api.figures import Figure
from swarm_core.api.run import Run
from swarm_core.api.run_status import RunStatus


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`."""

    title: str
    path: str
    """The JSON path of its text."""
    type: str = "string"
    wide: bool = False
    """Whether it is shown by `kubectl get --output wide` only."""


PHASE_COLUMN = Column("Phase", ".status.phase")
REASON_COLUMN = Column("Reason", ".status.reason")
GPU_HOURS_FIELD = "gpuHours"
GPU_HOURS_COLUMN = Column("GPU-h", f".status.columns.{GPU_HOURS_FIELD}")
AGE_COLUMN = Column("Age", ".metadata.creationTimestamp", "date")
MESSAGE_COLUMN = Column("Message", ".status.message", wide=True)


@dataclass(frozen=True, slots=True)
class CustomResource:
    """The custom resource of one kind of run."""

    model: type[Run]
    plural: str
    short: str
    fixed: tuple[str, ...]
    """Fields of the spec that may not change after a run is created."""
    figures: tuple[Figure, ...] = ()
    """The figures of its status, in the order in which commands and columns show them."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of `kubectl get`. All kinds have the same first and last ones."""
        own = [Column(one.column, f".status.columns.{one.field}", wide=one.wide) for one in self.figures if one.column]
        wide = [one for one in own if one.wide]
        usual = [one for one in own if not one.wide]
        return (PHASE_COLUMN, REASON_COLUMN, *usual, GPU_HOURS_COLUMN, AGE_COLUMN, *wide, MESSAGE_COLUMN)

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
