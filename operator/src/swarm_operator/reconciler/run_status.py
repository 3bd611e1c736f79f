"""Builds the complete status of a run from the engine's report and the state of the cluster.

The status is bounded: rows and texts are cut, and the engine's state drops the messages of failed attempts if it would
not fit. A condition keeps its lastTransitionTime while its status stays the same.
"""

import re
from dataclasses import dataclass, replace

from pydantic import ValidationError

from swarm_core.api import custom_resources, figures
from swarm_core.api import run_status as api
from swarm_core.api.conditions import Condition, ConditionStatus, ConditionType
from swarm_core.api.run_status import RunStatus
from swarm_core.engine import phases, run_summary
from swarm_core.engine.planning import Outline
from swarm_core.engine.run_summary import RunSummary
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Done, Kind, Observations, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.programs import program_protocol
from swarm_core.recipe import Digest
from swarm_operator.common import accelerators, timestamps
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Object
from swarm_operator.reconciler.accelerator_usage import AcceleratorUsage
from swarm_operator.reconciler.pod_problems import Problem

INVALID_SPEC = "InvalidSpec"
"""The reason for a spec that cannot run on this cluster."""
HOW_TO_GO_ON = "; the run goes on when that is resolved and spec.rerun is changed"
"""The end of the message of a failed run."""


@dataclass(frozen=True, slots=True)
class StatusInputs:
    """The inputs of a status beside the engine's state."""

    previous: RunStatus
    """The status that the run has now."""
    usage: AcceleratorUsage
    servers: api.ServersStatus | None
    problem: Problem | None
    experiment: Digest | None
    """The content digest of the experiment, if a receipt contains it."""
    now: float


def read(run: Object) -> RunStatus:
    """The status of `run`. Empty if it has none, or none that can be parsed."""
    model = _find_model(run)
    try:
        return model.model_validate(run.get("status") or {}, by_alias=True, by_name=False)
    except ValidationError:
        return model()


def _find_model(run: Object) -> type[RunStatus]:
    """The status model of a kind of run. For a kind that is not installed, the fields that all kinds share."""
    try:
        return custom_resources.find_resource(str(run.get("kind"))).status
    except BadInputError:
        return RunStatus


def load_engine_state(previous: RunStatus) -> EngineState:
    """The engine's state in a status. Empty if it cannot be parsed; then it is derived from the receipts."""
    try:
        return EngineState.from_json(previous.engine) if previous.engine else EngineState()
    except ValueError:
        return EngineState()


def build_status(run: ClusterRun, outline: Outline, state: EngineState, inputs: StatusInputs) -> Object:
    """The status of a run that is being executed."""
    report = _add_problem(run_summary.summarize_run(outline, state), outline, state, inputs.problem)
    held = inputs.usage.seconds.counted_until is not None
    common = RunStatus(
        phase=str(report.phase),
        reason=find_reason(outline, state, inputs.problem),
        spec_digest=run.digest,
        experiment_digest=inputs.experiment or inputs.previous.experiment_digest,
        observed_generation=run.document.metadata.generation,
        message=report.message[: api.MAX_MESSAGE_CHARACTERS],
        started_at=_format_time(report.started),
        finished_at=_format_time(report.finished),
        conditions=_build_conditions(run.document.metadata.generation, state, report, inputs),
        gpu_seconds=inputs.usage.seconds if held else None,
        gpu_hours=inputs.usage.hours if held else None,
        peak_accelerators=accelerators.peak(run.cluster, outline),
        result=report.result,
        servers=inputs.servers,
        rerun=run.document.spec.rerun,
        engine=serialize_engine_state(state),
    )
    kind = run.resolved.kind
    return add_columns(kind, program_protocol.find_program(kind).status(outline, state, common))


def find_reason(outline: Outline, state: EngineState, problem: Problem | None) -> str | None:
    """Why the run does not move on, as one word. None while work goes on, and after it has succeeded."""
    if state.failure is not None:
        return state.failure.code or str(state.failure.reason)
    if state.phase in phases.TERMINAL:
        return None
    if outline.suspended:
        return str(ConditionType.SUSPENDED)
    return problem.reason if problem else None


def _add_problem(report: RunSummary, outline: Outline, state: EngineState, problem: Problem | None) -> RunSummary:
    """The report with the problem in its message, after what the run is doing. For a failed run, with its way out."""
    if state.failure is not None:
        message = report.message[: api.MAX_MESSAGE_CHARACTERS - len(HOW_TO_GO_ON)] + HOW_TO_GO_ON
        return replace(
            report, message=message, conditions=tuple(replace(one, message=message) for one in report.conditions)
        )
    if problem is None or state.phase in phases.TERMINAL or outline.suspended:
        return report
    return replace(report, message=f"{run_summary.describe_phase(outline, state)}; {problem.message}")


def add_columns(kind: str, status: RunStatus) -> Object:
    """`status` as JSON of the API, with the columns of `kubectl get`."""
    shown = serialize_status(status)
    columns = figures.format_columns(custom_resources.find_resource(kind).figures, shown)
    if status.gpu_hours is not None:
        columns[custom_resources.GPU_HOURS_FIELD] = f"{status.gpu_hours:.2f}"
    return {**shown, "columns": columns} if columns else shown


def build_refused_status(run: Object, previous: RunStatus, reason: str, now: float) -> Object:
    """The status of a run that cannot be executed as it is written. It keeps what the run has reached."""
    generation = run["metadata"].get("generation")
    message = reason[: api.MAX_MESSAGE_CHARACTERS]
    facts = {ConditionType.VALIDATED: ConditionStatus.FALSE}
    if previous.phase not in phases.TERMINAL:
        facts |= dict.fromkeys((ConditionType.READY, ConditionType.RECONCILING), ConditionStatus.FALSE)
        facts |= {ConditionType.STALLED: ConditionStatus.TRUE}
    new = [
        _build_condition(previous, UntimedCondition(kind, truth, INVALID_SPEC, message), generation, now)
        for kind, truth in facts.items()
    ]
    old = [one for one in previous.conditions if one.type not in facts]
    update = {
        "phase": previous.phase or str(phases.Phase.PENDING),
        "reason": INVALID_SPEC if previous.phase not in phases.TERMINAL else previous.reason,
        "message": message,
        "observed_generation": generation,
        "conditions": (*old, *new),
    }
    return serialize_status(previous.model_copy(update=update))


def with_message(previous: RunStatus, message: str) -> Object:
    """The status of a run that is being deleted: the previous one with a new message."""
    return serialize_status(previous.model_copy(update={"message": message}))


def serialize_engine_state(state: EngineState) -> str:
    """The engine's state as the status stores it."""
    text = state.to_json()
    if len(text) > api.MAX_ENGINE_CHARACTERS:
        attempts = {key: replace(attempt, message="") for key, attempt in state.attempts.items()}
        text = replace(state, attempts=attempts).to_json()
    return text


def serialize_status(status: RunStatus) -> Object:
    """`status` as JSON of the API."""
    found: Object = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return found


@dataclass(frozen=True, slots=True)
class UntimedCondition:
    """A condition without its times."""

    kind: ConditionType
    truth: ConditionStatus
    reason: str
    message: str


def _build_conditions(
    generation: int | None, state: EngineState, report: RunSummary, inputs: StatusInputs
) -> tuple[Condition, ...]:
    """The engine's conditions with reasons from the cluster, and the condition that the spec is valid."""
    facts = [
        _explain(UntimedCondition(one.type, one.status, one.reason, one.message), state, inputs)
        for one in report.conditions
    ]
    facts.append(
        UntimedCondition(ConditionType.VALIDATED, ConditionStatus.TRUE, "Valid", "the spec is valid on this cluster")
    )
    return tuple(_build_condition(inputs.previous, fact, generation, inputs.now) for fact in facts)


def _explain(fact: UntimedCondition, state: EngineState, inputs: StatusInputs) -> UntimedCondition:
    if state.failure is not None:
        return replace(fact, reason=state.failure.code or fact.reason)
    waits = fact.kind in (ConditionType.READY, ConditionType.RECONCILING) and state.phase not in phases.TERMINAL
    if inputs.problem is not None and waits and fact.reason != ConditionType.SUSPENDED:
        return replace(fact, reason=inputs.problem.reason, message=inputs.problem.message)
    return fact


def _build_condition(previous: RunStatus, fact: UntimedCondition, generation: int | None, now: float) -> Condition:
    """The condition with its lastTransitionTime."""
    before = next((one for one in previous.conditions if one.type == fact.kind and one.status is fact.truth), None)
    return Condition(
        type=str(fact.kind),
        status=fact.truth,
        reason=fact.reason,
        message=fact.message[: api.MAX_MESSAGE_CHARACTERS],
        last_transition_time=before.last_transition_time if before else timestamps.format_time(now),
        observed_generation=generation,
    )


def _format_time(seconds: float | None) -> str | None:
    return None if seconds is None else timestamps.format_time(seconds)


def find_experiment_digest(world: Observations) -> Digest | None:
    """The content digest of the experiment, from the receipt of Prepare. None if there is none."""
    observed = world.items.get(WorkItem(Kind.PREPARE).key)
    digest = observed.receipt.scalars.get("experimentDigest") if isinstance(observed, Done) else None
    return Digest(digest) if isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) else None
