"""The pending work of a run: the items of its current phase that have no receipt yet.

    phase        items                              parent
    Preparing    prepare                            none
    Seeding      train, one per `training` entry    the experiment
    Iterating    one per turn of each iteration     the last commit; the experiment before the first
    Concluding   conclude                           the last commit; the experiment where nothing was committed

An item that follows another has the digest of its commit as parent, so it cannot be created before that commit exists.

The outline defines the items as data, so this module is the same for all kinds of run. The turns of an iteration follow
one another in order. A turn of kind `iterate` commits, and a turn of kind `train` prepares for one that does. A run
without turns goes from Preparing directly to Concluding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from swarm_core.engine.phases import Phase
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Kind, Needs, WorkItem
from swarm_core.recipe import Digest
from swarm_core.swarm_names import GENERATORS


@dataclass(frozen=True, slots=True)
class Turn:
    """One work item of every iteration from `first_iteration` on."""

    kind: Kind = Kind.ITERATE
    swarm: str = GENERATORS
    first_iteration: int = 0
    """The first iteration that has this turn."""
    index_offset: int = 0
    """The index of the item minus the number of the iteration."""

    def index(self, iteration: int) -> int:
        """Return the index of its item in `iteration`."""
        return iteration + self.index_offset


@dataclass(frozen=True, slots=True)
class Outline:
    """The engine's view of a run: its schedule and its current limits.

    Raises ValueError for limits out of range, and for a schedule with a wrong kind, a negative index or a duplicate
    key.
    """

    iterations: int
    """The maximum number of iterations after iteration 0."""
    training: tuple[tuple[str, int], ...] = ()
    """Swarm and index of every adapter that is trained in Seeding; empty if all adapters are given."""
    turns: tuple[Turn, ...] = (Turn(),)
    """The turns of an iteration, in order."""
    needs: Mapping[Kind, Needs] = field(default_factory=dict)
    """The needs of the items of each kind. A kind that is not listed needs nothing."""
    iteration_noun: str = "iteration"
    """The singular noun for an iteration in messages."""
    attempts: int = 3
    """Failed attempts of one item after which the run fails."""
    item_deadline_seconds: float = 86_400.0
    suspended: bool = False
    stop_after: int | None = None
    """The number of iterations after which the search ends early; None if it ends by its own rules."""
    spent: str = ""
    """The reason why no further iteration may start; empty while there is budget left."""
    overdue: str = ""
    """The reason why the run must end now; empty before its deadline."""

    def __post_init__(self) -> None:
        least = {"iterations": 0, "attempts": 1, "stop_after": 0}
        for name, bound in least.items():
            if getattr(self, name) is not None and getattr(self, name) < bound:
                raise ValueError(f"outline: {name} is {getattr(self, name)}; it must be at least {bound}")
        if not self.item_deadline_seconds > 0:
            raise ValueError(f"outline: item_deadline_seconds is {self.item_deadline_seconds}; it must be above 0")
        _check_schedule(
            [*self._training_items(None), *(_turn_item(turn, turn.first_iteration, None) for turn in self.turns)]
        )

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Every kind of work of the run, in the order of first use."""
        training = [Kind.TRAIN] if self.training else []
        return tuple(dict.fromkeys([Kind.PREPARE, *training, *(turn.kind for turn in self.turns), Kind.CONCLUDE]))

    @property
    def servers(self) -> tuple[str, ...]:
        """The URIs of all models whose servers the items of the run ask, each once."""
        return tuple(dict.fromkeys(uri for kind in self.kinds for uri in self.needs_of(kind).servers))

    def needs_of(self, kind: Kind) -> Needs:
        """Return the needs of the items of a kind."""
        return self.needs.get(kind, Needs())

    def preparation(self) -> WorkItem:
        """Return the item of Preparing."""
        return self._with_needs(WorkItem(Kind.PREPARE))

    def training_items(self, experiment: Digest | None) -> list[WorkItem]:
        """Return the items of Seeding."""
        return [self._with_needs(item) for item in self._training_items(experiment)]

    def turn_items(self, iteration: int, parent: Digest | None) -> list[WorkItem]:
        """Return the items of an iteration, in order, each with `parent` as its parent."""
        turns = [turn for turn in self.turns if turn.first_iteration <= iteration]
        return [self._with_needs(_turn_item(turn, iteration, parent)) for turn in turns]

    def conclusion(self, parent: Digest | None) -> WorkItem:
        """Return the item of Concluding."""
        return self._with_needs(WorkItem(Kind.CONCLUDE, parent=parent))

    def _training_items(self, experiment: Digest | None) -> list[WorkItem]:
        return [WorkItem(Kind.TRAIN, swarm, index, experiment) for swarm, index in self.training]

    def _with_needs(self, item: WorkItem) -> WorkItem:
        return replace(item, needs=self.needs_of(item.kind))


def _check_schedule(items: Sequence[WorkItem]) -> None:
    """Check `items`: the items of Seeding, and the first item of every turn.

    Raises ValueError for a kind without an index, a negative index or a duplicate key.
    """
    for item in items:
        if item.kind not in (Kind.TRAIN, Kind.ITERATE):
            raise ValueError(f"outline: a turn of kind {item.kind}; only train and iterate have an index")
        if item.index < 0:
            raise ValueError(
                f"outline: the index of {item.kind} of {item.swarm} is {item.index}; it must be at least 0"
            )
    if len({item.key for item in items}) < len(items):
        raise ValueError(f"outline: {[item.key for item in items]} names an item twice; give each its own index")


def list_pending_items(outline: Outline, state: EngineState) -> tuple[WorkItem, ...]:
    """Return the items of the current phase that are not done, in order of their index, each with its current
    attempt."""
    match state.phase:
        case Phase.PENDING | Phase.SUCCEEDED | Phase.FAILED:
            items = []
        case Phase.PREPARING:
            items = [outline.preparation()]
        case Phase.SEEDING:
            items = outline.training_items(state.experiment)
        case Phase.ITERATING:
            items = [] if state.stop else _next_turn(outline, state)
        case Phase.CONCLUDING:
            items = [outline.conclusion(state.commit or state.experiment)]
        case _:
            assert_never(state.phase)
    return tuple(_fill_attempt(outline, state, item) for item in items if item.key not in state.done)


def find_iteration(outline: Outline, item: WorkItem) -> int | None:
    """Return the iteration of an item; None for an item of another phase."""
    for turn in outline.turns:
        iteration = item.index - turn.index_offset
        if (turn.kind, turn.swarm) == (item.kind, item.swarm) and iteration >= turn.first_iteration:
            return iteration
    return None


def _next_turn(outline: Outline, state: EngineState) -> list[WorkItem]:
    """Return the first item of this iteration that is not done; an empty list if all are done. Its parent is the last
    commit."""
    items = outline.turn_items(state.iteration, state.commit or state.experiment)
    return [item for item in items if item.key not in state.done][:1]


def _turn_item(turn: Turn, iteration: int, parent: Digest | None) -> WorkItem:
    return WorkItem(turn.kind, turn.swarm, turn.index(iteration), parent)


def _fill_attempt(outline: Outline, state: EngineState, item: WorkItem) -> WorkItem:
    return replace(item, attempt=state.attempt(item.key).number, deadline_seconds=outline.item_deadline_seconds)
