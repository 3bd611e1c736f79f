"""What a kind of run is: a program, one folder of `swarm_core/programs` and one line of the catalog.

A program says what users write (`resource`), what follows from it (`resolve`), what the experiment is (`identity`,
`uris`), which work it takes (`outline`), and what people are shown (`status`). Engine, store, operator
and chart know programs and no kind by name. What its work items do is the trainer's half, which `trainer` names.

Limits: pure; a program decides and does nothing.
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
    """A kind of run: `RunT_contra` is what users write, `ResolvedT` what it is resolved to."""

    @property
    def kind(self) -> str:
        """Its name, as `kind` of a file has it."""

    @property
    def resource(self) -> CustomResource:
        """What users write, and how an API server keeps and prints it."""

    @property
    def resolved(self) -> type[ResolvedT]:
        """The model of a resolved run."""

    @property
    def identity(self) -> frozenset[str]:
        """Fields of the resolved run that make the experiment what it is; digested, and the same in all attempts."""

    @property
    def trainer(self) -> str:
        """Where the trainer's half is, as `module:attribute`; resolved by the trainer alone."""

    def resolve(self, run: RunT_contra) -> ResolvedT:
        """`run` with every default explicit."""

    def uris(self, resolved: ResolvedT) -> Iterable[UriUse]:
        """Every URI of the experiment, in the order of the spec."""

    def outline(self, resolved: ResolvedT) -> Outline:
        """The schedule of the run. What `execution` limits is set by `build_outline`, for every kind alike."""

    def status(self, outline: Outline, state: EngineState, common: RunStatus) -> RunStatus:
        """The kind's own status, around what all kinds have."""


def find_program(kind: str) -> Program[Any, Any]:
    """The program of a kind. Raises BadInputError for a kind that is not installed."""
    program: Program[Any, Any] = program_registry.load(kind)
    return program


def build_outline(resolved: ResolvedRun) -> Outline:
    """The run as the engine sees it, before anything of it is begun."""
    return replace(
        find_program(resolved.kind).outline(resolved),
        attempts=resolved.execution.attempts,
        item_deadline_seconds=resolved.execution.item_deadline_seconds,
        suspended=resolved.suspend,
    )
