"""The protocol of a program, which defines a kind of run: a folder of `swarm_core/programs` and a line of the catalog.

A program defines the custom resource (`resource`), its resolution (`resolve`), the identity of the experiment
(`identity`, `uris`), the schedule of its work (`outline`), and its status (`status`). Engine, store, operator and chart
use programs and name no kind. The trainer's half, which `trainer` names, does the work of the items.

Limits: a program is pure. It decides and has no side effects.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from swarm_core import program_registry
from swarm_core.api.custom_resources import CustomResource
from swarm_core.api.resolution import UriUse
from swarm_core.api.resolved import ResolvedRun
from swarm_core.api.run import Run
from swarm_core.api.run_status import RunStatus
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState

RunT_contra = TypeVar("RunT_contra", bound=Run, contravariant=True)
ResolvedT = TypeVar("ResolvedT", bound=ResolvedRun)


class Program(Protocol[RunT_contra, ResolvedT]):
    """A kind of run. `RunT_contra` is the model that users write, and `ResolvedT` is the model of the resolved run."""

    @property
    def kind(self) -> str:
        """The name of the kind, as in the field `kind` of a file."""

    @property
    def resource(self) -> CustomResource:
        """The custom resource: its model, and how an API server stores and prints it."""

    @property
    def resolved(self) -> type[ResolvedT]:
        """The model of a resolved run."""

    @property
    def identity(self) -> frozenset[str]:
        """The fields of the resolved run that are the identity of the experiment. The digests cover them."""

    @property
    def trainer(self) -> str:
        """The place of the trainer's half, as `module:attribute`. Only the trainer imports it."""

    def resolve(self, run: RunT_contra) -> ResolvedT:
        """`run` with every default explicit."""

    def uris(self, resolved: ResolvedT) -> Iterable[UriUse]:
        """Return every URI of the experiment, in the order of the spec."""

    def outline(self, resolved: ResolvedT) -> Outline:
        """Return the schedule of the run. `build_outline` adds the limits of `execution` for every kind."""

    def status(self, outline: Outline, state: EngineState, common: RunStatus) -> RunStatus:
        """Return the status of this kind. `common`: the fields that all kinds have."""


def find_program(kind: str) -> Program[Any, Any]:
    """Return the program of a kind. Raises BadInputError if the kind is not installed."""
    program: Program[Any, Any] = program_registry.load(kind)
    return program


def build_outline(resolved: ResolvedRun) -> Outline:
    """Return the outline of a run for the engine: the schedule of its kind, and the limits of its `execution`."""
    return replace(
        find_program(resolved.kind).outline(resolved),
        attempts=resolved.execution.attempts,
        item_deadline_seconds=resolved.execution.item_deadline_seconds,
        suspended=resolved.suspend,
    )
