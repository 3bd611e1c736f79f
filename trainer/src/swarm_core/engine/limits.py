"""The limits that end a run before its work is done: its deadline, its budget, and `stopAfter`.

    limit                    every swarm was measured                     not yet
    deadline exceeded        the run fails                                the run fails
    budget used up           no further iteration: the run concludes      the run fails
    stopAfter reached        no further iteration: the run concludes      the start is measured, then it concludes

A search that ends early goes back from the current iteration to the last committed one. Then no item is pending, and
the fact Searched follows from the table of phases. If swarms take turns, a turn that was committed stays. Running
attempts of the current iteration are canceled as unwanted.

Invariant: existing receipts are applied first, so a limit never discards a result.

Limits: the host measures time and usage, and the outline only carries a message about them. After a run has started to
conclude, a larger budget does not resume its search.
"""

from dataclasses import replace

from swarm_core.engine import planning
from swarm_core.engine import state as states
from swarm_core.engine.phases import TERMINAL, Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.receipt_fields import StopReason
from swarm_core.engine.state import EngineState, RunFailure
from swarm_core.engine.work import FailureReason, Kind


def enforce(outline: Outline, state: EngineState) -> EngineState:
    """`state` with the limits of the outline applied. All observed receipts must already be applied to `state`."""
    if state.phase is Phase.PENDING or state.phase in TERMINAL or state.failure is not None:
        return state
    stop, left = find_stop_reason(outline, state), planning.list_pending_items(outline, state)
    if not left:
        return state if stop is None else record_stop(state, stop)
    if outline.overdue:
        return states.record_failure(state, RunFailure(state.phase, "", FailureReason.DEADLINE, outline.overdue))
    if outline.spent and state.iteration == 0 and state.phase is not Phase.CONCLUDING:
        return states.record_failure(state, RunFailure(state.phase, "", FailureReason.BUDGET, outline.spent))
    return state if stop is None else end_search(outline, state, stop)


def find_stop_reason(outline: Outline, state: EngineState) -> StopReason | None:
    """Return the limit that ends the search at its last commit; None if no limit does, or if the search has ended
    by its rules."""
    if state.phase is not Phase.ITERATING or state.commit is None or state.stop:
        return None
    reached = state.iteration - bool(planning.list_pending_items(outline, state))
    if reached >= outline.iterations:
        return None
    if outline.spent:
        return StopReason.BUDGET
    return StopReason.STOP_AFTER if outline.stop_after is not None and reached >= outline.stop_after else None


def record_stop(state: EngineState, stop: StopReason) -> EngineState:
    """`state` with the limit that ended its search."""
    return replace(state, limit=str(stop))


def end_search(outline: Outline, state: EngineState, stop: StopReason) -> EngineState:
    """`state` at its last commit, with the limit that ended its search. It has no pending items there."""
    turns = outline.turn_items(state.iteration, state.commit)
    begun = any(item.key in state.done for item in turns if item.kind is Kind.ITERATE)
    return replace(record_stop(state, stop), iteration=state.iteration if begun else state.iteration - 1, attempts={})
