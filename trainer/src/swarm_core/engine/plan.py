"""What a run wants done now: the items of its current phase that have not brought a receipt.

    phase        items                       parent
    Preparing    prepare                     none
    Seeding      seed, one per cluster       the experiment
    Iterating    iterate 0 .. iterations     the experiment for 0, which measures the start; then the commit before
    Concluding   conclude                    the last commit

An item that follows another names its digest as parent, so it cannot even be worded before that one is committed.
Several swarms are several outlines, each with a state of its own.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from swarm_core.engine.phases import Phase
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import GENERATORS, Kind, WorkItem


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
    swarm: str = GENERATORS
    """The swarm that this run of the engine moves."""

    def __post_init__(self) -> None:
        least = {"iterations": 0, "clusters": 0, "attempts": 1, "stop_after": 0}
        for name, bound in least.items():
            if getattr(self, name) is not None and getattr(self, name) < bound:
                raise ValueError(f"outline: {name} is {getattr(self, name)}; it must be at least {bound}")
        if not self.item_deadline_seconds > 0:
            raise ValueError(f"outline: item_deadline_seconds is {self.item_deadline_seconds}; it must be above 0")


def wanted(outline: Outline, state: EngineState) -> tuple[WorkItem, ...]:
    """The items of the current phase not yet done, in order of their index, each with the attempt that counts now."""
    match state.phase:
        case Phase.PENDING | Phase.SUCCEEDED | Phase.FAILED:
            items = []
        case Phase.PREPARING:
            items = [WorkItem(Kind.PREPARE, outline.swarm)]
        case Phase.SEEDING:
            items = [WorkItem(Kind.SEED, outline.swarm, index, state.experiment) for index in range(outline.clusters)]
        case Phase.ITERATING:
            items = [WorkItem(Kind.ITERATE, outline.swarm, state.iteration, state.commit or state.experiment)]
        case Phase.CONCLUDING:
            items = [WorkItem(Kind.CONCLUDE, outline.swarm, parent=state.commit)]
        case _:
            assert_never(state.phase)
    return tuple(_current(outline, state, item) for item in items if item.key not in state.done)


def _current(outline: Outline, state: EngineState, item: WorkItem) -> WorkItem:
    return replace(item, attempt=state.attempt(item.key).number, deadline_seconds=outline.item_deadline_seconds)
