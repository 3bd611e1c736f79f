"""The engine: a pure function from outline, saved state and observations to the next state and actions.

    while True:
        decision = decide(outline, state, host.observe(), host.now())
        state = decision.state
        host.save(state)
        host.apply(decision.actions)
        if decision.wake_after is None and not decision.actions: break
        host.sleep(decision.wake_after)          # or until an event arrives

Guarantees, even if observations are lost, late, duplicated or out of order:
  - The same observations give the same state and actions. The host may save the state before or after it acts, because
    actions are derived from observations and never from saved actions.
  - An item is launched only after its parent is committed, and never while an attempt of it is observed running.
  - A suspended run launches nothing and cancels running attempts. Results that still arrive are used.
  - A limit (`limits`) ends a search or a run, and never discards an existing result.
  - Every wait ends: `wake_after` is at most the time to the nearest deadline, and None only when the run has ended. A
    run that has ended launches nothing, and its running attempts are canceled.

The observations contain only items of this outline. A running item that is not pending is canceled. An attempt that the
host canceled (`Cancel`) is observed as LOST or not at all.

Limits: an attempt that keeps running although it was canceled delays its successor. Stopping processes is the host's
task.
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
"""Maximum time between two decisions, in seconds. It covers events that the host missed."""
SETTLE_SECONDS = 5.0
"""Time from a cancel to the next decision, in seconds. A successor may start only after the process has stopped."""
FACT_WHEN_DONE = MappingProxyType(
    {
        Phase.PENDING: Fact.ACCEPTED,
        Phase.PREPARING: Fact.PREPARED,
        Phase.SEEDING: Fact.SEEDED,
        Phase.CONCLUDING: Fact.CONCLUDED,
    }
)
"""The fact that becomes true when all items of a phase are done. For Iterating, it depends on the last iteration."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The result of one decision."""

    state: EngineState
    actions: tuple[Action, ...]
    wake_after: float | None
    """Maximum number of seconds until the next decision; None if the run has ended."""


@dataclass(frozen=True, slots=True)
class _Step:
    """The decision for one item or unwanted process: an action, if any, and the time until the next decision."""

    action: Action | None
    wake_after: float


def decide(outline: Outline, state: EngineState, observations: Observations, now: float) -> Decision:
    """Return the next state and actions. `now`: the host's clock in seconds.

    Raises ValueError for a receipt that does not belong to its item or is incomplete (see `state_update`).
    """
    state = _advance(outline, state, observations, now)
    items = planning.list_pending_items(outline, state)
    steps = [_decide_item(outline, state, item, observations.items.get(item.key), now) for item in items]
    steps += _cancel_unwanted(observations, {item.key for item in items})
    actions = tuple(step.action for step in steps if step.action is not None)
    if state.phase in phases.TERMINAL:
        return Decision(state, actions, None)
    return Decision(state, actions, max(0.0, min([step.wake_after for step in steps] + [RESYNC_SECONDS])))


def _advance(outline: Outline, state: EngineState, observations: Observations, now: float) -> EngineState:
    """Apply the observations and change phase until no fact is left. Existing receipts may lead through the whole
    run."""
    while True:
        before = state
        for item in planning.list_pending_items(outline, state):
            observation = observations.items.get(item.key)
            if observation is not None:
                state = state_update.apply_observation(outline, state, item, observation, now)
        state = limits.enforce(outline, state)
        fact = _find_fact(outline, state)
        if fact is not None:
            state = states.apply_fact(state, fact, now)
        elif state is before or state.done == before.done:  # an item that is done may unlock the next turn
            return state


def _find_fact(outline: Outline, state: EngineState) -> Fact | None:
    """Return the fact that has become true in this phase; None if there is none."""
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


def _decide_item(
    outline: Outline, state: EngineState, item: WorkItem, observation: Observation | None, now: float
) -> _Step:
    """Return the decision for a pending item, after its observation was applied."""
    if isinstance(observation, Running):
        return _decide_running(outline, item, observation, now)
    if outline.suspended:
        return _Step(None, RESYNC_SECONDS)
    wait = state.attempt(item.key).not_before - now
    if (
        0 < wait <= state_update.MAX_BACKOFF_SECONDS
    ):  # no backoff is longer, so a longer wait means that the host's clock was set back
        return _Step(None, wait)
    return _Step(Launch(item), item.deadline_seconds)


def _decide_running(outline: Outline, item: WorkItem, observation: Running, now: float) -> _Step:
    """Let the current attempt run until its deadline. Cancel any other attempt, and every attempt of a suspended
    run."""
    if outline.suspended:
        reason = CancelReason.SUSPENDED
    elif observation.attempt == item.attempt:
        left = observation.since + item.deadline_seconds - now
        return _Step(None, min(left, item.deadline_seconds))  # `since` is after `now` if a clock was set back
    elif state_update.is_overdue(item, observation, now):
        reason = CancelReason.DEADLINE
    else:
        reason = CancelReason.SUPERSEDED
    return _Step(Cancel(item.key, reason, observation.attempt), SETTLE_SECONDS)


def _cancel_unwanted(observations: Observations, wanted: Iterable[str]) -> list[_Step]:
    """Cancel running attempts of items that are not pending."""
    running = {
        key: observation.attempt
        for key, observation in sorted(observations.items.items())
        if isinstance(observation, Running)
    }
    strays = [Cancel(key, CancelReason.UNWANTED, attempt) for key, attempt in running.items() if key not in wanted]
    return [_Step(stray, SETTLE_SECONDS) for stray in strays]
