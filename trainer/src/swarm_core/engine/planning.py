"""What a run wants done now: the items of its current phase that have not brought a receipt.

    phase        items                       parent
    Preparing    prepare                     none
    Seeding      seed, one per cluster       the experiment
    Iterating    iterate 0 .. iterations     the experiment for 0, which measures the start; then the commit before
    Concluding   conclude                    the last commit

An item that follows another names its digest as parent, so it cannot even be worded before that one is committed.

Several swarms take turns within an iteration, in the order of `sides`, each moving against what the one before it
committed: one swarm is the case of one turn. A side that trains has one more seed item before each of its later
turns, numbered on from its clusters, so that whatever finds an accelerator for a seed finds one for that, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from swarm_core.engine.phases import Phase
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Kind, Needs, WorkItem
from swarm_core.swarm_names import GENERATORS


@dataclass(frozen=True, slots=True)
class Side:
    """One swarm of a run."""

    name: str
    clusters: int = 0
    """Adapters to be trained in Seeding."""
    moves: bool = True
    """Whether it takes turns; one that does not is only seeded."""
    trains: bool = False
    """Whether an adapter is trained for it before each of its turns but the first."""


@dataclass(frozen=True, slots=True)
class Outline:
    """All that the engine knows of a spec."""

    iterations: int
    """How often the swarm moves, at most."""
    clusters: int = 0
    """Generators to be trained; 0 if they are given as adapters, and there is nothing to seed."""
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
    needs: Mapping[Kind, Needs] = field(default_factory=dict)
    """What the items of each kind need; a kind that is not listed needs nothing."""
    others: tuple[Side, ...] = ()
    """Swarms beside the generators, which take their turns after them in this order."""

    def __post_init__(self) -> None:
        least = {"iterations": 0, "clusters": 0, "attempts": 1, "stop_after": 0}
        for name, bound in least.items():
            if getattr(self, name) is not None and getattr(self, name) < bound:
                raise ValueError(f"outline: {name} is {getattr(self, name)}; it must be at least {bound}")
        if not self.item_deadline_seconds > 0:
            raise ValueError(f"outline: item_deadline_seconds is {self.item_deadline_seconds}; it must be above 0")

    @property
    def sides(self) -> tuple[Side, ...]:
        """Every swarm of the run, the generators first."""
        return (Side(GENERATORS, self.clusters), *self.others)

    @property
    def seeds(self) -> tuple[tuple[str, int], ...]:
        """Swarm and index of every adapter to be trained in Seeding."""
        return tuple((side.name, index) for side in self.sides for index in range(side.clusters))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Every kind of work that the run wants at some time, in the order in which they come first."""
        moves = [kind for side in self.sides for kind in _turn_kinds(side)]
        return tuple(dict.fromkeys([Kind.PREPARE, *(Kind.TRAIN for _ in self.seeds), *moves, Kind.CONCLUDE]))

    @property
    def servers(self) -> tuple[str, ...]:
        """The URIs of all models whose servers some item of the run asks, each once."""
        return tuple(dict.fromkeys(uri for kind in self.kinds for uri in self.needs_of(kind).servers))

    def needs_of(self, kind: Kind) -> Needs:
        """What the items of a kind need."""
        return self.needs.get(kind, Needs())

    @property
    def turn(self) -> str:
        """What an iteration is called: a game has rounds."""
        return "round" if self.others else "iteration"


def list_pending_items(outline: Outline, state: EngineState) -> tuple[WorkItem, ...]:
    """The items of the current phase not yet done, in order of their index, each with the attempt that counts now."""
    match state.phase:
        case Phase.PENDING | Phase.SUCCEEDED | Phase.FAILED:
            items = []
        case Phase.PREPARING:
            items = [WorkItem(Kind.PREPARE)]
        case Phase.SEEDING:
            items = [WorkItem(Kind.TRAIN, name, index, state.experiment) for name, index in outline.seeds]
        case Phase.ITERATING:
            items = [] if state.stop else _next_turn(outline, state)
        case Phase.CONCLUDING:
            items = [WorkItem(Kind.CONCLUDE, parent=state.commit)]
        case _:
            assert_never(state.phase)
    return tuple(_fill_attempt(outline, state, item) for item in items if item.key not in state.done)


def find_iteration(outline: Outline, item: WorkItem) -> int | None:
    """The iteration that an item is part of; None for what comes before the first, or after the last."""
    if item.kind is Kind.ITERATE:
        return item.index
    later = item.index - next((side.clusters for side in outline.sides if side.name == item.swarm), 0)
    return later + 1 if item.kind is Kind.TRAIN and later >= 0 else None


def _next_turn(outline: Outline, state: EngineState) -> list[WorkItem]:
    """The first item of this iteration that is not done; it follows the last commit there is."""
    parent, ordered = state.commit or state.experiment, []
    for side in outline.sides:
        if side.trains and state.iteration > 0:
            ordered.append(WorkItem(Kind.TRAIN, side.name, side.clusters + state.iteration - 1, parent))
        if side.moves:
            ordered.append(WorkItem(Kind.ITERATE, side.name, state.iteration, parent))
    return [item for item in ordered if item.key not in state.done][:1]


def _turn_kinds(side: Side) -> list[Kind]:
    return [Kind.TRAIN] * side.trains + [Kind.ITERATE] * side.moves


def _fill_attempt(outline: Outline, state: EngineState, item: WorkItem) -> WorkItem:
    return replace(
        item,
        attempt=state.attempt(item.key).number,
        deadline_seconds=outline.item_deadline_seconds,
        needs=outline.needs_of(item.kind),
    )
