"""Reconciles one run once: from the observed objects to a plan. Pure: no I/O, no clock, no randomness.

    run        parse the spec; without a valid spec, start nothing
    children   parse the observed objects
    usage      count accelerator-seconds, and check the budget
    world      derive the engine's observations
    decide     ask the engine
    servers    advance the servers to the state that the engine needs
    steps      create and delete Jobs and servers, remove stuck pods and finished Jobs
    status     report all of it

Only the status survives between two calls, and it only saves work: an operator that lost it derives the state of the
run again from the receipts in the pods and, if those are gone, in the store.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from swarm_core.api.run_status import MAX_MESSAGE_CHARACTERS, RunStatus
from swarm_core.engine import decide, phases
from swarm_core.engine import planning as items
from swarm_core.engine import state as states
from swarm_core.engine.decide import SETTLE_SECONDS, Decision
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Kind, Launch, Observations, Running, WorkItem
from swarm_core.errors import BadInputError
from swarm_operator.common import accelerators, cluster_run, timestamps
from swarm_operator.common.children import Children, Job
from swarm_operator.common.cluster_run import ClusterRun, PodDefaults
from swarm_operator.common.reconcile_plan import Delete, Event, ObservedRun, Plan, Step
from swarm_operator.reconciler import (
    accelerator_usage,
    child_parser,
    deletion,
    diagnosis,
    job_steps,
    observations,
    run_events,
    run_status,
    server_lifecycle,
)
from swarm_operator.reconciler.accelerator_usage import AcceleratorUsage
from swarm_operator.reconciler.job_steps import LaunchReadiness
from swarm_operator.reconciler.pod_problems import Problem
from swarm_operator.reconciler.server_lifecycle import ServersOutcome

FINISHED_JOBS_KEPT = 3
"""Finished Jobs that stay for their logs until the run is deleted."""
PHASE_ORDER = (Phase.PREPARING, Phase.SEEDING, Phase.ITERATING, Phase.CONCLUDING, Phase.SUCCEEDED)
KIND_ORDER = tuple(Kind)
"""The kinds of work, in the order of their phases."""
REFUSED_RECHECK_SECONDS = 300.0
"""Seconds until a run that cannot be executed is checked again."""


@dataclass(frozen=True, slots=True)
class ReconcileContext:
    """The inputs of one reconcile."""

    run: ClusterRun
    children: Children
    previous: RunStatus
    """The status that the run has now."""
    saved_state: EngineState
    """The engine's state in that status."""
    usage: AcceleratorUsage
    outline: Outline
    refusal: str
    """The words of the API server if it refused a step of the last plan."""
    now: float


def reconcile(observed: ObservedRun, now: float, defaults: PodDefaults) -> Plan:
    """The plan for one run at `now`, in seconds since 1970-01-01 UTC."""
    if observed.run["metadata"].get("deletionTimestamp") is not None:
        return deletion.plan_deletion(observed, now, defaults)
    previous = run_status.read(observed.run)
    try:
        run = cluster_run.parse(observed.run, defaults)
    except BadInputError as error:
        return _refuse(observed, previous, str(error), now)
    if previous.spec_digest not in (None, run.digest):
        reason = (
            "spec: this edit changes the experiment of a run that has started; undo the edit, or create another"
            f" {run.document.kind}"
        )
        return _refuse(observed, previous, reason, now)
    finalizer_step = deletion.correct_finalizer(run, observed.run)
    return Plan((finalizer_step,)) if finalizer_step else _advance_run(_build_context(run, observed, previous, now))


def _build_context(run: ClusterRun, observed: ObservedRun, previous: RunStatus, now: float) -> ReconcileContext:
    children = child_parser.parse(observed.children, run.cluster.accelerator_resource, observed.events)
    asking = accelerators.kinds_asking_servers(run.outline)
    usage = accelerator_usage.count(previous.gpu_seconds, children, asking, now)
    return ReconcileContext(
        run=run,
        children=children,
        previous=previous,
        saved_state=run_status.load_engine_state(previous),
        usage=usage,
        outline=_build_outline(run, previous, usage, now),
        refusal=observed.refusal,
        now=now,
    )


def _build_outline(run: ClusterRun, previous: RunStatus, usage: AcceleratorUsage, now: float) -> Outline:
    """The outline for the engine: the spec, and which of its limits the run has reached."""
    spec, started = run.document.spec, timestamps.parse(previous.started_at)
    outline = replace(run.outline, stop_after=spec.stop_after)
    hours, deadline = spec.budget.gpu_hours, spec.deadline_seconds
    if hours is not None and usage.total >= hours * 3600:
        used = f"{usage.hours:g} of {hours:g} accelerator-hours are used"
        outline = replace(outline, spent=f"{used}; raise spec.budget.gpuHours")
    if deadline is not None and started is not None and now - started >= deadline:
        outline = replace(outline, overdue=f"the run took longer than {deadline} s; raise spec.deadlineSeconds")
    return outline


def _advance_run(context: ReconcileContext) -> Plan:
    state = _current_state(context)
    world = observations.build_world(context.children, context.now)
    refusal = server_lifecycle.find_model_refusal(context.children)
    if refusal:
        world = observations.fail_items_using_servers(world, items.list_pending_items(context.outline, state), refusal)
    decision = decide.decide(context.outline, state, world, context.now)
    servers = _advance_servers(context, decision, world)
    inputs = run_status.StatusInputs(
        previous=context.previous,
        usage=_usage_to_report(context, decision, servers),
        servers=servers.status if servers else None,
        problem=_find_problem(context, decision, servers),
        experiment=run_status.find_experiment_digest(world),
        now=context.now,
    )
    status = run_status.build_status(context.run, context.outline, decision.state, inputs)
    steps = tuple(_list_steps(context, decision, world, servers))
    events = tuple(run_events.list_events(state, decision.state, context.outline.suspended, inputs))
    unexplained = tuple(diagnosis.list_unexplained(context.children))
    return Plan(steps, status, events, _wake_after(context, decision, servers), unexplained)


def _find_problem(context: ReconcileContext, decision: Decision, servers: ServersOutcome | None) -> Problem | None:
    evidence = diagnosis.Evidence(
        run=context.run,
        children=context.children,
        state=decision.state,
        servers=servers.status if servers else None,
        refusal=context.refusal,
        now=context.now,
    )
    return diagnosis.find_most_urgent(evidence)


def _current_state(context: ReconcileContext) -> EngineState:
    """The engine's state. A new value of `rerun` reopens a failed run."""
    state, rerun = context.saved_state, context.run.document.spec.rerun
    started = context.previous.spec_digest is not None
    again = started and rerun is not None and rerun != context.previous.rerun
    return states.reopen(state) if again and state.phase is Phase.FAILED else state


def _advance_servers(context: ReconcileContext, decision: Decision, world: Observations) -> ServersOutcome | None:
    """The next state of the servers. None for a run without servers."""
    if not context.run.has_servers:
        return None
    wanted = items.list_pending_items(context.outline, decision.state)
    launched = {action.item.key for action in decision.actions if isinstance(action, Launch)}
    running = {key for key, one in world.items.items() if isinstance(one, Running)}
    needed = any(item.needs.servers and item.key in launched | running for item in wanted)
    allowed = any(item.needs.servers for item in wanted) and not context.outline.suspended
    demand = server_lifecycle.ServerDemand(allowed, needed, context.now)
    return server_lifecycle.advance(context.run, context.previous.servers, context.children, demand)


def _usage_to_report(context: ReconcileContext, decision: Decision, servers: ServersOutcome | None) -> AcceleratorUsage:
    """The usage for the status: the current values, or the reported ones if little has changed.

    Each write of the status wakes every watcher of the run, so small changes wait.
    """
    reported = context.previous.gpu_seconds
    if reported is None:
        return context.usage
    counted_until = timestamps.parse(reported.counted_until)
    before, after = context.saved_state, decision.state
    is_old = counted_until is None or context.now - counted_until >= accelerator_usage.COUNT_INTERVAL_SECONDS
    phase_changed = (before.phase, before.iteration) != (after.phase, after.iteration)
    servers_changed = servers is not None and servers.status != context.previous.servers
    ended_pods = [pod for pod in context.children.pods if pod.ended is not None]
    if is_old or phase_changed or servers_changed or not accelerator_usage.is_fully_counted(ended_pods, reported):
        return context.usage
    return replace(context.usage, seconds=reported)


def _list_steps(
    context: ReconcileContext, decision: Decision, world: Observations, servers: ServersOutcome | None
) -> Iterator[Step]:
    if (ended := _expiry_step(context, decision)) is not None:
        yield ended
        return
    readiness = LaunchReadiness(
        servers_ready=servers is None or servers.ready,
        servers_gone=server_lifecycle.servers_are_gone(context.children, context.now),
        now=context.now,
    )
    yield from job_steps.release_stuck_pods(context.children, context.now)
    yield from job_steps.end_settled_work(
        context.children, items.list_pending_items(context.outline, context.saved_state)
    )
    pending = items.list_pending_items(context.outline, decision.state)
    yield from job_steps.remake_outdated_jobs(context.run, context.children, pending)
    yield from servers.steps if servers else server_lifecycle.delete_all(context.children)
    yield from job_steps.list_action_steps(context.run, context.children, world, decision.actions, readiness)
    yield from _delete_finished_jobs(context)


def _expiry_step(context: ReconcileContext, decision: Decision) -> Step | None:
    """Delete a run whose `ttlSecondsAfterFinished` is over. None for every other run."""
    left = _seconds_to_expiry(context, decision)
    if left is None or left > 0:
        return None
    return Delete(context.run.document.kind, context.run.name, context.run.uid)


def _seconds_to_expiry(context: ReconcileContext, decision: Decision) -> float | None:
    kept, finished = context.run.document.spec.ttl_seconds_after_finished, decision.state.finished
    if kept is None or finished is None or decision.state.phase not in phases.TERMINAL:
        return None
    return finished + kept - context.now


def _delete_finished_jobs(context: ReconcileContext) -> Iterator[Step]:
    """Delete finished Jobs whose results and accelerator-seconds are in the written status."""
    state = context.saved_state
    if state.phase not in PHASE_ORDER:
        return
    position = PHASE_ORDER.index(state.phase), state.iteration if state.phase is Phase.ITERATING else 0
    for job in job_steps.surplus_finished_jobs(context.children, FINISHED_JOBS_KEPT):
        pods = [pod for pod in context.children.pods if pod.job == job.name]
        over = not any(observations.is_living(pod, context.now) for pod in pods)
        if (
            _job_position(context.outline, job) < position
            and over
            and accelerator_usage.is_fully_counted(pods, context.previous.gpu_seconds)
        ):
            yield Delete("Job", job.name, job.uid)


def _job_position(outline: Outline, job: Job) -> tuple[int, int]:
    """The position of a Job in the course of the run."""
    iteration = items.find_iteration(outline, WorkItem.from_key(job.keys[0]))
    return (KIND_ORDER.index(Kind(job.work)), 0) if iteration is None else (KIND_ORDER.index(Kind.ITERATE), iteration)


def _wake_after(context: ReconcileContext, decision: Decision, servers: ServersOutcome | None) -> float | None:
    """Seconds until the next reconcile if nothing changes. None if nothing more will happen."""
    over = decision.state.phase in phases.TERMINAL
    deadline, started = context.run.document.spec.deadline_seconds, decision.state.started
    ends = [
        decision.wake_after,
        servers.wake_after if servers else None,
        _seconds_to_expiry(context, decision),
        SETTLE_SECONDS if over and decision.actions else None,
        diagnosis.POD_CREATION_SECONDS if diagnosis.list_unexplained(context.children) else None,
        accelerator_usage.COUNT_INTERVAL_SECONDS if context.usage.held else None,
        started + deadline - context.now if deadline is not None and started is not None and not over else None,
        *(
            pod.deleted + observations.STUCK_SECONDS - context.now
            for pod in context.children.pods
            if pod.deleted and not pod.ended
        ),
    ]
    left = [max(end, SETTLE_SECONDS) if end <= 0 else end for end in ends if end is not None]
    return min(left) if left else None


def _refuse(observed: ObservedRun, previous: RunStatus, reason: str, now: float) -> Plan:
    """The plan for a run that cannot be executed as it is written: start nothing, and say why.

    What runs by the last valid spec goes on, because an invalid edit must not cost hours of work. If the run is
    suspended, everything ends. Servers end when nothing runs that could ask them.
    """
    children = child_parser.parse(observed.children, "")
    suspended = (observed.run.get("spec") or {}).get("suspend") is True
    alive = [job for job in children.jobs if job.alive]
    ended = tuple(Delete("Job", job.name, job.uid) for job in alive) if suspended else ()
    idle = () if alive and not suspended else tuple(server_lifecycle.delete_all(children))
    status = run_status.build_refused_status(observed.run, previous, reason, now)
    message = reason[:MAX_MESSAGE_CHARACTERS]
    is_new = not any(one.type == "Validated" and one.message == message for one in previous.conditions)
    events = (Event("Warning", run_status.INVALID_SPEC, message),) if is_new else ()
    return Plan((*ended, *idle), status, events, REFUSED_RECHECK_SECONDS)
