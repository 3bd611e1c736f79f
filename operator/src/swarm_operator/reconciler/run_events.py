"""Lists the events of a run: it enters a phase, an attempt fails, a problem blocks it.

Events follow from the difference between two states of the engine. So an operator that writes its status reports
nothing twice.
"""

from collections.abc import Iterator

from swarm_core.api.conditions import ConditionType
from swarm_core.engine.phases import Phase
from swarm_core.engine.state import EngineState
from swarm_operator.common.reconcile_plan import Event
from swarm_operator.reconciler import diagnosis
from swarm_operator.reconciler.run_status import StatusInputs


def list_events(before: EngineState, after: EngineState, inputs: StatusInputs) -> Iterator[Event]:
    """The events between two states of the engine."""
    if after.phase is not before.phase:
        yield _phase_event(after)
    for key, attempt in after.attempts.items():
        known = before.attempts.get(key)
        if attempt.message and (known is None or known.number != attempt.number):
            yield Event("Warning", "AttemptFailed", f"{key}: {attempt.message}; attempt {attempt.number} follows")
        elif attempt.losses and (known is None or attempt.losses > known.losses):
            yield Event("Normal", "AttemptLost", f"{key}: its pod was lost; it starts again, and this costs no attempt")
    problem = inputs.problem
    reasons = {one.reason for one in inputs.previous.conditions if one.type == ConditionType.RECONCILING}
    if problem is not None and problem.reason not in reasons:
        yield Event("Warning", problem.reason, problem.message)


def _phase_event(after: EngineState) -> Event:
    if after.phase is Phase.FAILED and after.failure is not None:
        reason = diagnosis.classify_failure(after.failure.message) or str(after.failure.reason)
        return Event("Warning", reason, after.failure.message[:1000])
    return Event("Normal", str(after.phase), f"the run is now in phase {after.phase}")
