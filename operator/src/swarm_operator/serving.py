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

from swarm_core.api.status import ServersStatus
from swarm_core.engine.container import BAD_INPUT
from swarm_core.engine.work import Kind
from swarm_core.swarm import streams
from swarm_operator import names, observe, peak, times
from swarm_operator.children import Children, Deployment, Pod
from swarm_operator.manifests import servers
from swarm_operator.orders import Order
from swarm_operator.plan import Create, Delete, Object, Patch, Step
from swarm_operator.receipts import said, words

PLACING_SECONDS = 120.0
"""After so long, servers of which some have a node and some have none are not all going to have one soon."""
PAUSE_SECONDS, PAUSE_CAP_SECONDS = 30.0, 600.0
"""Before the second try, and at most: half to one and a half of it, doubled with every failure in a row."""


class Stand(StrEnum):
    """Where the servers of a run stand."""

    OFF = "Off"
    STARTING = "Starting"
    READY = "Ready"
    IDLE = "Idle"
    WAITING = "Waiting"


UP = (Stand.STARTING, Stand.READY, Stand.IDLE)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the run wants of its servers."""

    held: bool
    """Whether it may have any now."""
    asked: bool
    """Whether there is work that asks them."""
    now: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What the automaton goes by."""

    wish: Wish
    cleared: bool
    """Whether what trained is gone, and old servers are."""
    ready: bool
    """Whether all are ready."""
    placed: bool
    """Whether all have a node, or none has one."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the servers stand now, and what follows."""

    status: ServersStatus
    steps: tuple[Step, ...]
    ready: bool
    """Whether work may ask them."""
    wake_after: float | None


def served(order: Order, was: ServersStatus | None, seen: Children, wish: Wish) -> Serving:
    """Where the servers stand, and the steps towards what is wanted of them."""
    facts = Facts(wish, _cleared(seen, wish.now), _ready(order, seen), _placed(seen))
    after = _next(order, was or _found(seen, wish.now), facts)
    steps = tuple(_steps(order, seen, up=Stand(after.phase) in UP))
    return Serving(after, steps, Stand(after.phase) is Stand.READY and not steps, _wake(order, after, wish.now))


def removed(seen: Children) -> Iterator[Step]:
    """The end of servers that the run no longer has."""
    for there in seen.deployments:
        yield from _deleted(there)


def refusal(seen: Children) -> str:
    """What a server says that will never serve its model; empty if none does."""
    for pod in seen.serving():
        if pod.exit is not None and pod.exit.code == BAD_INPUT and pod.deleted is None:
            return f"ModelRefused: {words(said(pod.exit.message).message)}"
    return ""


def _found(seen: Children, now: float) -> ServersStatus:
    """Where servers are taken to stand of which nothing is remembered."""
    stand = Stand.STARTING if any(one.replicas for one in seen.deployments) else Stand.OFF
    return ServersStatus(phase=str(stand), since=times.written(now))


def _next(order: Order, was: ServersStatus, facts: Facts) -> ServersStatus:
    asked, stand, now = order.cluster.servers, Stand(was.phase), facts.wish.now
    passed = now - (times.seconds(was.since) or 0.0)
    late = passed >= asked.startup_seconds or (passed >= PLACING_SECONDS and not facts.placed)
    begin = facts.wish.asked and facts.cleared
    moves = {
        Stand.OFF: ((begin, Stand.STARTING),),
        Stand.WAITING: ((begin and now >= (times.seconds(was.not_before) or 0.0), Stand.STARTING),),
        Stand.STARTING: ((facts.ready, Stand.READY), (late, Stand.WAITING)),
        Stand.READY: ((not facts.ready, Stand.STARTING), (not facts.wish.asked, Stand.IDLE)),
        Stand.IDLE: (
            (not facts.ready, Stand.STARTING),
            (facts.wish.asked, Stand.READY),
            (passed >= asked.idle_seconds, Stand.OFF),
        ),
    }
    following = next((to for holds, to in moves[stand] if holds), stand) if facts.wish.held else Stand.OFF
    return (
        _released(order, was, now)
        if (stand, following) == (Stand.STARTING, Stand.WAITING)
        else (_moved(was, following, now))
    )


def _moved(was: ServersStatus, stand: Stand, now: float) -> ServersStatus:
    if was.phase == stand:
        return was
    failures = 0 if stand is Stand.READY else was.failures
    return ServersStatus(phase=str(stand), since=times.written(now), failures=failures)


def _released(order: Order, was: ServersStatus, now: float) -> ServersStatus:
    """Let all go, and try again later: in a while that no other run draws alike."""
    failures = was.failures + 1
    pause = min(PAUSE_SECONDS * 2.0 ** min(failures - 1, 16), PAUSE_CAP_SECONDS)
    pause *= 0.5 + streams.uniform(order.resolved.seed, order.uid, "servers", failures)
    return ServersStatus(
        phase=str(Stand.WAITING),
        since=times.written(now),
        failures=failures,
        not_before=times.written(now + pause),
    )


def _wake(order: Order, status: ServersStatus, now: float) -> float | None:
    since = times.seconds(status.since) or now
    match Stand(status.phase):
        case Stand.STARTING:
            ends = [since + order.cluster.servers.startup_seconds, since + PLACING_SECONDS]
        case Stand.IDLE:
            ends = [since + order.cluster.servers.idle_seconds]
        case Stand.WAITING:
            ends = [times.seconds(status.not_before) or now]
        case _:
            return None
    return min((end - now + 1.0 for end in ends if end > now), default=1.0)  # times in the status are cut to seconds


def _cleared(seen: Children, now: float) -> bool:
    """Nothing trains and no server lives: their accelerators are free."""
    training = any(pod.work == Kind.SEED and observe.living(pod, now) for pod in seen.pods)
    return not training and gone(seen, now)


def gone(seen: Children, now: float) -> bool:
    """Whether no server lives, so that its accelerators are free."""
    return not any(observe.living(pod, now) for pod in seen.serving())


def _ready(order: Order, seen: Children) -> bool:
    wanted = order.cluster.servers.replicas
    up = [pod.key for pod in seen.serving() if pod.ready is not None and pod.ended is None and pod.deleted is None]
    return all(up.count(str(index)) >= wanted for index in range(len(peak.bases(order.resolved))))


def _placed(seen: Children) -> bool:
    living: list[Pod] = [pod for pod in seen.serving() if pod.ended is None and pod.deleted is None]
    return len({pod.bound is not None for pod in living}) < 2


def _steps(order: Order, seen: Children, up: bool) -> Iterator[Step]:
    there = {one.name: one for one in seen.deployments}
    wanted = servers.deployments(order)
    missing = [one for one in wanted if up and _lacks(there.get(one["metadata"]["name"]), one)]
    if missing:
        yield from servers.supports(order)
    for one in wanted:
        yield from _step(there.pop(one["metadata"]["name"], None), one, up)
    for stray in there.values():
        yield from _deleted(stray)


def _lacks(there: Deployment | None, wanted: Object) -> bool:
    return there is None or there.replicas != wanted["spec"]["replicas"]


def _step(there: Deployment | None, wanted: Object, up: bool) -> Iterator[Step]:
    """What one Deployment needs. One that was made from another order goes; its successor comes when it is gone."""
    replicas = wanted["spec"]["replicas"] if up else 0
    if there is None:
        if up:
            yield Create(wanted)
    elif there.digest != wanted["metadata"]["annotations"][names.SERVERS_DIGEST]:
        yield from _deleted(there)
    elif there.replicas != replicas and not there.deleting:
        yield Patch("Deployment", there.name, there.uid, {"spec": {"replicas": replicas}})


def _deleted(there: Deployment) -> Iterator[Step]:
    if not there.deleting:
        yield Delete("Deployment", there.name, there.uid)
