"""What becomes of an item that fails, is lost, or takes too long, case by case."""

import pytest
from decisions import DEADLINE, NOW, PREPARED, PREPARING, SEEDING, SEEDS, done, error, launched, lost, see, seeded
from engine_simulation import list_training

from swarm_core.engine.decide import SETTLE_SECONDS
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import reopen
from swarm_core.engine.state_update import BACKOFF_SECONDS, MAX_BACKOFF_SECONDS, MAX_LOSSES, backoff_seconds
from swarm_core.engine.work import (
    Cancel,
    CancelReason,
    Failed,
    FailureReason,
    Observation,
    Running,
)

RUNNING_PREPARE = Running(1, NOW - 10)
FAILURES = [
    pytest.param(None, [("prepare", 1)], 1, id="nothing is seen: launched"),
    pytest.param(RUNNING_PREPARE, [], 1, id="it runs: left alone"),
    pytest.param(lost(1), [("prepare", 1)], 1, id="it was lost: launched again, at no cost"),
    pytest.param(error(1), [], 2, id="it failed: the next attempt waits"),
    pytest.param(Failed(1, FailureReason.DEADLINE, "late"), [], 2, id="it was late: the next attempt waits"),
    pytest.param(Running(1, NOW - DEADLINE), [], 2, id="it runs too long: the next attempt waits"),
    pytest.param(Running(3, NOW - 10), [], 3, id="a later attempt than remembered runs: it is the one that counts"),
    pytest.param(lost(2), [("prepare", 2)], 2, id="a later attempt than remembered was lost: launched again"),
    pytest.param(error(2), [], 3, id="a later attempt than remembered failed: the one after it waits"),
]


@pytest.mark.parametrize(("seen", "launches", "attempt"), FAILURES)
def test_what_is_seen_of_an_item_decides_its_attempt(
    seen: Observation | None, launches: list[tuple[str, int]], attempt: int
) -> None:
    items = {} if seen is None else {"prepare": seen}
    decision = see(PREPARING, items)
    assert decision.state.phase is Phase.PREPARING
    assert launched(decision.actions) == launches
    assert decision.state.attempt("prepare").number == attempt


@pytest.mark.parametrize(("seen", "_launches", "_attempt"), FAILURES)
def test_deciding_again_on_the_same_world_changes_nothing(
    seen: Observation | None, _launches: object, _attempt: object
) -> None:
    items = {} if seen is None else {"prepare": seen}
    first = see(PREPARING, items)
    again = see(first.state, items)
    assert again == first or (again.state == first.state and again.actions == first.actions)


def test_an_attempt_past_its_deadline_is_cancelled_and_never_overlapped_by_the_next() -> None:
    items = {"prepare": Running(1, NOW - DEADLINE)}
    decision = see(PREPARING, items)
    assert decision.actions == (Cancel("prepare", CancelReason.DEADLINE, 1),)
    assert decision.wake_after == SETTLE_SECONDS
    still_there = see(decision.state, items, now=NOW + 1000)
    assert still_there.actions == (Cancel("prepare", CancelReason.DEADLINE, 1),)
    gone = see(decision.state, now=NOW + 1000)
    assert launched(gone.actions) == [("prepare", 2)]


def test_the_next_attempt_starts_when_its_pause_is_over_and_not_before() -> None:
    items = {"prepare": error(1)}
    waiting = see(PREPARING, items)
    assert (waiting.actions, waiting.wake_after) == ((), BACKOFF_SECONDS)
    assert see(waiting.state, items, now=NOW + BACKOFF_SECONDS - 1).wake_after == 1
    assert launched(see(waiting.state, items, now=NOW + BACKOFF_SECONDS).actions) == [("prepare", 2)]


def test_a_clock_that_was_set_back_does_not_prolong_a_pause() -> None:
    waiting = see(PREPARING, {"prepare": error(1)}, now=1e9)
    assert launched(see(waiting.state, {"prepare": error(1)}, now=NOW).actions) == [("prepare", 2)]


def test_pauses_double_up_to_a_cap_however_many_failures() -> None:
    assert [backoff_seconds(failures) for failures in (1, 2, 3)] == [5.0, 10.0, 20.0]
    assert backoff_seconds(10_000) == MAX_BACKOFF_SECONDS


def test_old_news_of_an_earlier_attempt_is_not_counted_twice() -> None:
    second = see(PREPARING, {"prepare": error(1)})
    later = NOW + BACKOFF_SECONDS
    for _ in range(5):
        second = see(second.state, {"prepare": error(1)}, now=later)
    assert launched(second.actions) == [("prepare", 2)]
    assert see(second.state, {"prepare": Running(1, NOW)}, now=later).actions == (
        Cancel("prepare", CancelReason.SUPERSEDED, 1),
    )


def test_the_last_failed_attempt_ends_the_run_with_its_message() -> None:
    state = PREPARING
    for attempt in range(1, 4):
        state = see(state, {"prepare": error(attempt)}).state
    assert (state.phase, state.finished) == (Phase.FAILED, NOW)
    assert state.failure is not None
    assert state.failure.phase is Phase.PREPARING
    assert state.failure.reason is FailureReason.ERROR
    assert state.failure.message == "prepare failed 3 times, the last time: disk full"


def test_bad_input_ends_the_run_at_once() -> None:
    decision = see(PREPARING, {"prepare": Failed(1, FailureReason.BAD_INPUT, "line 3 is no JSON")})
    assert decision.state.phase is Phase.FAILED
    assert decision.state.failure is not None
    assert decision.state.failure.message == "line 3 is no JSON"
    assert (decision.actions, decision.wake_after) == ((), None)


def test_losses_cost_no_attempt_until_there_are_very_many_in_a_row() -> None:
    state = PREPARING
    for number in range(1, MAX_LOSSES + 1):
        state = see(state, {"prepare": lost(1, at=NOW + number)}, now=NOW + number).state
    assert state.phase is Phase.PREPARING
    assert (state.attempt("prepare").number, state.attempt("prepare").losses) == (1, MAX_LOSSES)
    state = see(state, {"prepare": lost(1, at=NOW + 99)}, now=NOW + 99).state
    assert (state.attempt("prepare").number, state.attempt("prepare").losses) == (2, 0)
    assert f"lost {MAX_LOSSES + 1} times in a row" in state.attempt("prepare").message


def test_a_run_that_loses_every_attempt_fails() -> None:
    state = PREPARING
    for number in range(1, 4 * (MAX_LOSSES + 2)):
        attempt = state.attempt("prepare").number
        state = see(state, {"prepare": lost(attempt, at=NOW + number)}, now=NOW + number).state
    assert state.phase is Phase.FAILED


def test_the_first_loss_is_made_good_at_once_and_the_next_ones_ever_later() -> None:
    first = see(PREPARING, {"prepare": lost(1, at=NOW)})
    assert launched(first.actions) == [("prepare", 1)]
    second = see(first.state, {"prepare": lost(1, at=NOW + 1)}, now=NOW + 1)
    assert (second.actions, second.wake_after) == ((), BACKOFF_SECONDS)
    third = see(second.state, {"prepare": lost(1, at=NOW + 10)}, now=NOW + 10)
    assert (third.actions, third.wake_after) == ((), 2 * BACKOFF_SECONDS)


def test_one_loss_seen_twice_is_one_loss() -> None:
    first = see(PREPARING, {"prepare": lost(1, at=NOW)})
    assert see(first.state, {"prepare": lost(1, at=NOW)}, now=NOW + 1).state == first.state


def test_a_receipt_counts_whatever_became_of_the_attempts() -> None:
    state = see(PREPARING, {"prepare": error(2)}).state
    assert see(state, done(PREPARED)).state.phase is Phase.SEEDING


def test_an_exhausted_item_fails_the_run_beside_a_finished_sibling_and_what_runs_is_ended() -> None:
    outline = Outline(iterations=2, training=list_training(generators=3), attempts=3, item_deadline_seconds=DEADLINE)
    items = {SEEDS[0]: error(3), **done(seeded(1)), "train.generators.002": Running(1, NOW)}
    decision = see(SEEDING, items, outline)
    assert decision.state.phase is Phase.FAILED
    assert decision.actions == (Cancel("train.generators.002", CancelReason.UNWANTED, 1),)
    assert see(reopen(decision.state), done(seeded(1)), outline).state.done == (SEEDS[1],)
