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

from swarm_core.api.status import MESSAGE_CHARACTERS, RunStatus
from swarm_core.engine import decide, phases, search
from swarm_core.engine import plan as items
from swarm_core.engine import state as states
from swarm_core.engine.decide import SETTLE_SECONDS, Decision
from swarm_core.engine.phases import Phase
from swarm_core.engine.plan import Outline
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Kind, Launch, Running, WorkItem, World
from swarm_core.errors import BadInputError
from swarm_operator import (
    launching,
    news,
    observe,
    orders,
    peak,
    purging,
    reading,
    serving,
    spending,
    status,
    times,
    troubles,
)
from swarm_operator.children import Children, Job
from swarm_operator.launching import Turn
from swarm_operator.orders import Images, Order
from swarm_operator.plan import Delete, Event, Observed, Plan, Step
from swarm_operator.serving import Serving
from swarm_operator.spending import Account

KEPT_JOBS = 3
"""Finished Jobs that stay, for their logs, until the run goes."""
PHASES = (Phase.PREPARING, Phase.SEEDING, Phase.ITERATING, Phase.CONCLUDING, Phase.SUCCEEDED)
WORK = tuple(Kind)
"""The kinds of work, in the order of the phases that want them."""
REFUSED_SECONDS = 300.0
"""Look again so often at a run that cannot be carried out."""


@dataclass(frozen=True, slots=True)
class View:
    """What one reconcile looks at."""

    order: Order
    seen: Children
    was: RunStatus
    saved: EngineState
    """What the engine had remembered, as the status says it."""
    account: Account
    outline: Outline
    now: float


def reconcile(observed: Observed, now: float, images: Images) -> Plan:
    """What is to be done for one run at `now`, in seconds since 1970-01-01 UTC."""
    if observed.run["metadata"].get("deletionTimestamp") is not None:
        return purging.leaving(observed, now, images)
    was = status.read(observed.run)
    try:
        order = orders.read(observed.run, images)
    except BadInputError as error:
        return _refused(observed, was, str(error), now)
    if was.spec_digest not in (None, order.digest):
        why = f"spec: is another experiment than the one begun; undo the edit, or create another {order.run.kind}"
        return _refused(observed, was, why, now)
    held = purging.hold(order, observed.run)
    return Plan((held,)) if held else _carried_on(_view(order, observed, was, now))


def _view(order: Order, observed: Observed, was: RunStatus, now: float) -> View:
    seen = reading.read(observed.children, order.cluster.accelerator_resource)
    account = spending.counted(was.gpu_seconds, seen, now)
    return View(order, seen, was, status.engine(was), account, _outline(order, was, account, now), now)


def _outline(order: Order, was: RunStatus, account: Account, now: float) -> Outline:
    """What the engine knows: the spec, and which of its limits are reached."""
    spec, begun = order.run.spec, times.seconds(was.started_at)
    outline = replace(search.outline(order.resolved), stop_after=spec.stop_after)
    hours, deadline = spec.budget.gpu_hours, spec.deadline_seconds
    if hours is not None and account.total >= hours * 3600:
        outline = replace(outline, spent=f"{account.hours:g} accelerator-hours of {hours:g} are used")
    if deadline is not None and begun is not None and now - begun >= deadline:
        outline = replace(outline, overdue=f"the run took longer than {deadline} s")
    return outline


def _carried_on(view: View) -> Plan:
    state = _state(view)
    world = observe.world(view.seen, view.now)
    refusal = serving.refusal(view.seen)
    if refusal:
        world = observe.refused(world, items.wanted(view.outline, state), refusal)
    decision = decide.decide(view.outline, state, world, view.now)
    stand = _served(view, decision, world)
    trouble = troubles.found(view.seen, decision.state, view.now)
    scene = status.Scene(
        was=view.was,
        account=_worth_telling(view, decision, stand),
        servers=stand.status if stand else None,
        trouble=trouble,
        experiment=status.experiment(world),
        now=view.now,
    )
    told = status.told(view.order, view.outline, decision.state, scene)
    steps = tuple(_steps(view, decision, world, stand))
    events = tuple(news.told(state, decision.state, scene))
    return Plan(steps, told, events, _wake(view, decision, stand))


def _state(view: View) -> EngineState:
    """What the engine remembers; a failed run whose `rerun` is another than before is opened again."""
    begun = view.was.spec_digest is not None
    again = begun and view.order.run.spec.rerun is not None and view.order.run.spec.rerun != view.was.rerun
    return states.reopen(view.saved) if again and view.saved.phase is Phase.FAILED else view.saved


def _served(view: View, decision: Decision, world: World) -> Serving | None:
    """Where the servers stand; None for a run without."""
    if not peak.served(view.order.cluster):
        return None
    wanted = items.wanted(view.outline, decision.state)
    launched = {action.item.key for action in decision.actions if isinstance(action, Launch)}
    running = {key for key, one in world.items.items() if isinstance(one, Running)}
    asked = any(observe.asks(item) and item.key in launched | running for item in wanted)
    held = any(observe.asks(item) for item in wanted) and not view.outline.suspended
    return serving.served(view.order, view.was.servers, view.seen, serving.Wish(held, asked, view.now))


def _worth_telling(view: View, decision: Decision, stand: Serving | None) -> Account:
    """The account now, or the one in the status while little has come to it: each write wakes everybody who watches."""
    told = times.seconds(view.was.gpu_seconds.counted_until) if view.was.gpu_seconds else None
    old = told is None or view.now - told >= spending.COUNT_SECONDS
    phase = (view.saved.phase, view.saved.iteration) != (decision.state.phase, decision.state.iteration)
    servers = stand is not None and stand.status != view.was.servers
    ended = not spending.settled([pod for pod in view.seen.pods if pod.ended is not None], view.was.gpu_seconds)
    if old or phase or servers or ended or view.was.gpu_seconds is None:
        return view.account
    return replace(view.account, seconds=view.was.gpu_seconds)


def _steps(view: View, decision: Decision, world: World, stand: Serving | None) -> Iterator[Step]:
    if (ended := _expired(view, decision)) is not None:
        yield ended
        return
    turn = Turn(served=stand is None or stand.ready, cleared=serving.gone(view.seen, view.now))
    yield from launching.unstuck(view.seen, view.now)
    yield from stand.steps if stand else serving.removed(view.seen)
    yield from launching.steps(view.order, view.seen, world, decision.actions, turn)
    yield from _cleaned(view)


def _expired(view: View, decision: Decision) -> Step | None:
    """The end of a run whose time after its end is up."""
    left = _time_left(view, decision)
    if left is None or left > 0:
        return None
    return Delete(view.order.run.kind, view.order.name, view.order.uid)


def _time_left(view: View, decision: Decision) -> float | None:
    kept, finished = view.order.run.spec.ttl_seconds_after_finished, decision.state.finished
    if kept is None or finished is None or decision.state.phase not in phases.TERMINAL:
        return None
    return finished + kept - view.now


def _cleaned(view: View) -> Iterator[Step]:
    """Jobs that have served: what they brought is in the status that was written, and what they cost is too."""
    saved = view.saved
    if saved.phase not in PHASES:
        return
    place = PHASES.index(saved.phase), saved.iteration if saved.phase is Phase.ITERATING else 0
    for job in launching.finished(view.seen, KEPT_JOBS):
        pods = [pod for pod in view.seen.pods if pod.job == job.name]
        over = not any(observe.living(pod, view.now) for pod in pods)
        if _place(view.outline, job) < place and over and spending.settled(pods, view.was.gpu_seconds):
            yield Delete("Job", job.name, job.uid)


def _place(outline: Outline, job: Job) -> tuple[int, int]:
    """Where in a run a Job belongs."""
    iteration = items.iteration(outline, WorkItem.of_key(job.keys[0]))
    return (WORK.index(Kind(job.work)), 0) if iteration is None else (WORK.index(Kind.ITERATE), iteration)


def _wake(view: View, decision: Decision, stand: Serving | None) -> float | None:
    """When to look again though nothing happens; None once nothing will."""
    over = decision.state.phase in phases.TERMINAL
    deadline, begun = view.order.run.spec.deadline_seconds, decision.state.started
    ends = [
        decision.wake_after,
        stand.wake_after if stand else None,
        _time_left(view, decision),
        SETTLE_SECONDS if over and decision.actions else None,
        spending.COUNT_SECONDS if view.account.held else None,
        begun + deadline - view.now if deadline is not None and begun is not None and not over else None,
        *(pod.deleted + observe.STUCK_SECONDS - view.now for pod in view.seen.pods if pod.deleted and not pod.ended),
    ]
    left = [max(end, SETTLE_SECONDS) if end <= 0 else end for end in ends if end is not None]
    return min(left) if left else None


def _refused(observed: Observed, was: RunStatus, why: str, now: float) -> Plan:
    """Nothing of a run that cannot be carried out as it is written stays alive."""
    seen = reading.read(observed.children, "")
    ended = tuple(Delete("Job", job.name, job.uid) for job in seen.jobs if job.alive)
    told = status.refused(observed.run, was, why, now)
    new = not any(one.type == "Validated" and one.message == why[:MESSAGE_CHARACTERS] for one in was.conditions)
    events = (Event("Warning", "InvalidSpec", why[:MESSAGE_CHARACTERS]),) if new else ()
    return Plan((*ended, *serving.removed(seen)), told, events, REFUSED_SECONDS)
