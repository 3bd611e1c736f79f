"""The trainer half of a kind of run: which function carries out each work item, and which turn follows which commit.

The core's half names this one by a string, `module:attribute`, and it is imported when a worker first needs it. So the
steps, `verify` and `fork` know no kind of run by name. To add a kind, write one folder in `swarm_trainer.programs`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from swarm_core import program_registry
from swarm_core.api.resolved import ResolvedRun
from swarm_core.commit import Commit, MeasuredCandidate
from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.optimizers.optimizer import SearchState

if TYPE_CHECKING:  # a host has no use for torch, which these bring
    from swarm_trainer.evaluation.turn import Turn
    from swarm_trainer.runtime.context import Context


class TurnRules(Protocol):
    """Where a swarm's turns stand in the chain of commits, and what belongs to a turn beside its candidates."""

    def chain_index(self, swarm: str, iteration: int) -> int:
        """The place in the chain of a swarm's turn in an iteration."""
        ...

    def load(self, context: "Context", index: int) -> "Turn":
        """The turn at a place in the chain; the commits before it must exist. Raises StoreError."""
        ...

    def before(self, item: WorkItem, context: "Context") -> None:
        """Write what the turn of `item` rests on beside the commits before it. Safe to repeat."""
        ...

    def after(
        self, item: WorkItem, context: "Context", turn: "Turn", swarm: SearchState
    ) -> tuple[MeasuredCandidate, ...]:
        """Measurements on held-out data once the swarm has moved: for the curve, and for no decision.

        Their fitness is composed by the caller.
        """
        ...

    def held_out_key(self, index: int, name: str) -> str:
        """Where the rollout of a measurement that `after` made is stored."""
        ...

    def stop_reason(self, context: "Context", done: Commit, swarm: SearchState) -> str:
        """The rule that ends the search with `done`, after which the swarm is `swarm`; empty while it goes on."""
        ...


Step = Callable[[WorkItem, "Context"], Receipt]
Preview = Callable[[Any, Mapping[str, int]], Iterator[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class TrainerProgram:
    """The trainer half of one kind of run: every part is named, `module:attribute`, so nothing is imported early."""

    steps: Mapping[Kind, str]
    """By kind of work item, the function that carries it out: a `Step`."""
    preview: str
    """What a run would do, for `dataswarm validate`: a function of the resolved spec and of the number of seed items of
    each data file on this machine, by URI, to pairs of a subject and a line."""
    turns: str = ""
    """The `TurnRules`; empty where no swarm takes turns."""


def find(run: ResolvedRun) -> TrainerProgram:
    """The program of a run: the one that the core's half names. Raises BadInputError where it cannot be imported."""
    name = program_registry.load(run.kind).trainer
    try:
        found: TrainerProgram = load_attribute(name)
    except (ImportError, AttributeError) as error:
        raise BadInputError(
            f"kind: the trainer's half of {run.kind}, {name}, cannot be imported ({error}); install the distribution"
            " that brings it, in a cluster in the image of spec.execution.kubernetes.image.trainer"
        ) from error
    return found


def load_step(run: ResolvedRun, kind: Kind) -> Step:
    """The step for items of `kind`, imported when it is first needed: each brings libraries that others do without."""
    step: Step = load_attribute(find(run).steps[kind])
    return step


def load_turns(run: ResolvedRun) -> TurnRules:
    """The rules of the run's turns."""
    rules: TurnRules = load_attribute(find(run).turns)
    return rules


def load_preview(run: ResolvedRun, items: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """What the run would do: pairs of a subject and a line."""
    preview: Preview = load_attribute(find(run).preview)
    return preview(run, items)


def load_attribute(name: str) -> Any:
    """What `module:attribute` names; the module is imported now if it was not. Raises ImportError, AttributeError."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
