"""What observations make of a state: receipts are taken in, failures counted, old news ignored.

    seen of an item whose current attempt is n       becomes
    a receipt, whatever attempt brought it           done
    an attempt below n                               old news, nothing
    an attempt above n                               the current one: the state that knew of it was lost
    running past its deadline                        a failed attempt
    failed: Lost                                     the same attempt again; after losses in a row, later and later
    failed: Error, DeadlineExceeded                  attempt n + 1, later and later; the last one ends the run
    failed: BadInput                                 the end of the run: trying again cannot help

A receipt always counts, also for an item whose attempts are used up as long as nobody has seen that, and also while
suspended. Where one observation shows an item done and its sibling exhausted, the run fails, and the finished item is
found done when the run is reopened. Absorbing the same observation again changes nothing.

Raises ValueError for a receipt that is not the item's or lacks an output: never a state that rests on a wrong one.
"""

from dataclasses import replace
from typing import assert_never

from swarm_core.engine import receipt_fields, state
from swarm_core.engine.planning import Outline
from swarm_core.engine.receipt_fields import Output, Scalar
from swarm_core.engine.state import Attempt, EngineState, HistoryPoint, Outcome, RunFailure, SearchProgress
from swarm_core.engine.work import Done, Failed, FailureReason, Kind, Observation, Receipt, Running, WorkItem

BACKOFF_SECONDS = 5.0
"""Pause before the second attempt; doubled for each further one."""
MAX_BACKOFF_SECONDS = 300.0
"""Longest pause between attempts: as long as Kubernetes waits before it starts a crashing container again."""


def apply_observation(outline: Outline, was: EngineState, item: WorkItem, seen: Observation, now: float) -> EngineState:
    """`was` after `seen` of `item`, an item it wants."""
    match seen:
        case Done():
            return apply_receipt(was, item, seen.receipt)
        case Running():
            return _apply_running(outline, was, item, seen, now)
        case Failed():
            return was if seen.attempt < item.attempt else _apply_failed(outline, was, item, seen, now)
        case _:
            assert_never(seen)


def is_overdue(item: WorkItem, seen: Running, now: float) -> bool:
    """Whether this attempt has run for longer than the item may."""
    return now - seen.since >= item.deadline_seconds


def backoff_seconds(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 5, 10, 20, ..., 300."""
    doublings = min(failures - 1, 16)  # far past the cap, and short of a float's overflow
    return min(BACKOFF_SECONDS * 2.0**doublings, MAX_BACKOFF_SECONDS)


def _apply_running(outline: Outline, was: EngineState, item: WorkItem, seen: Running, now: float) -> EngineState:
    if seen.attempt < item.attempt:
        return was
    if is_overdue(item, seen, now) and not outline.suspended:
        message = f"ran for longer than {item.deadline_seconds:g} s"
        return _apply_failed(outline, was, item, Failed(seen.attempt, FailureReason.DEADLINE, message), now)
    if seen.attempt == item.attempt:
        return was
    return state.record_attempt(was, item.key, Attempt(seen.attempt))


def _apply_failed(outline: Outline, was: EngineState, item: WorkItem, seen: Failed, now: float) -> EngineState:
    match seen.reason:
        case FailureReason.LOST:
            return _apply_lost(was, item, seen, now)
        case FailureReason.BAD_INPUT:
            current = state.record_attempt(was, item.key, Attempt(seen.attempt))
            return state.record_failure(current, RunFailure(was.phase, item.key, seen.reason, seen.message))
        case FailureReason.ERROR | FailureReason.DEADLINE | FailureReason.BUDGET:
            failures = seen.attempt - was.floor + 1
            if failures < outline.attempts:
                following = Attempt(seen.attempt + 1, now + backoff_seconds(failures), message=seen.message)
                return state.record_attempt(was, item.key, following)
            message = f"{item.key} failed {failures} times, the last time: {seen.message}"
            current = state.record_attempt(was, item.key, Attempt(seen.attempt))
            return state.record_failure(current, RunFailure(was.phase, item.key, seen.reason, message))
        case _:
            assert_never(seen.reason)


def _apply_lost(was: EngineState, item: WorkItem, seen: Failed, now: float) -> EngineState:
    """The first loss is made good at once; an item that loses its process every time must not spin."""
    known = was.attempt(item.key)
    current = known if known.number == seen.attempt else Attempt(seen.attempt)
    if seen.at > current.lost_at:
        pause = backoff_seconds(current.losses) if current.losses else 0.0
        current = replace(current, losses=current.losses + 1, lost_at=seen.at, not_before=now + pause)
    return was if current == known else state.record_attempt(was, item.key, current)


def apply_receipt(was: EngineState, item: WorkItem, found: Receipt) -> EngineState:
    """`was` with `item` done. Raises ValueError if `found` is the receipt of something else, or incomplete."""
    if found.key != item.key:
        raise ValueError(f"receipt of {found.key!r} shown for {item.key!r}: the host mixed up its items; report this")
    done = replace(was, done=tuple(sorted({*was.done, item.key})))
    match item.kind:
        case Kind.PREPARE:
            return replace(done, experiment=receipt_fields.get_output(found, Output.EXPERIMENT))
        case Kind.TRAIN:
            return done
        case Kind.ITERATE:
            search = _update_search(was.search(item.swarm), item.index, found)
            searches = dict(sorted({**was.searches, item.swarm: search}.items()))
            return replace(done, commit=receipt_fields.get_output(found, Output.COMMIT), searches=searches)
        case Kind.CONCLUDE:
            return replace(done, outcome=_parse_outcome(found))
        case _:
            assert_never(item.kind)


def _update_search(so_far: SearchProgress, iteration: int, found: Receipt) -> SearchProgress:
    best, initial = receipt_fields.get_number(found, Scalar.BEST), receipt_fields.get_number(found, Scalar.INITIAL)
    held_out = receipt_fields.get_number(found, Scalar.HELD_OUT)
    point = HistoryPoint(iteration, best, receipt_fields.get_number(found, Scalar.MEAN), held_out)
    return SearchProgress(
        best=best,
        best_particle=receipt_fields.get_text(found, Scalar.BEST_PARTICLE),
        best_recipe=receipt_fields.get_text(found, Scalar.BEST_RECIPE),
        initial=so_far.initial if initial is None else initial,
        stop=receipt_fields.get_text(found, Scalar.STOP),
        fitness=receipt_fields.parse_fitness(found),
        items=so_far.items + int(receipt_fields.get_number(found, Scalar.ITEMS) or 0),
        rejected=so_far.rejected + int(receipt_fields.get_number(found, Scalar.REJECTED) or 0),
        unscored=so_far.unscored + int(receipt_fields.get_number(found, Scalar.UNSCORED) or 0),
        history=(*so_far.history, point)[-state.HISTORY_LENGTH :],
        held_out=held_out,
    )


def _parse_outcome(found: Receipt) -> Outcome:
    return Outcome(
        result=receipt_fields.get_output(found, Output.RESULT),
        best=receipt_fields.get_number(found, Scalar.BEST),
        initial=receipt_fields.get_number(found, Scalar.INITIAL),
        gain=receipt_fields.get_number(found, Scalar.GAIN),
        gain_low=receipt_fields.get_number(found, Scalar.GAIN_LOW),
        gain_high=receipt_fields.get_number(found, Scalar.GAIN_HIGH),
        best_particle=receipt_fields.get_text(found, Scalar.BEST_PARTICLE),
        best_recipe=receipt_fields.get_text(found, Scalar.BEST_RECIPE),
        figures=receipt_fields.list_other_numbers(found),
    )
