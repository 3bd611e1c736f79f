"""Starts and stops the servers of a run: a small state machine, whose phase is in the status.

    Off       no server runs. If they are needed, and pods that trained are gone: Starting
    Starting  all servers get their replicas. All ready: Ready. Not all ready by the deadline: Waiting
    Ready     work may send requests. A server is no longer ready: Starting again. No work needs them: Idle
    Idle      work needs them again: Ready. No work needs them for `idleSeconds`: Off
    Waiting   all servers are scaled to 0 together, and start again after a random delay that grows with each failure

All servers start or none, because two runs that each hold half of the accelerators that both need would wait forever.
The random delay differs between runs, so they do not collide again. If the run is suspended, ends or trains, the
servers go to Off at once. Their accelerators count as free when their pods are gone, and training waits for that.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from swarm_core import streams
from swarm_core.api.run_status import ServersStatus
from swarm_core.engine.container_contract import EXIT_BAD_INPUT
from swarm_operator.common import accelerators, names, timestamps
from swarm_operator.common.children import Children, Deployment, Pod
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Create, Delete, Object, Patch, Step
from swarm_operator.manifests import servers
from swarm_operator.reconciler import observations
from swarm_operator.reconciler.termination_message import fit_into_status, parse_failure

SCHEDULING_SECONDS = 120.0
"""Seconds in Starting after which servers of which only some have a node are given up."""
POD_CHECK_SECONDS = 30.0
"""Seconds between looks at pods that outlive their Deployment. A pod of a lost node ends by the clock alone."""
BACKOFF_SECONDS, BACKOFF_CAP_SECONDS = 30.0, 600.0
"""Delay before the second try, and the longest delay, in seconds.

The delay doubles with each failure in a row. A random factor between 0.5 and 1.5 is applied to it.
"""


class ServersPhase(StrEnum):
    """The phase of a run's servers."""

    OFF = "Off"
    STARTING = "Starting"
    READY = "Ready"
    IDLE = "Idle"
    WAITING = "Waiting"


ACTIVE_PHASES = (ServersPhase.STARTING, ServersPhase.READY, ServersPhase.IDLE)


@dataclass(frozen=True, slots=True)
class ServerDemand:
    """Whether the run needs its servers."""

    allowed: bool
    """Whether the run may have servers now."""
    needed: bool
    """Whether work that sends requests to servers is running or starting."""
    now: float


@dataclass(frozen=True, slots=True)
class ServerObservation:
    """The inputs of the state machine."""

    demand: ServerDemand
    accelerators_free: bool
    """Whether training pods and earlier servers are gone."""
    ready: bool
    """Whether all servers are ready."""
    all_or_none_scheduled: bool
    """Whether all servers have a node, or none has one."""
    problem: str = ""
    """The reason why a server is not ready. Empty if there is none to see."""


@dataclass(frozen=True, slots=True)
class ServersOutcome:
    """The new state of the servers, and the steps towards it."""

    status: ServersStatus
    steps: tuple[Step, ...]
    ready: bool
    """Whether work may send requests."""
    wake_after: float | None


def advance(
    run: ClusterRun, previous: ServersStatus | None, children: Children, demand: ServerDemand
) -> ServersOutcome:
    """The new state of the servers, and the steps towards it."""
    observation = ServerObservation(
        demand=demand,
        accelerators_free=_accelerators_are_free(run, children, demand.now),
        ready=_all_are_ready(run, children),
        all_or_none_scheduled=_all_or_none_scheduled(children),
        problem=_find_problem(children),
    )
    after = _next_status(run, previous or _infer_status(children, demand.now), observation)
    holding = frozenset(pod.key for pod in children.server_pods() if observations.is_living(pod, demand.now))
    steps = tuple(_list_steps(run, children, holding, up=ServersPhase(after.phase) in ACTIVE_PHASES))
    wake_after = _wake_after(run, after, demand.now)
    if holding and len(children.deployments) < len(run.outline.servers):
        wake_after = min(wake_after or POD_CHECK_SECONDS, POD_CHECK_SECONDS)
    return ServersOutcome(after, steps, ServersPhase(after.phase) is ServersPhase.READY and not steps, wake_after)


def delete_all(children: Children) -> Iterator[Step]:
    """Delete the servers of a run that needs none."""
    for deployment in children.deployments:
        yield from _delete_steps(deployment)


def find_model_refusal(children: Children) -> str:
    """The message of a server that refused its model for good. Empty if there is none."""
    for pod in children.server_pods():
        if pod.exit is not None and pod.exit.code == EXIT_BAD_INPUT and pod.deleted is None:
            return f"ModelRefused: {fit_into_status(parse_failure(pod.exit.message).message)}"
    return ""


def _infer_status(children: Children, now: float) -> ServersStatus:
    """The state of servers for which the status has none."""
    phase = ServersPhase.STARTING if any(one.replicas for one in children.deployments) else ServersPhase.OFF
    return ServersStatus(phase=str(phase), since=timestamps.format_time(now))


def _next_status(run: ClusterRun, previous: ServersStatus, observation: ServerObservation) -> ServersStatus:
    settings, phase, now = run.cluster.servers, ServersPhase(previous.phase), observation.demand.now
    needed, ready = observation.demand.needed, observation.ready
    elapsed = now - (timestamps.parse(previous.since) or 0.0)
    partly_scheduled = elapsed >= SCHEDULING_SECONDS and not observation.all_or_none_scheduled
    timed_out = elapsed >= settings.startup_seconds or partly_scheduled
    may_start = needed and observation.accelerators_free
    may_retry = may_start and now >= (timestamps.parse(previous.not_before) or 0.0)
    moves = {
        ServersPhase.OFF: ((may_start, ServersPhase.STARTING),),
        ServersPhase.WAITING: ((may_retry, ServersPhase.STARTING),),
        ServersPhase.STARTING: ((ready, ServersPhase.READY), (timed_out, ServersPhase.WAITING)),
        ServersPhase.READY: ((not ready, ServersPhase.STARTING), (not needed, ServersPhase.IDLE)),
        ServersPhase.IDLE: (
            (not ready, ServersPhase.STARTING),
            (needed, ServersPhase.READY),
            (elapsed >= settings.idle_seconds, ServersPhase.OFF),
        ),
    }
    following = (
        next((to for holds, to in moves[phase] if holds), phase) if observation.demand.allowed else ServersPhase.OFF
    )
    if (phase, following) == (ServersPhase.STARTING, ServersPhase.WAITING):
        return _back_off(run, previous, now, observation.problem)
    return _enter_phase(previous, following, now)


def _enter_phase(previous: ServersStatus, phase: ServersPhase, now: float) -> ServersStatus:
    if previous.phase == phase:
        return previous
    over = phase in (ServersPhase.READY, ServersPhase.OFF)
    return ServersStatus(
        phase=str(phase),
        since=timestamps.format_time(now),
        failures=0 if phase is ServersPhase.READY else previous.failures,
        message=None if over else previous.message,
    )


def _back_off(run: ClusterRun, previous: ServersStatus, now: float, problem: str) -> ServersStatus:
    """Stop all servers and try again after a random delay, which differs between runs."""
    failures = previous.failures + 1
    pause = min(
        BACKOFF_SECONDS * 2.0 ** min(failures - 1, 16), BACKOFF_CAP_SECONDS
    )  # a bounded exponent cannot overflow
    pause *= 0.5 + streams.uniform(run.resolved.seed, run.uid, "servers", failures)
    not_before = timestamps.format_time(now + pause)
    reason = problem or f"not all were ready within {run.cluster.servers.startup_seconds} s (servers.startupSeconds)"
    return ServersStatus(
        phase=str(ServersPhase.WAITING),
        since=timestamps.format_time(now),
        failures=failures,
        not_before=not_before,
        message=fit_into_status(reason),
    )


def _find_problem(children: Children) -> str:
    """The reason why a server is not ready: what the API server, the scheduler or the kubelet says about its pods."""
    refusals = [f"Deployment {one.name}: {one.refusal}" for one in children.deployments if one.refusal]
    starts = [(pod, *pod.start_problem) for pod in children.server_pods() if pod.deleted is None]
    return next(iter([*refusals, *(f"pod {pod.name}: {reason}: {text}" for pod, reason, text in starts if reason)]), "")


def _wake_after(run: ClusterRun, status: ServersStatus, now: float) -> float | None:
    since = timestamps.parse(status.since) or now
    match ServersPhase(status.phase):
        case ServersPhase.STARTING:
            ends = [since + run.cluster.servers.startup_seconds, since + SCHEDULING_SECONDS]
        case ServersPhase.IDLE:
            ends = [since + run.cluster.servers.idle_seconds]
        case ServersPhase.WAITING:
            ends = [timestamps.parse(status.not_before) or now]
        case _:
            return None
    return min((end - now + 1.0 for end in ends if end > now), default=1.0)  # the status rounds times down to seconds


def _accelerators_are_free(run: ClusterRun, children: Children, now: float) -> bool:
    """Whether no pod trains and no server is alive."""
    holding = accelerators.kinds_holding_accelerators(run.outline)
    training = any(pod.work in holding and observations.is_living(pod, now) for pod in children.pods)
    return not training and servers_are_gone(children, now)


def servers_are_gone(children: Children, now: float) -> bool:
    """Whether no server is alive, so that the accelerators of the servers are free."""
    return not any(observations.is_living(pod, now) for pod in children.server_pods())


def _all_are_ready(run: ClusterRun, children: Children) -> bool:
    wanted = run.cluster.servers.replicas
    live = [pod for pod in children.server_pods() if pod.ended is None and pod.deleted is None]
    ready = [pod.key for pod in live if pod.ready is not None]
    return all(ready.count(str(index)) >= wanted for index in range(len(run.outline.servers)))


def _all_or_none_scheduled(children: Children) -> bool:
    living: list[Pod] = [pod for pod in children.server_pods() if pod.ended is None and pod.deleted is None]
    return len({pod.scheduled is not None for pod in living}) < 2


def _list_steps(run: ClusterRun, children: Children, holding: Collection[str], *, up: bool) -> Iterator[Step]:
    """`holding`: the keys of the servers that have living pods."""
    existing = {one.name: one for one in children.deployments}
    wanted = servers.deployments(run)
    missing = [one for one in wanted if up and _lacks_replicas(existing.get(one["metadata"]["name"]), one)]
    if missing:
        yield from servers.dependency_steps(run)
    for index, one in enumerate(wanted):
        yield from _deployment_steps(
            existing.pop(one["metadata"]["name"], None), one, up=up, held=str(index) in holding
        )
    for stray in existing.values():
        yield from _delete_steps(stray)


def _lacks_replicas(deployment: Deployment | None, wanted: Object) -> bool:
    return deployment is None or deployment.replicas != wanted["spec"]["replicas"]


def _deployment_steps(deployment: Deployment | None, wanted: Object, *, up: bool, held: bool) -> Iterator[Step]:
    """The steps for one Deployment. `held`: whether pods of this server are alive.

    A Deployment from another manifest is deleted. The new one is created when the old one and its pods are gone,
    because they hold accelerators for as long as they live.
    """
    replicas = wanted["spec"]["replicas"] if up else 0
    if deployment is None:
        if up and not held:
            yield Create(wanted)
    elif deployment.digest != wanted["metadata"]["annotations"][names.SERVERS_ANNOTATION]:
        yield from _delete_steps(deployment)
    elif deployment.replicas != replicas and not deployment.deleting:
        yield Patch("Deployment", deployment.name, deployment.uid, {"spec": {"replicas": replicas}})


def _delete_steps(deployment: Deployment) -> Iterator[Step]:
    if not deployment.deleting:
        yield Delete("Deployment", deployment.name, deployment.uid)
