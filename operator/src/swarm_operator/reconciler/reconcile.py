"""One run, once: from what is observed to what is done next. Pure: no I/O, no clock, no randomness.

    order     what is wanted (or the reason why it cannot be had: no child then)
    children  what is seen
    account   accelerator-seconds, and with them whether the budget is spent
    world     what is seen, in the engine's words
    decide    the engine
    servers   where they stand, given what the engine wants
    steps     Jobs, servers, pods that are stuck, Jobs that have served
    status    all of it

Nothing is remembered between two calls but what the status holds, and that only spares work: an operator that lost it
derives the run again from the receipts in the pods and, where those are gone, in the store.
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
from swarm_operator.common.cluster_run import ClusterRun, Images
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
from swarm_operator.reconciler.server_lifecycle import ServersOutcome

FINISHED_JOBS_KEPT = 3
"""Finished Jobs that stay, for their logs, until the run goes."""
PHASE_ORDER = (Phase.PREPARING, Phase.SEEDING, Phase.ITERATING, Phase.CONCLUDING, Phase.SUCCEEDED)
KIND_ORDER = tuple(Kind)
"""The kinds of work, in the order of the phases that want them."""
REFUSED_RECHECK_SECONDS = 300.0
"""Look again so often at a run that cannot be carried out."""


@dataclass(frozen=True, slots=True)
class ReconcileContext:
    """What one reconcile looks at."""

    order: ClusterRun
    seen: Children
    was: RunStatus
    saved: EngineState
    """What the engine had remembered, as the status says it."""
    account: AcceleratorUsage
    outline: Outline
    now: float


def reconcile(observed: ObservedRun, now: float, images: Images) -> Plan:
    """What is to be done for one run at `now`, in seconds since 1970-01-01 UTC."""
    if observed.run["metadata"].get("deletionTimestamp") is not None:
        return deletion.plan_deletion(observed, now, images)
    was = run_status.read(observed.run)
    try:
        order = cluster_run.parse(observed.run, images)
    except BadInputError as error:
        return _refuse(observed, was, str(error), now)
    if was.spec_digest not in (None, order.digest):
        why = f"spec: is another experiment than the one begun; undo the edit, or create another {order.run.kind}"
        return _refuse(observed, was, why, now)
    held = deletion.correct_finalizer(order, observed.run)
    return Plan((held,)) if held else _advance_run(_build_context(order, observed, was, now))


def _build_context(order: ClusterRun, observed: ObservedRun, was: RunStatus, now: float) -> ReconcileContext:
    seen = child_parser.parse(observed.children, order.cluster.accelerator_resource)
    asking = accelerators.kinds_asking_servers(order.outline)
    account = accelerator_usage.count(was.gpu_seconds, seen, asking, now)
    return ReconcileContext(
        order, seen, was, run_status.load_engine_state(was), account, _build_outline(order, was, account, now), now
    )


def _build_outline(order: ClusterRun, was: RunStatus, account: AcceleratorUsage, now: float) -> Outline:
    """What the engine knows: the spec, and which of its limits are reached."""
    spec, begun = order.run.spec, timestamps.parse(was.started_at)
    outline = replace(order.outline, stop_after=spec.stop_after)
    hours, deadline = spec.budget.gpu_hours, spec.deadline_seconds
    if hours is not None and account.total >= hours * 3600:
        outline = replace(outline, spent=f"{account.hours:g} accelerator-hours of {hours:g} are used")
    if deadline is not None and begun is not None and now - begun >= deadline:
        outline = replace(outline, overdue=f"the run took longer than {deadline} s")
    return outline


def _advance_run(view: ReconcileContext) -> Plan:
    state = _current_state(view)
    world = observations.build_world(view.seen, view.now)
    refusal = server_lifecycle.model_refusal(view.seen)
    if refusal:
        world = observations.fail_items_using_servers(world, items.list_pending_items(view.outline, state), refusal)
    decision = decide.decide(view.outline, state, world, view.now)
    stand = _advance_servers(view, decision, world)
    trouble = diagnosis.most_urgent(view.seen, decision.state, view.now)
    scene = run_status.StatusInputs(
        was=view.was,
        account=_usage_to_report(view, decision, stand),
        servers=stand.status if stand else None,
        trouble=trouble,
        experiment=run_status.find_experiment_digest(world),
        now=view.now,
    )
    told = run_status.build(view.order, view.outline, decision.state, scene)
    steps = tuple(_list_steps(view, decision, world, stand))
    events = tuple(run_events.list_events(state, decision.state, scene))
    return Plan(steps, told, events, _wake_after(view, decision, stand))


def _current_state(view: ReconcileContext) -> EngineState:
    """What the engine remembers; a failed run whose `rerun` is another than before is opened again."""
    begun = view.was.spec_digest is not None
    again = begun and view.order.run.spec.rerun is not None and view.order.run.spec.rerun != view.was.rerun
    return states.reopen(view.saved) if again and view.saved.phase is Phase.FAILED else view.saved


def _advance_servers(view: ReconcileContext, decision: Decision, world: Observations) -> ServersOutcome | None:
    """Where the servers stand; None for a run without."""
    if not view.order.has_servers:
        return None
    wanted = items.list_pending_items(view.outline, decision.state)
    launched = {action.item.key for action in decision.actions if isinstance(action, Launch)}
    running = {key for key, one in world.items.items() if isinstance(one, Running)}
    asked = any(item.needs.servers and item.key in launched | running for item in wanted)
    held = any(item.needs.servers for item in wanted) and not view.outline.suspended
    return server_lifecycle.advance(
        view.order, view.was.servers, view.seen, server_lifecycle.ServerDemand(held, asked, view.now)
    )


def _usage_to_report(view: ReconcileContext, decision: Decision, stand: ServersOutcome | None) -> AcceleratorUsage:
    """The account now, or the one in the status while little has come to it: each write wakes everybody who watches."""
    told = timestamps.parse(view.was.gpu_seconds.counted_until) if view.was.gpu_seconds else None
    old = told is None or view.now - told >= accelerator_usage.COUNT_INTERVAL_SECONDS
    phase = (view.saved.phase, view.saved.iteration) != (decision.state.phase, decision.state.iteration)
    servers = stand is not None and stand.status != view.was.servers
    ended = not accelerator_usage.is_fully_counted(
        [pod for pod in view.seen.pods if pod.ended is not None], view.was.gpu_seconds
    )
    if old or phase or servers or ended or view.was.gpu_seconds is None:
        return view.account
    return replace(view.account, seconds=view.was.gpu_seconds)


def _list_steps(
    view: ReconcileContext, decision: Decision, world: Observations, stand: ServersOutcome | None
) -> Iterator[Step]:
    if (ended := _expiry_step(view, decision)) is not None:
        yield ended
        return
    turn = LaunchReadiness(served=stand is None or stand.ready, cleared=server_lifecycle.are_gone(view.seen, view.now))
    yield from job_steps.release_stuck_pods(view.seen, view.now)
    yield from stand.steps if stand else server_lifecycle.delete_all(view.seen)
    yield from job_steps.steps_for_actions(view.order, view.seen, world, decision.actions, turn)
    yield from _delete_finished_jobs(view)


def _expiry_step(view: ReconcileContext, decision: Decision) -> Step | None:
    """The end of a run whose time after its end is up."""
    left = _seconds_to_expiry(view, decision)
    if left is None or left > 0:
        return None
    return Delete(view.order.run.kind, view.order.name, view.order.uid)


def _seconds_to_expiry(view: ReconcileContext, decision: Decision) -> float | None:
    kept, finished = view.order.run.spec.ttl_seconds_after_finished, decision.state.finished
    if kept is None or finished is None or decision.state.phase not in phases.TERMINAL:
        return None
    return finished + kept - view.now


def _delete_finished_jobs(view: ReconcileContext) -> Iterator[Step]:
    """Jobs that have served: what they brought is in the status that was written, and what they cost is too."""
    saved = view.saved
    if saved.phase not in PHASE_ORDER:
        return
    place = PHASE_ORDER.index(saved.phase), saved.iteration if saved.phase is Phase.ITERATING else 0
    for job in job_steps.surplus_finished_jobs(view.seen, FINISHED_JOBS_KEPT):
        pods = [pod for pod in view.seen.pods if pod.job == job.name]
        over = not any(observations.is_living(pod, view.now) for pod in pods)
        if (
            _job_position(view.outline, job) < place
            and over
            and accelerator_usage.is_fully_counted(pods, view.was.gpu_seconds)
        ):
            yield Delete("Job", job.name, job.uid)


def _job_position(outline: Outline, job: Job) -> tuple[int, int]:
    """Where in a run a Job belongs."""
    iteration = items.find_iteration(outline, WorkItem.from_key(job.keys[0]))
    return (KIND_ORDER.index(Kind(job.work)), 0) if iteration is None else (KIND_ORDER.index(Kind.ITERATE), iteration)


def _wake_after(view: ReconcileContext, decision: Decision, stand: ServersOutcome | None) -> float | None:
    """When to look again though nothing happens; None once nothing will."""
    over = decision.state.phase in phases.TERMINAL
    deadline, begun = view.order.run.spec.deadline_seconds, decision.state.started
    ends = [
        decision.wake_after,
        stand.wake_after if stand else None,
        _seconds_to_expiry(view, decision),
        SETTLE_SECONDS if over and decision.actions else None,
        accelerator_usage.COUNT_INTERVAL_SECONDS if view.account.held else None,
        begun + deadline - view.now if deadline is not None and begun is not None and not over else None,
        *(
            pod.deleted + observations.STUCK_SECONDS - view.now
            for pod in view.seen.pods
            if pod.deleted and not pod.ended
        ),
    ]
    left = [max(end, SETTLE_SECONDS) if end <= 0 else end for end in ends if end is not None]
    return min(left) if left else None


def _refuse(observed: ObservedRun, was: RunStatus, why: str, now: float) -> Plan:
    """Nothing of a run that cannot be carried out as it is written stays alive."""
    seen = child_parser.parse(observed.children, "")
    ended = tuple(Delete("Job", job.name, job.uid) for job in seen.jobs if job.alive)
    told = run_status.build_refused(observed.run, was, why, now)
    new = not any(one.type == "Validated" and one.message == why[:MAX_MESSAGE_CHARACTERS] for one in was.conditions)
    events = (Event("Warning", "InvalidSpec", why[:MAX_MESSAGE_CHARACTERS]),) if new else ()
    return Plan((*ended, *server_lifecycle.delete_all(seen)), told, events, REFUSED_RECHECK_SECONDS)
