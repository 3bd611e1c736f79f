"""Lists the events of a run: phases, suspensions, servers, failed attempts, and problems that block it.

Events follow from the difference between two states. So an operator that writes its status reports nothing twice. Each
event gets the time as its occurrence, because the same text may be true again later.
"""

from collections.abc import Iterator
from dataclasses import replace

from swarm_core.api.conditions import ConditionStatus, ConditionType
from swarm_core.engine import phases
from swarm_core.engine.phases import Phase
from swarm_core.engine.state import EngineState
from swarm_operator.common import timestamps
from swarm_operator.common.reconcile_plan import Event
from swarm_operator.reconciler.run_status import StatusInputs
from swarm_operator.reconciler.server_lifecycle import ServersPhase

SERVER_EVENTS = {
    ServersPhase.STARTING: ("ServersStarting", "the inference servers are starting"),
    ServersPhase.READY: ("ServersReady", "all inference servers are ready"),
    ServersPhase.OFF: ("ServersStopped", "the inference servers are stopped, and their accelerators are free"),
}
"""The event when the servers enter a phase. The problem ServersNotReady reports the phase Waiting."""


def list_events(before: EngineState, after: EngineState, suspended: bool, inputs: StatusInputs) -> Iterator[Event]:
    """The events between two states of the engine. `suspended`: whether the run is suspended now."""
    found = [
        *_suspension_events(after, suspended, inputs),
        *([_phase_event(after)] if after.phase is not before.phase else []),
        *_server_events(inputs),
        *_attempt_events(before, after),
        *_problem_events(inputs),
    ]
    return (replace(event, occurrence=timestamps.format_time(inputs.now)) for event in found)


def _suspension_events(after: EngineState, suspended: bool, inputs: StatusInputs) -> Iterator[Event]:
    conditions = {one.type: one.status for one in inputs.previous.conditions}
    was_suspended = conditions.get(ConditionType.SUSPENDED) is ConditionStatus.TRUE
    if suspended and not was_suspended and after.phase not in phases.TERMINAL:
        words = "spec.suspend is true: running work ends now and costs no attempt; set it to false to resume"
        yield Event("Normal", "Suspended", words)
    if was_suspended and not suspended:
        yield Event("Normal", "Resumed", f"spec.suspend is false: the run goes on in phase {after.phase}")


def _server_events(inputs: StatusInputs) -> Iterator[Event]:
    before = inputs.previous.servers.phase if inputs.previous.servers else ServersPhase.OFF
    after = inputs.servers.phase if inputs.servers else before
    resumes_serving = (before, after) == (ServersPhase.IDLE, ServersPhase.READY)
    if after != before and after in SERVER_EVENTS and not resumes_serving:
        yield Event("Normal", *SERVER_EVENTS[ServersPhase(after)])


def _attempt_events(before: EngineState, after: EngineState) -> Iterator[Event]:
    for key, attempt in after.attempts.items():
        known = before.attempts.get(key)
        if attempt.message and (known is None or known.number != attempt.number):
            yield Event("Warning", "AttemptFailed", f"{key}: {attempt.message}; attempt {attempt.number} follows")
        elif attempt.losses and (known is None or attempt.losses > known.losses):
            yield Event("Normal", "AttemptLost", f"{key}: its pod was lost; it starts again, and this costs no attempt")


def _problem_events(inputs: StatusInputs) -> Iterator[Event]:
    problem = inputs.problem
    reasons = {one.reason for one in inputs.previous.conditions if one.type == ConditionType.RECONCILING}
    if problem is not None and not problem.has_event and problem.reason not in reasons:
        yield Event("Warning", problem.reason, problem.message)


def _phase_event(after: EngineState) -> Event:
    if after.phase is Phase.FAILED and after.failure is not None:
        reason = after.failure.code or str(after.failure.reason)
        return Event("Warning", reason, after.failure.message[:1000])
    return Event("Normal", str(after.phase), f"the run is now in phase {after.phase}")
