"""The summary of a run of any kind for people: a projection of outline and state, which is never read back.

Conditions follow kstatus, so that generic tools can wait for a run. Reconciling is True while the engine works. Stalled
is True when it cannot continue. Ready is True when the results exist.

Limits: a condition here has no transition time. The host adds it.
"""

from dataclasses import dataclass
from typing import assert_never

from swarm_core.api.conditions import ConditionStatus, ConditionType
from swarm_core.engine import phases, planning
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.receipt_fields import StopReason
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import WorkItem
from swarm_core.objectives import verdict
from swarm_core.recipe import Digest


@dataclass(frozen=True, slots=True)
class RunCondition:
    """One condition of a run, for people and for tools."""

    type: ConditionType
    status: ConditionStatus
    reason: str
    """One CamelCase word."""
    message: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The state of a run of any kind in a few fields."""

    phase: Phase
    iteration: int
    iterations: int
    stop: str
    """The rule or the limit that ended the search; empty before that."""
    experiment: Digest | None
    commit: Digest | None
    """The last commit."""
    result: Digest | None
    started: float | None
    finished: float | None
    message: str
    conditions: tuple[RunCondition, ...]


def summarize_run(outline: Outline, state: EngineState) -> RunSummary:
    """Return the summary of `state`."""
    message = format_message(outline, state)
    return RunSummary(
        phase=state.phase,
        iteration=state.iteration,
        iterations=outline.iterations,
        stop=state.stop,
        experiment=state.experiment,
        commit=state.commit,
        result=state.outcome.result if state.outcome else None,
        started=state.started,
        finished=state.finished,
        message=message,
        conditions=build_conditions(outline, state, message),
    )


def format_message(outline: Outline, state: EngineState) -> str:
    """Return a message about the current activity of the run, or about its failure."""
    if state.failure is not None:
        return f"{state.failure.phase}: {state.failure.message}"
    where = describe_phase(outline, state)
    if state.phase in phases.TERMINAL:
        return where
    if outline.suspended:
        return f"{where}; suspended: set spec.suspend to false to go on"
    troubles = [_describe_trouble(outline, state, item) for item in planning.list_pending_items(outline, state)]
    return "; ".join([where, *(trouble for trouble in troubles if trouble)][:4])  # 3 troubles are enough for a message


def describe_phase(outline: Outline, state: EngineState) -> str:
    """Return a message about the phase of the run and its progress in it, without its troubles."""
    match state.phase:
        case Phase.PENDING:
            where = "no work has started"
        case Phase.PREPARING:
            where = "checking and pinning the inputs"
        case Phase.SEEDING:
            where = f"{len(state.done)} of {len(outline.training)} {_describe_training(outline)} trained"
        case Phase.ITERATING:
            turn = f"{outline.iteration_noun} {state.iteration} of {outline.iterations}"
            where = turn if state.iteration else "measuring the start"
        case Phase.CONCLUDING:
            where = f"search ended ({state.stop or StopReason.ITERATIONS}); measuring again on fresh data"
            where = where if outline.turns else "concluding"
        case Phase.SUCCEEDED:
            where = f"concluded after {state.iteration} {outline.iteration_noun}s" if outline.turns else "concluded"
            where += _describe_gain(state)
        case Phase.FAILED:
            where = "failed"
        case _:
            assert_never(state.phase)
    return where


def _describe_gain(state: EngineState) -> str:
    """Return the verdict on the gain; empty if the run measured none."""
    outcome = state.outcome
    if outcome is None or outcome.gain is None or outcome.gain_low is None or outcome.gain_high is None:
        return ""
    return f"; {verdict.describe_difference(outcome.gain, outcome.gain_low, outcome.gain_high)}"


def _describe_training(outline: Outline) -> str:
    """Return a noun for the adapters trained in Seeding: the name of the swarm if there is only one."""
    swarms = {swarm for swarm, _ in outline.training}
    return swarms.pop() if len(swarms) == 1 else "adapters"


def _describe_trouble(outline: Outline, state: EngineState, item: WorkItem) -> str:
    """Return a message about the failed or lost attempts of a pending item; empty if there are none."""
    attempt = state.attempt(item.key)
    if attempt.losses > 1:
        return f"{item.key} lost its process {attempt.losses} times in a row"
    if attempt.number > state.floor:
        number = attempt.number - state.floor + 1
        return f"{item.key}: attempt {number} of {outline.attempts}, after: {attempt.message or 'a failed one'}"
    return ""


def build_conditions(outline: Outline, state: EngineState, message: str) -> tuple[RunCondition, ...]:
    """Return all conditions of a run, always in the same order. `message`: the message of every condition."""
    over, succeeded = state.phase in phases.TERMINAL, state.phase is Phase.SUCCEEDED
    suspended = outline.suspended and not over
    reason = str(state.failure.reason) if state.failure else "Suspended" if suspended else str(state.phase)
    truths = {
        ConditionType.READY: _to_condition_status(succeeded),
        ConditionType.RECONCILING: _to_condition_status(not over and not suspended),
        ConditionType.STALLED: _to_condition_status(over and not succeeded),
        ConditionType.SUCCEEDED: _to_condition_status(succeeded) if over else ConditionStatus.UNKNOWN,
        ConditionType.SUSPENDED: _to_condition_status(suspended),
    }
    return tuple(RunCondition(kind, truth, reason, message) for kind, truth in truths.items())


def _to_condition_status(holds: bool) -> ConditionStatus:
    return ConditionStatus.TRUE if holds else ConditionStatus.FALSE
