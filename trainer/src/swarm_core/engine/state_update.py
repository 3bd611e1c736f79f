"""The update of the engine's state by observations: receipts, failures and running attempts.

    observation of an item with current attempt n    effect
    a receipt of any attempt                         the item is done
    an attempt below n                               none, it is out of date
    an attempt above n                               it becomes the current one: the state that recorded it was lost
    running past its deadline                        a failed attempt
    failed: Lost                                     the same attempt again, with backoff after consecutive losses;
                                                     after MAX_LOSSES of them, a failed attempt
    failed: Error, DeadlineExceeded                  attempt n + 1 with backoff; after the last one, the run fails
    failed: BadInput                                 the run fails: another attempt cannot succeed

A receipt always counts: while the run is suspended, and for an item whose attempts are used up if that was not observed
before. If one observation shows one item done and another exhausted, the run fails, and the finished item is found done
when the run is reopened. Applying the same observation again changes nothing.

Raises ValueError for a receipt that belongs to another item or lacks an output, so that no state is based on it.
"""

from collections import Counter
from dataclasses import replace
from typing import assert_never

from swarm_core.engine import receipt_fields
from swarm_core.engine import state as states
from swarm_core.engine.planning import Outline
from swarm_core.engine.receipt_fields import Output, Scalar
from swarm_core.engine.state import Attempt, EngineState, HistoryPoint, Outcome, RunFailure, SearchProgress
from swarm_core.engine.work import Done, Failed, FailureReason, Kind, Observation, Receipt, Running, WorkItem

BACKOFF_SECONDS = 5.0
"""Pause before the second attempt in seconds. It doubles for each further attempt."""
MAX_BACKOFF_SECONDS = 300.0
"""Maximum pause between attempts in seconds. Kubernetes uses the same maximum for a container that crashes."""

MAX_LOSSES = 20
"""Consecutive losses that an attempt survives, some 75 minutes of pauses. The item itself probably causes the next."""


def apply_observation(
    outline: Outline, state: EngineState, item: WorkItem, observation: Observation, now: float
) -> EngineState:
    """`state` after `observation` of the pending `item`. `now`: the host's clock in seconds.

    Raises ValueError for a receipt that belongs to another item or lacks an output.
    """
    match observation:
        case Done():
            return apply_receipt(state, item, observation.receipt)
        case Running():
            return _apply_running(outline, state, item, observation, now)
        case Failed():
            return (
                state if observation.attempt < item.attempt else _apply_failed(outline, state, item, observation, now)
            )
        case _:
            assert_never(observation)


def is_overdue(item: WorkItem, observation: Running, now: float) -> bool:
    """Return whether this attempt has exceeded the deadline of its item."""
    return now - observation.since >= item.deadline_seconds


def backoff_seconds(failures: int) -> float:
    """Return the pause after `failures` consecutive failures, in seconds: 5, 10, 20, ..., 300."""
    doublings = min(failures - 1, 16)  # far above the maximum, and below the overflow of a float
    return min(BACKOFF_SECONDS * 2.0**doublings, MAX_BACKOFF_SECONDS)


def _apply_running(
    outline: Outline, state: EngineState, item: WorkItem, observation: Running, now: float
) -> EngineState:
    if observation.attempt < item.attempt:
        return state
    if is_overdue(item, observation, now) and not outline.suspended:
        message = f"ran for longer than {item.deadline_seconds:g} s"
        return _apply_failed(outline, state, item, Failed(observation.attempt, FailureReason.DEADLINE, message), now)
    if observation.attempt == item.attempt:
        return state
    return states.record_attempt(state, item.key, Attempt(observation.attempt))


def _apply_failed(outline: Outline, state: EngineState, item: WorkItem, observation: Failed, now: float) -> EngineState:
    match observation.reason:
        case FailureReason.LOST:
            return _apply_lost(outline, state, item, observation, now)
        case FailureReason.BAD_INPUT:
            current = states.record_attempt(state, item.key, Attempt(observation.attempt))
            return states.record_failure(
                current, RunFailure(state.phase, item.key, observation.reason, observation.message, observation.code)
            )
        case FailureReason.ERROR | FailureReason.DEADLINE | FailureReason.BUDGET:
            return _retry_or_fail(outline, state, item, observation, now)
        case _:
            assert_never(observation.reason)


def _retry_or_fail(outline: Outline, state: EngineState, item: WorkItem, failed: Failed, now: float) -> EngineState:
    """Plan the next attempt after a backoff, or fail the run after the last attempt."""
    failures = failed.attempt - state.floor + 1
    if failures < outline.attempts:
        following = Attempt(
            failed.attempt + 1, now + backoff_seconds(failures), message=failed.message, code=failed.code
        )
        return states.record_attempt(state, item.key, following)
    message = f"{item.key} failed {failures} times, the last time: {failed.message}"
    current = states.record_attempt(state, item.key, Attempt(failed.attempt))
    return states.record_failure(current, RunFailure(state.phase, item.key, failed.reason, message, failed.code))


def _apply_lost(outline: Outline, state: EngineState, item: WorkItem, observation: Failed, now: float) -> EngineState:
    """Repeat the first loss at once. Further losses in a row have a backoff, so that a crashing item does not spin.

    A suspended run ends its own processes, so their losses do not count.
    """
    known = state.attempt(item.key)
    current = known if known.number == observation.attempt else Attempt(observation.attempt)
    if observation.at > current.lost_at and outline.suspended:
        current = replace(current, lost_at=observation.at)
    elif observation.at > current.lost_at:
        if current.losses == MAX_LOSSES:
            message = f"its process was lost {MAX_LOSSES + 1} times in a row, the last time: {observation.message}"
            failed = replace(observation, reason=FailureReason.ERROR, message=message)
            return _apply_failed(outline, state, item, failed, now)
        pause = backoff_seconds(current.losses) if current.losses else 0.0
        current = replace(current, losses=current.losses + 1, lost_at=observation.at, not_before=now + pause)
    return state if current == known else states.record_attempt(state, item.key, current)


def apply_receipt(state: EngineState, item: WorkItem, receipt: Receipt) -> EngineState:
    """`state` with `item` done. Raises ValueError if `receipt` belongs to another item or lacks an output."""
    if receipt.key != item.key:
        raise ValueError(f"receipt of {receipt.key!r} shown for {item.key!r}: the host mixed up its items; report this")
    done = replace(state, done=tuple(sorted({*state.done, item.key})))
    match item.kind:
        case Kind.PREPARE:
            return replace(done, experiment=receipt_fields.get_output(receipt, Output.EXPERIMENT))
        case Kind.TRAIN:
            return done
        case Kind.ITERATE:
            search = _update_search(state.search(item.swarm), item.index, receipt)
            searches = dict(sorted({**state.searches, item.swarm: search}.items()))
            return replace(done, commit=receipt_fields.get_output(receipt, Output.COMMIT), searches=searches)
        case Kind.CONCLUDE:
            return replace(done, outcome=_parse_outcome(receipt))
        case _:
            assert_never(item.kind)


def _update_search(so_far: SearchProgress, iteration: int, receipt: Receipt) -> SearchProgress:
    best, initial = receipt_fields.get_number(receipt, Scalar.BEST), receipt_fields.get_number(receipt, Scalar.INITIAL)
    held_out = receipt_fields.get_number(receipt, Scalar.HELD_OUT)
    point = HistoryPoint(iteration, best, receipt_fields.get_number(receipt, Scalar.MEAN), held_out)
    return SearchProgress(
        best=best,
        best_particle=receipt_fields.get_text(receipt, Scalar.BEST_PARTICLE),
        best_recipe=receipt_fields.get_text(receipt, Scalar.BEST_RECIPE),
        initial=so_far.initial if initial is None else initial,
        stop=receipt_fields.get_text(receipt, Scalar.STOP),
        fitness=receipt_fields.parse_fitness(receipt),
        items=so_far.items + int(receipt_fields.get_number(receipt, Scalar.ITEMS) or 0),
        rejected=so_far.rejected + int(receipt_fields.get_number(receipt, Scalar.REJECTED) or 0),
        unscored=so_far.unscored + int(receipt_fields.get_number(receipt, Scalar.UNSCORED) or 0),
        fates=tuple(sorted((Counter(dict(so_far.fates)) + Counter(receipt_fields.parse_fates(receipt))).items())),
        history=(*so_far.history, point)[-states.HISTORY_LENGTH :],
        held_out=held_out,
        values=receipt_fields.parse_values(receipt),
    )


def _parse_outcome(receipt: Receipt) -> Outcome:
    return Outcome(
        result=receipt_fields.get_output(receipt, Output.RESULT),
        best=receipt_fields.get_number(receipt, Scalar.BEST),
        initial=receipt_fields.get_number(receipt, Scalar.INITIAL),
        gain=receipt_fields.get_number(receipt, Scalar.GAIN),
        gain_low=receipt_fields.get_number(receipt, Scalar.GAIN_LOW),
        gain_high=receipt_fields.get_number(receipt, Scalar.GAIN_HIGH),
        best_particle=receipt_fields.get_text(receipt, Scalar.BEST_PARTICLE),
        best_recipe=receipt_fields.get_text(receipt, Scalar.BEST_RECIPE),
        values=receipt_fields.parse_values(receipt),
        figures=receipt_fields.list_other_numbers(receipt),
    )
