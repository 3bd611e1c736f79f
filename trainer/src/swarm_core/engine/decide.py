"""The engine: a pure function from what is wanted, remembered and seen to what is done next.

    while True:
        decision = decide(outline, state, host.observe(), host.now())
        state = decision.state
        host.save(state)
        host.apply(decision.actions)
        if decision.wake_after is None and not decision.actions: break
        host.sleep(decision.wake_after)          # or less, when something has happened

Promises, whatever is lost, late, doubled or out of order:
  - deciding again on the same world gives the same state and actions, and saving before or after acting is equally
    safe: actions are derived from what is seen, never remembered;
  - an item is launched only after what it follows is committed, and never beside an attempt of it seen running;
  - a suspended run launches nothing and ends what runs; results that still arrive are absorbed;
  - a limit (`limits`) ends a search or a run, never a result that exists;
  - every wait has an end: `wake_after` is None only when the run is over, and reaches no further than the nearest
    deadline. Over means nothing is launched, and what runs is ended.

The world shows this outline's items only: what runs there and is not wanted is ended. Attempts the host ended itself
(`Cancel`) are seen as LOST or not at all. Limits: an attempt that is seen running for ever although it was cancelled
holds up its successor; ending processes is the host's duty.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from swarm_core.engine import limits, phases, planning, state_update
from swarm_core.engine import state as states
from swarm_core.engine.phases import Fact, Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Action, Cancel, CancelReason, Launch, Observation, Observations, Running, WorkItem

RESYNC_SECONDS = 300.0
"""Look again at least so often: what a host's events did not tell is found out."""
SETTLE_SECONDS = 5.0
"""Look again so soon after a cancel: whether the process is gone decides what may start."""
FACT_WHEN_DONE = MappingProxyType(
    {
        Phase.PENDING: Fact.ACCEPTED,
        Phase.PREPARING: Fact.PREPARED,
        Phase.SEEDING: Fact.SEEDED,
        Phase.CONCLUDING: Fact.CONCLUDED,
    }
)
"""What is true when all items of a phase are done; an iteration that is done says itself whether it was the last."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows."""

    state: EngineState
    actions: tuple[Action, ...]
    wake_after: float | None
    """Decide again after so many seconds at the latest; None: the run is over."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What one item or stray process asks for: perhaps an action, and a look again in so many seconds."""

    action: Action | None
    wake_after: float


def decide(outline: Outline, state: EngineState, world: Observations, now: float) -> Decision:
    """The next state and actions. Raises ValueError for a receipt that cannot be the item's (see `state_update`)."""
    state = _advance(outline, state, world, now)
    items = planning.list_pending_items(outline, state)
    steps = [_decide_item(outline, state, item, world.items.get(item.key), now) for item in items]
    steps += _cancel_unwanted(world, {item.key for item in items})
    actions = tuple(step.action for step in steps if step.action is not None)
    if state.phase in phases.TERMINAL:
        return Decision(state, actions, None)
    return Decision(state, actions, max(0.0, min([step.wake_after for step in steps] + [RESYNC_SECONDS])))


def _advance(outline: Outline, state: EngineState, world: Observations, now: float) -> EngineState:
    """Absorb what is seen and change phase until no fact is left: receipts may already lead through the whole run."""
    while True:
        before = state
        for item in planning.list_pending_items(outline, state):
            seen = world.items.get(item.key)
            if seen is not None:
                state = state_update.apply_observation(outline, state, item, seen, now)
        state = limits.enforce(outline, state)
        fact = _find_fact(outline, state)
        if fact is not None:
            state = states.apply_fact(state, fact, now)
        elif state is before or state.done == before.done:  # what is done may have made way for the next turn
            return state


def _find_fact(outline: Outline, state: EngineState) -> Fact | None:
    """What has become true in this phase, if anything."""
    if state.phase in phases.TERMINAL:
        return None
    if state.failure is not None:
        return Fact.EXHAUSTED
    if planning.list_pending_items(outline, state):
        return None
    if state.phase is Phase.ITERATING:
        over = state.stop or state.iteration >= outline.iterations
        return Fact.SEARCHED if over else Fact.COMMITTED
    return FACT_WHEN_DONE[state.phase]


def _decide_item(outline: Outline, state: EngineState, item: WorkItem, seen: Observation | None, now: float) -> _Step:
    """What an unfinished item needs, given that `seen` is absorbed."""
    if isinstance(seen, Running):
        return _decide_running(outline, item, seen, now)
    if outline.suspended:
        return _Step(None, RESYNC_SECONDS)
    wait = state.attempt(item.key).not_before - now
    if 0 < wait <= state_update.MAX_BACKOFF_SECONDS:  # no pause is longer: beyond it, the host's clock was set back
        return _Step(None, wait)
    return _Step(Launch(item), item.deadline_seconds)


def _decide_running(outline: Outline, item: WorkItem, seen: Running, now: float) -> _Step:
    """Let the current attempt run until its deadline; end any other, and every one of a suspended run."""
    if outline.suspended:
        reason = CancelReason.SUSPENDED
    elif seen.attempt == item.attempt:
        left = seen.since + item.deadline_seconds - now
        return _Step(None, min(left, item.deadline_seconds))  # `since` ahead of `now`: a clock was set back
    elif state_update.is_overdue(item, seen, now):
        reason = CancelReason.DEADLINE
    else:
        reason = CancelReason.SUPERSEDED
    return _Step(Cancel(item.key, reason, seen.attempt), SETTLE_SECONDS)


def _cancel_unwanted(world: Observations, wanted: Iterable[str]) -> list[_Step]:
    """End what runs and nobody wants."""
    running = {key: seen.attempt for key, seen in sorted(world.items.items()) if isinstance(seen, Running)}
    strays = [Cancel(key, CancelReason.UNWANTED, attempt) for key, attempt in running.items() if key not in wanted]
    return [_Step(stray, SETTLE_SECONDS) for stray in strays]
