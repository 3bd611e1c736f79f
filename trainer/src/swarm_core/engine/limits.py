"""What ends a run though work is left: its time is up, its budget is spent, or its search has gone as far as it may.

    limit                    every swarm was measured                     not yet
    time is up               the run fails                                the run fails
    budget is spent          no further iteration: the run concludes      the run fails
    far enough               no further iteration: the run concludes      the start is measured, then it concludes

A search that ends early goes one step back, from the iteration in work to the last one committed: nothing is wanted any
more, and the table's own fact (Searched) leads on. Where swarms take turns, a turn that was made stays. What still runs
for the iteration in work is ended as unwanted.

Limits: the host knows what time and money are; here they are a sentence of the outline. Once a run concludes, more
budget does not bring its search back. Invariant: receipts that exist count first, so a limit never takes a result away.
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
    """`state` once the outline's limits have had their say. All receipts seen are absorbed in it."""
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
    """Why the search goes no further than its last commit, if a limit and no rule of its own says so."""
    if state.phase is not Phase.ITERATING or state.commit is None or state.stop:
        return None
    reached = state.iteration - bool(planning.list_pending_items(outline, state))
    if reached >= outline.iterations:
        return None
    if outline.spent:
        return StopReason.BUDGET
    return StopReason.STOP_AFTER if outline.stop_after is not None and reached >= outline.stop_after else None


def record_stop(state: EngineState, stop: StopReason) -> EngineState:
    """`state` with the limit named that ends its search."""
    return replace(state, limit=str(stop))


def end_search(outline: Outline, state: EngineState, stop: StopReason) -> EngineState:
    """`state` back at its last commit: a search that is told to stop wants nothing more there."""
    turns = outline.turn_items(state.iteration, state.commit)
    begun = any(item.key in state.done for item in turns if item.kind is Kind.ITERATE)
    return replace(record_stop(state, stop), iteration=state.iteration if begun else state.iteration - 1, attempts={})
