"""What a run wants done now: the items of its current phase that have not brought a receipt.

    phase        items                              parent
    Preparing    prepare                            none
    Seeding      train, one per `training` entry    the experiment
    Iterating    one per turn of each iteration     the last commit; the experiment before the first
    Concluding   conclude                           the last commit; the experiment where nothing was committed

An item that follows another names its digest as parent, so it cannot even be worded before that one is committed.

The outline says which items those are, as data; nothing here knows what kind of run it is. The turns of an iteration
follow one another in their order. A turn of kind `iterate` commits; a turn of kind `train` prepares for one that does.
A run without turns goes from Preparing to Concluding at once.
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
    """One item of every iteration, from `first_iteration` on."""

    kind: Kind = Kind.ITERATE
    swarm: str = GENERATORS
    first_iteration: int = 0
    """The first iteration that has this turn."""
    index_offset: int = 0
    """What is added to the number of the iteration to give the index of the item."""

    def index(self, iteration: int) -> int:
        """The index of its item in `iteration`."""
        return iteration + self.index_offset


@dataclass(frozen=True, slots=True)
class Outline:
    """All that the engine knows of a spec: a schedule as data, and the limits of this moment."""

    iterations: int
    """How many iterations follow iteration 0, at most."""
    training: tuple[tuple[str, int], ...] = ()
    """Swarm and index of every adapter trained in Seeding; empty where all of them are given."""
    turns: tuple[Turn, ...] = (Turn(),)
    """The items of an iteration, in their order."""
    needs: Mapping[Kind, Needs] = field(default_factory=dict)
    """What the items of each kind need; a kind that is not listed needs nothing."""
    iteration_noun: str = "iteration"
    """What an iteration is called in messages, in the singular."""
    attempts: int = 3
    """Failed attempts of one item after which the run fails."""
    item_deadline_seconds: float = 86_400.0
    suspended: bool = False
    stop_after: int | None = None
    """Iterations after which the search ends early; None: it ends by its own rules."""
    spent: str = ""
    """Why no further iteration may begin, in words; empty while there is budget left."""
    overdue: str = ""
    """Why the run must end now, in words; empty while there is time."""

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
        """Every kind of work that the run wants at some time, in the order in which they come first."""
        training = [Kind.TRAIN] if self.training else []
        return tuple(dict.fromkeys([Kind.PREPARE, *training, *(turn.kind for turn in self.turns), Kind.CONCLUDE]))

    @property
    def servers(self) -> tuple[str, ...]:
        """The URIs of all models whose servers some item of the run asks, each once."""
        return tuple(dict.fromkeys(uri for kind in self.kinds for uri in self.needs_of(kind).servers))

    def needs_of(self, kind: Kind) -> Needs:
        """What the items of a kind need."""
        return self.needs.get(kind, Needs())

    def preparation(self) -> WorkItem:
        """The item of Preparing."""
        return self._with_needs(WorkItem(Kind.PREPARE))

    def training_items(self, experiment: Digest | None) -> list[WorkItem]:
        """The items of Seeding."""
        return [self._with_needs(item) for item in self._training_items(experiment)]

    def turn_items(self, iteration: int, parent: Digest | None) -> list[WorkItem]:
        """The items of an iteration, in their order, as if each followed `parent`."""
        turns = [turn for turn in self.turns if turn.first_iteration <= iteration]
        return [self._with_needs(_turn_item(turn, iteration, parent)) for turn in turns]

    def conclusion(self, parent: Digest | None) -> WorkItem:
        """The item of Concluding."""
        return self._with_needs(WorkItem(Kind.CONCLUDE, parent=parent))

    def _training_items(self, experiment: Digest | None) -> list[WorkItem]:
        return [WorkItem(Kind.TRAIN, swarm, index, experiment) for swarm, index in self.training]

    def _with_needs(self, item: WorkItem) -> WorkItem:
        return replace(item, needs=self.needs_of(item.kind))


def _check_schedule(items: Sequence[WorkItem]) -> None:
    """Raises ValueError unless each of `items`, in Seeding and where a turn comes first, has a key of its own."""
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
    """The items of the current phase not yet done, in order of their index, each with the attempt that counts now."""
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
    """The iteration that an item is part of; None for what comes before the first, or after the last."""
    for turn in outline.turns:
        iteration = item.index - turn.index_offset
        if (turn.kind, turn.swarm) == (item.kind, item.swarm) and iteration >= turn.first_iteration:
            return iteration
    return None


def _next_turn(outline: Outline, state: EngineState) -> list[WorkItem]:
    """The first item of this iteration that is not done; it follows the last commit there is."""
    items = outline.turn_items(state.iteration, state.commit or state.experiment)
    return [item for item in items if item.key not in state.done][:1]


def _turn_item(turn: Turn, iteration: int, parent: Digest | None) -> WorkItem:
    return WorkItem(turn.kind, turn.swarm, turn.index(iteration), parent)


def _fill_attempt(outline: Outline, state: EngineState, item: WorkItem) -> WorkItem:
    return replace(item, attempt=state.attempt(item.key).number, deadline_seconds=outline.item_deadline_seconds)
