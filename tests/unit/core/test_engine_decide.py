"""What the engine decides, case by case."""

from typing import Any

import pytest
from decisions import (
    COMMIT,
    CONCLUDED,
    CONCLUDING,
    DEADLINE,
    EXPERIMENT,
    ITERATING,
    NOW,
    PREPARED,
    PREPARING,
    RESULT,
    SEEDING,
    SEEDS,
    SUSPENDED,
    committed,
    done,
    error,
    launched,
    lost,
    see,
    seeded,
)
from engine_simulation import list_training

from swarm_core.engine import state_update
from swarm_core.engine.decide import RESYNC_SECONDS
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline, Turn
from swarm_core.engine.state import EngineState, HistoryPoint
from swarm_core.engine.state_update import BACKOFF_SECONDS
from swarm_core.engine.work import (
    Cancel,
    CancelReason,
    Done,
    Kind,
    Launch,
    Observation,
    Receipt,
    Running,
    WorkItem,
)
from swarm_core.recipe import digest_bytes
from swarm_core.swarm_names import GENERATORS


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
