"""What the engine decides, case by case."""

from collections.abc import Mapping
from typing import Any

import pytest
from engine_simulation import list_training

from swarm_core.engine import state_update
from swarm_core.engine.decide import RESYNC_SECONDS, SETTLE_SECONDS, Decision, decide
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline, Turn
from swarm_core.engine.state import EngineState, HistoryPoint, reopen
from swarm_core.engine.state_update import BACKOFF_SECONDS, MAX_BACKOFF_SECONDS, MAX_LOSSES, backoff_seconds
from swarm_core.engine.work import (
    Action,
    Cancel,
    CancelReason,
    Done,
    Failed,
    FailureReason,
    Kind,
    Launch,
    Observation,
    Observations,
    Receipt,
    Running,
    WorkItem,
)
from swarm_core.recipe import Digest, digest_bytes
from swarm_core.swarm_names import GENERATORS

NOW = 1000.0
DEADLINE = 100.0
OUTLINE = Outline(iterations=2, training=list_training(generators=2), attempts=3, item_deadline_seconds=DEADLINE)
SUSPENDED = Outline(
    iterations=2, training=list_training(generators=2), attempts=3, item_deadline_seconds=DEADLINE, suspended=True
)
EXPERIMENT, COMMIT, RESULT = (digest_bytes(name) for name in (b"experiment", b"commit", b"result"))
PREPARING = EngineState(phase=Phase.PREPARING, started=1.0)
SEEDING = EngineState(phase=Phase.SEEDING, started=1.0, experiment=EXPERIMENT)
ITERATING = EngineState(phase=Phase.ITERATING, started=1.0, experiment=EXPERIMENT, commit=COMMIT, iteration=1)
CONCLUDING = EngineState(phase=Phase.CONCLUDING, started=1.0, experiment=EXPERIMENT, commit=COMMIT, iteration=2)
SEEDS = ("train.generators.000", "train.generators.001")

PREPARED = Receipt("prepare", {"experiment": EXPERIMENT}, {"clusters": 2})
CHOSEN = {"best": 0.75, "best_particle": "p01", "best_recipe": "r"}
CONCLUDED = Receipt("conclude", {"result": RESULT}, {"gain": 0.25, "gain_low": 0.125, "gain_high": 0.5, **CHOSEN})


def seeded(index: int) -> Receipt:
    return Receipt(f"train.generators.{index:03d}", {"adapter": digest_bytes(bytes([index]))})


def committed(index: int, commit: Digest = COMMIT, **scalars: float | str | None) -> Receipt:
    return Receipt(f"iterate.generators.{index:04d}", {"commit": commit}, {"stop": "", **scalars})


def see(
    state: EngineState, items: Mapping[str, Observation] | None = None, outline: Outline = OUTLINE, now: float = NOW
) -> Decision:
    return decide(outline, state, Observations(items or {}), now)


def done(*receipts: Receipt) -> dict[str, Observation]:
    return {receipt.key: Done(receipt) for receipt in receipts}


def error(attempt: int, message: str = "disk full") -> Failed:
    return Failed(attempt, FailureReason.ERROR, message)


def lost(attempt: int, at: float = 0.0) -> Failed:
    return Failed(attempt, FailureReason.LOST, "killed", at)


def launched(actions: tuple[Action, ...]) -> list[tuple[str, int]]:
    return [(action.item.key, action.item.attempt) for action in actions if isinstance(action, Launch)]


def test_a_new_run_is_accepted_and_its_preparation_launched() -> None:
    decision = see(EngineState())
    assert decision.state == EngineState(phase=Phase.PREPARING, started=NOW)
    assert decision.actions == (Launch(WorkItem(Kind.PREPARE, deadline_seconds=DEADLINE)),)
    assert decision.wake_after == DEADLINE


def test_once_prepared_every_cluster_is_seeded_from_the_experiment() -> None:
    decision = see(PREPARING, done(PREPARED))
    assert decision.state.phase is Phase.SEEDING
    expected = [WorkItem(Kind.TRAIN, GENERATORS, index, EXPERIMENT, 1, DEADLINE) for index in range(2)]
    assert decision.actions == tuple(Launch(item) for item in expected)


def test_given_adapters_leave_nothing_to_seed() -> None:
    decision = see(PREPARING, done(PREPARED), Outline(iterations=2))
    assert decision.state.phase is Phase.ITERATING
    assert launched(decision.actions) == [("iterate.generators.0000", 1)]


def test_a_seed_that_is_done_is_not_launched_again_and_the_search_waits_for_the_other() -> None:
    decision = see(SEEDING, done(seeded(1)))
    assert decision.state.done == (SEEDS[1],)
    assert launched(decision.actions) == [(SEEDS[0], 1)]
    later = see(decision.state)  # a stale look, in which the finished seed is missing
    assert launched(later.actions) == [(SEEDS[0], 1)]


def test_iteration_zero_measures_the_start_and_follows_the_experiment() -> None:
    decision = see(SEEDING, done(seeded(0), seeded(1)))
    assert decision.actions == (Launch(WorkItem(Kind.ITERATE, GENERATORS, 0, EXPERIMENT, 1, DEADLINE)),)


def test_every_further_iteration_follows_the_commit_before_it() -> None:
    commit = digest_bytes(b"first")
    decision = see(ITERATING, done(committed(1, commit)))
    assert decision.state.iteration == 2
    assert decision.actions == (Launch(WorkItem(Kind.ITERATE, GENERATORS, 2, commit, 1, DEADLINE)),)


@pytest.mark.parametrize(
    ("index", "stop"),
    [(1, "Patience"), (2, "Iterations"), (2, "")],
    ids=["patience ends it early", "all iterations are done", "the step gave no reason at the last iteration"],
)
def test_the_conclusion_follows_the_commit_that_ends_the_search(index: int, stop: str) -> None:
    last = digest_bytes(b"last")
    state = EngineState(phase=Phase.ITERATING, experiment=EXPERIMENT, commit=COMMIT, iteration=index)
    decision = see(state, done(committed(index, last, stop=stop)))
    assert (decision.state.phase, decision.state.iteration, decision.state.search(GENERATORS).stop) == (
        Phase.CONCLUDING,
        index,
        stop,
    )
    assert decision.actions == (Launch(WorkItem(Kind.CONCLUDE, GENERATORS, 0, last, 1, DEADLINE)),)


def test_a_concluded_run_has_succeeded_and_asks_for_nothing_more() -> None:
    decision = see(CONCLUDING, done(CONCLUDED))
    assert (decision.state.phase, decision.state.finished) == (Phase.SUCCEEDED, NOW)
    assert decision.state.outcome is not None
    assert (decision.state.outcome.result, decision.state.outcome.gain) == (RESULT, 0.25)
    assert (decision.state.outcome.best_particle, decision.state.outcome.best_recipe) == ("p01", "r")
    assert (decision.actions, decision.wake_after) == ((), None)


def test_receipts_alone_lead_through_the_whole_run_in_one_decision() -> None:
    receipts = [PREPARED, seeded(0), seeded(1), *(committed(index) for index in range(3)), CONCLUDED]
    decision = see(EngineState(), done(*receipts))
    assert decision.state.phase is Phase.SUCCEEDED
    assert [point.iteration for point in decision.state.search(GENERATORS).history] == [0, 1, 2]


def test_a_run_without_moves_measures_the_start_and_concludes() -> None:
    receipts = [PREPARED, seeded(0), seeded(1), committed(0)]
    decision = see(EngineState(), done(*receipts), Outline(iterations=0, training=list_training(generators=2)))
    assert decision.state.phase is Phase.CONCLUDING


def test_a_run_without_turns_goes_from_its_preparation_to_a_conclusion_that_follows_the_experiment() -> None:
    bare = Outline(iterations=0, turns=())
    decision = see(PREPARING, done(PREPARED), bare)
    assert decision.state.phase is Phase.CONCLUDING
    assert [action.item.parent for action in decision.actions if isinstance(action, Launch)] == [EXPERIMENT]
    assert see(decision.state, done(CONCLUDED), bare).state.phase is Phase.SUCCEEDED


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


def test_a_finished_run_ends_what_still_runs_and_launches_nothing() -> None:
    over = see(CONCLUDING, done(CONCLUDED)).state
    decision = see(over, {"conclude": Running(2, NOW), **done(PREPARED)})
    assert decision.state == over
    assert decision.actions == (Cancel("conclude", CancelReason.UNWANTED, 2),)
    assert decision.wake_after is None


def test_what_runs_and_is_not_wanted_is_ended() -> None:
    decision = see(ITERATING, {SEEDS[0]: Running(1, NOW), "iterate.generators.0001": Running(1, NOW)})
    assert decision.actions == (Cancel(SEEDS[0], CancelReason.UNWANTED, 1),)


def test_a_suspended_run_launches_nothing_and_ends_what_runs() -> None:
    assert see(SEEDING, {SEEDS[0]: Running(1, NOW)}, SUSPENDED).actions == (
        Cancel(SEEDS[0], CancelReason.SUSPENDED, 1),
    )
    quiet = see(SEEDING, {SEEDS[0]: lost(1)}, SUSPENDED)
    assert (quiet.actions, quiet.wake_after) == ((), RESYNC_SECONDS)


def test_a_receipt_that_arrives_while_suspended_is_absorbed_and_nothing_follows() -> None:
    decision = see(ITERATING, done(committed(1)), SUSPENDED)
    assert (decision.state.iteration, decision.actions) == (2, ())


def test_time_spent_suspended_costs_no_attempt() -> None:
    suspended = see(PREPARING, {"prepare": Running(1, NOW)}, SUSPENDED, now=NOW + 10 * DEADLINE)
    assert suspended.state == PREPARING
    resumed = see(suspended.state, {"prepare": lost(1)}, now=NOW + 11 * DEADLINE)
    assert launched(resumed.actions) == [("prepare", 1)]


@pytest.mark.parametrize(
    ("items", "wake_after"),
    [
        ({SEEDS[0]: Running(1, NOW - 90), SEEDS[1]: Running(1, NOW - 40)}, 10.0),
        ({SEEDS[0]: Running(1, NOW - 10), SEEDS[1]: error(1)}, BACKOFF_SECONDS),
        ({SEEDS[0]: Running(1, NOW + 500), SEEDS[1]: Running(1, NOW)}, DEADLINE),
    ],
    ids=["the nearest deadline", "the end of a pause", "a start in the future is taken for now"],
)
def test_the_engine_wakes_at_the_first_thing_that_time_brings(items: dict[str, Observation], wake_after: float) -> None:
    assert see(SEEDING, items).wake_after == wake_after


def test_far_deadlines_do_not_keep_the_engine_from_looking_again() -> None:
    assert see(EngineState(), outline=Outline(iterations=1)).wake_after == RESYNC_SECONDS


@pytest.mark.parametrize(
    ("receipt", "message"),
    [
        (Receipt("prepare", {"experiment": EXPERIMENT}), "receipt of 'prepare' shown for 'iterate.generators.0001'"),
        (Receipt("iterate.generators.0001"), "output 'commit' is missing"),
        (committed(1, best="high"), "scalar 'best' is 'high'; it must be a finite number"),
        (committed(1, best=float("nan")), "scalar 'best' is nan"),
        (committed(1, stop=1.0), "scalar 'stop' is 1.0; it must be a text"),
        (committed(1, fitness="p00"), "fitness 'p00'; write `name=value`"),
        (committed(1, fitness="p00=0.5,p01=inf"), "every value finite or empty"),
        (committed(1, fates="CutOff=x"), "fates 'CutOff=x'; write `fate=number`"),
    ],
    ids=[
        "of another item",
        "without its output",
        "a word for a number",
        "not a number",
        "a number for a word",
        "a fitness of nobody",
        "an infinite fitness",
        "a fate without a count",
    ],
)
def test_a_receipt_that_cannot_be_the_items_is_refused_loudly(receipt: Receipt, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        see(ITERATING, {"iterate.generators.0001": Done(receipt)})


def test_an_iterations_scalars_are_remembered_and_its_counts_added_up() -> None:
    first = committed(
        1,
        best=0.5,
        best_particle="p03",
        best_recipe="r",
        mean=0.25,
        initial=0.375,
        items=40,
        rejected=2,
        fates="Scored=1",
    )
    second = committed(
        2, best=0.625, mean=None, unscored=1, items=38.0, rejected=1, fitness="p00=0.5,p01=", fates="CutOff=2,Scored=9"
    )
    search = see(ITERATING, done(first, second)).state.search(GENERATORS)
    assert (search.best, search.best_particle, search.initial) == (0.625, "", 0.375)
    assert (search.items, search.rejected, search.unscored) == (78, 3, 1)
    assert search.fates == (("CutOff", 2), ("Scored", 10))
    assert search.fitness == (("p00", 0.5), ("p01", None))
    assert search.history == (HistoryPoint(1, 0.5, 0.25), HistoryPoint(2, 0.625, None))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"iterations": -1}, "iterations is -1; it must be at least 0"),
        ({"iterations": 1, "training": (("generators", -1),)}, "the index of train of generators is -1"),
        ({"iterations": 1, "turns": (Turn(index_offset=-1),)}, "the index of iterate of generators is -1"),
        ({"iterations": 1, "turns": (Turn(), Turn())}, "names an item twice"),
        ({"iterations": 1, "turns": (Turn(Kind.CONCLUDE),)}, "a turn of kind conclude"),
        ({"iterations": 1, "attempts": 0}, "attempts is 0; it must be at least 1"),
        ({"iterations": 1, "item_deadline_seconds": 0}, "item_deadline_seconds is 0; it must be above 0"),
        ({"iterations": 1, "item_deadline_seconds": float("nan")}, "item_deadline_seconds is nan"),
    ],
)
def test_an_outline_that_cannot_work_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Outline(**fields)


def test_the_deadline_is_reached_when_the_time_is_up_and_not_before() -> None:
    item = WorkItem(Kind.PREPARE, deadline_seconds=DEADLINE)
    assert not state_update.is_overdue(item, Running(1, 0.0), DEADLINE - 0.5)
    assert state_update.is_overdue(item, Running(1, 0.0), DEADLINE)
