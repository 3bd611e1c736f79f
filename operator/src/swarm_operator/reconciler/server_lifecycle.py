"""When the servers of a run are up: a small automaton over what is seen, kept in the status.

    Off       nothing is up. Asked for, and what trained is seen gone: Starting
    Starting  all are wanted. All ready: Ready. Not all by the deadline: Waiting
    Ready     work may ask them. One no longer ready: Starting again. Nobody asks: Idle
    Idle      asked for: Ready. Nobody asks for `idleSeconds`: Off
    Waiting   all are released, together, and tried again after a pause that grows and is drawn by chance

All or nothing, because two runs that each hold half of what both need would wait for ever. The pause differs from run
to run, so that they do not meet again. Whoever suspends or ends the run, or has it train, sends the servers to Off at
once; accelerators are free when the pods are seen gone, which whoever wants to train waits for.
"""

from collections.abc import Iterator
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
from swarm_operator.reconciler.termination_message import parse_failure, shorten

SCHEDULING_SECONDS = 120.0
"""After so long, servers of which some have a node and some have none are not all going to have one soon."""
BACKOFF_SECONDS, BACKOFF_CAP_SECONDS = 30.0, 600.0
"""Before the second try, and at most: half to one and a half of it, doubled with every failure in a row."""


class ServersPhase(StrEnum):
    """Where the servers of a run stand."""

    OFF = "Off"
    STARTING = "Starting"
    READY = "Ready"
    IDLE = "Idle"
    WAITING = "Waiting"


ACTIVE_PHASES = (ServersPhase.STARTING, ServersPhase.READY, ServersPhase.IDLE)


@dataclass(frozen=True, slots=True)
class ServerDemand:
    """What the run wants of its servers."""

    held: bool
    """Whether it may have any now."""
    asked: bool
    """Whether there is work that asks them."""
    now: float


@dataclass(frozen=True, slots=True)
class ServerObservation:
    """What the automaton goes by."""

    demand: ServerDemand
    cleared: bool
    """Whether what trained is gone, and old servers are."""
    ready: bool
    """Whether all are ready."""
    all_or_none_scheduled: bool
    """Whether all have a node, or none has one."""


@dataclass(frozen=True, slots=True)
class ServersOutcome:
    """Where the servers stand now, and what follows."""

    status: ServersStatus
    steps: tuple[Step, ...]
    ready: bool
    """Whether work may ask them."""
    wake_after: float | None


def advance(order: ClusterRun, was: ServersStatus | None, seen: Children, wish: ServerDemand) -> ServersOutcome:
    """Where the servers stand, and the steps towards what is wanted of them."""
    facts = ServerObservation(
        wish, _accelerators_are_free(order, seen, wish.now), _all_are_ready(order, seen), _all_or_none_scheduled(seen)
    )
    after = _next_status(order, was or _infer_status(seen, wish.now), facts)
    steps = tuple(_list_steps(order, seen, up=ServersPhase(after.phase) in ACTIVE_PHASES))
    return ServersOutcome(
        after, steps, ServersPhase(after.phase) is ServersPhase.READY and not steps, _wake_after(order, after, wish.now)
    )


def delete_all(seen: Children) -> Iterator[Step]:
    """The end of servers that the run no longer has."""
    for there in seen.deployments:
        yield from _delete_steps(there)


def model_refusal(seen: Children) -> str:
    """What a server says that will never serve its model; empty if none does."""
    for pod in seen.serving():
        if pod.exit is not None and pod.exit.code == EXIT_BAD_INPUT and pod.deleted is None:
            return f"ModelRefused: {shorten(parse_failure(pod.exit.message).message)}"
    return ""


def _infer_status(seen: Children, now: float) -> ServersStatus:
    """Where servers are taken to stand of which nothing is remembered."""
    stand = ServersPhase.STARTING if any(one.replicas for one in seen.deployments) else ServersPhase.OFF
    return ServersStatus(phase=str(stand), since=timestamps.format_time(now))


def _next_status(order: ClusterRun, was: ServersStatus, facts: ServerObservation) -> ServersStatus:
    asked, stand, now = order.cluster.servers, ServersPhase(was.phase), facts.demand.now
    passed = now - (timestamps.parse(was.since) or 0.0)
    late = passed >= asked.startup_seconds or (passed >= SCHEDULING_SECONDS and not facts.all_or_none_scheduled)
    begin = facts.demand.asked and facts.cleared
    moves = {
        ServersPhase.OFF: ((begin, ServersPhase.STARTING),),
        ServersPhase.WAITING: ((begin and now >= (timestamps.parse(was.not_before) or 0.0), ServersPhase.STARTING),),
        ServersPhase.STARTING: ((facts.ready, ServersPhase.READY), (late, ServersPhase.WAITING)),
        ServersPhase.READY: ((not facts.ready, ServersPhase.STARTING), (not facts.demand.asked, ServersPhase.IDLE)),
        ServersPhase.IDLE: (
            (not facts.ready, ServersPhase.STARTING),
            (facts.demand.asked, ServersPhase.READY),
            (passed >= asked.idle_seconds, ServersPhase.OFF),
        ),
    }
    following = next((to for holds, to in moves[stand] if holds), stand) if facts.demand.held else ServersPhase.OFF
    return (
        _back_off(order, was, now)
        if (stand, following) == (ServersPhase.STARTING, ServersPhase.WAITING)
        else (_enter_phase(was, following, now))
    )


def _enter_phase(was: ServersStatus, stand: ServersPhase, now: float) -> ServersStatus:
    if was.phase == stand:
        return was
    failures = 0 if stand is ServersPhase.READY else was.failures
    return ServersStatus(phase=str(stand), since=timestamps.format_time(now), failures=failures)


def _back_off(order: ClusterRun, was: ServersStatus, now: float) -> ServersStatus:
    """Let all go, and try again later: in a while that no other run draws alike."""
    failures = was.failures + 1
    pause = min(BACKOFF_SECONDS * 2.0 ** min(failures - 1, 16), BACKOFF_CAP_SECONDS)
    pause *= 0.5 + streams.uniform(order.resolved.seed, order.uid, "servers", failures)
    return ServersStatus(
        phase=str(ServersPhase.WAITING),
        since=timestamps.format_time(now),
        failures=failures,
        not_before=timestamps.format_time(now + pause),
    )


def _wake_after(order: ClusterRun, status: ServersStatus, now: float) -> float | None:
    since = timestamps.parse(status.since) or now
    match ServersPhase(status.phase):
        case ServersPhase.STARTING:
            ends = [since + order.cluster.servers.startup_seconds, since + SCHEDULING_SECONDS]
        case ServersPhase.IDLE:
            ends = [since + order.cluster.servers.idle_seconds]
        case ServersPhase.WAITING:
            ends = [timestamps.parse(status.not_before) or now]
        case _:
            return None
    return min((end - now + 1.0 for end in ends if end > now), default=1.0)  # times in the status are cut to seconds


def _accelerators_are_free(order: ClusterRun, seen: Children, now: float) -> bool:
    """Nothing trains and no server lives: their accelerators are free."""
    holding = accelerators.kinds_holding_accelerators(order.outline)
    training = any(pod.work in holding and observations.is_living(pod, now) for pod in seen.pods)
    return not training and are_gone(seen, now)


def are_gone(seen: Children, now: float) -> bool:
    """Whether no server lives, so that its accelerators are free."""
    return not any(observations.is_living(pod, now) for pod in seen.serving())


def _all_are_ready(order: ClusterRun, seen: Children) -> bool:
    wanted = order.cluster.servers.replicas
    up = [pod.key for pod in seen.serving() if pod.ready is not None and pod.ended is None and pod.deleted is None]
    return all(up.count(str(index)) >= wanted for index in range(len(order.outline.servers)))


def _all_or_none_scheduled(seen: Children) -> bool:
    living: list[Pod] = [pod for pod in seen.serving() if pod.ended is None and pod.deleted is None]
    return len({pod.bound is not None for pod in living}) < 2


def _list_steps(order: ClusterRun, seen: Children, up: bool) -> Iterator[Step]:
    there = {one.name: one for one in seen.deployments}
    wanted = servers.deployments(order)
    missing = [one for one in wanted if up and _lacks_replicas(there.get(one["metadata"]["name"]), one)]
    if missing:
        yield from servers.dependency_steps(order)
    for one in wanted:
        yield from _deployment_steps(there.pop(one["metadata"]["name"], None), one, up)
    for stray in there.values():
        yield from _delete_steps(stray)


def _lacks_replicas(there: Deployment | None, wanted: Object) -> bool:
    return there is None or there.replicas != wanted["spec"]["replicas"]


def _deployment_steps(there: Deployment | None, wanted: Object, up: bool) -> Iterator[Step]:
    """What one Deployment needs. One that was made from another order goes; its successor comes when it is gone."""
    replicas = wanted["spec"]["replicas"] if up else 0
    if there is None:
        if up:
            yield Create(wanted)
    elif there.digest != wanted["metadata"]["annotations"][names.SERVERS_ANNOTATION]:
        yield from _delete_steps(there)
    elif there.replicas != replicas and not there.deleting:
        yield Patch("Deployment", there.name, there.uid, {"spec": {"replicas": replicas}})


def _delete_steps(there: Deployment) -> Iterator[Step]:
    if not there.deleting:
        yield Delete("Deployment", there.name, there.uid)
