"""What the engine remembers: exact as JSON, bounded, and fit to be reopened."""

import json

import pytest
from engine_simulation import list_training

from swarm_core.engine.decide import decide
from swarm_core.engine.phases import Fact, IllegalFactError, Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import (
    HISTORY_LENGTH,
    MESSAGE_LENGTH,
    Attempt,
    EngineState,
    HistoryPoint,
    Outcome,
    RunFailure,
    SearchProgress,
    apply_fact,
    reopen,
)
from swarm_core.engine.state_update import BACKOFF_SECONDS
from swarm_core.engine.work import Done, Failed, FailureReason, Launch, Observations, Receipt, Running
from swarm_core.recipe import digest_bytes

DIGEST = digest_bytes(b"")
FULL = EngineState(
    phase=Phase.FAILED,
    iteration=7,
    experiment=DIGEST,
    commit=DIGEST,
    done=("iterate.generators.0007",),
    attempts={"conclude": Attempt(3, 0.1 + 0.2, 2, 1e-300, "why")},
    floor=2,
    started=1.1,
    finished=2.2,
    failure=RunFailure(Phase.CONCLUDING, "conclude", FailureReason.ERROR, "größer"),
    searches={
        "generators": SearchProgress(
            0.1, "p01", "name", 0.3, "Patience", (("p00", 0.1), ("p01", None)), 1, 2, 3, (HistoryPoint(0, 0.1, None),)
        ),
        "takers": SearchProgress(0.2, held_out=0.3),
    },
    limit="Budget",
    outcome=Outcome(DIGEST, 0.5, 0.25, 0.25, 0.125, 1 / 3, "p01", str(DIGEST)),
)
OUTLINE = Outline(iterations=1, training=list_training(generators=2), attempts=2)
BAD = Failed(1, FailureReason.BAD_INPUT, "no such base")
SEEDING = EngineState(phase=Phase.SEEDING, experiment=DIGEST, started=0.0)
SEEDS = ("train.generators.000", "train.generators.001")


@pytest.mark.parametrize("state", [EngineState(), FULL], ids=["new", "with every field set"])
def test_a_state_survives_json_exactly(state: EngineState) -> None:
    again = EngineState.from_json(state.to_json())
    assert again == state
    assert again.to_json() == state.to_json()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "engine state: Invalid JSON"),
        (json.dumps({**json.loads(FULL.to_json()), "swarms": 2}), "engine state: swarms: Unexpected keyword argument"),
        (json.dumps({**json.loads(FULL.to_json()), "phase": "Dreaming"}), "engine state: phase: Input should be"),
        (
            json.dumps({**json.loads(FULL.to_json()), "floor": "2"}),
            "engine state: floor: Input should be a valid integer",
        ),
    ],
    ids=["cut short", "of a version with other fields", "of a phase that is none", "of another type"],
)
def test_what_is_not_a_state_is_refused_in_one_line_with_a_way_out(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        EngineState.from_json(text)
    assert "delete it, and the engine derives it again from the receipts" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_history_keeps_the_last_iterations_only() -> None:
    long = Outline(iterations=3 * HISTORY_LENGTH)
    receipts = [Receipt("prepare", {"experiment": DIGEST})]
    receipts += [Receipt(f"iterate.generators.{index:04d}", {"commit": DIGEST}) for index in range(30)]
    world = Observations({receipt.key: Done(receipt) for receipt in receipts})
    history = decide(long, EngineState(), world, 0.0).state.search("generators").history
    assert [point.iteration for point in history] == list(range(10, 30))


def test_a_state_stays_small_whatever_the_run_meets() -> None:
    outline = Outline(iterations=1, training=list_training(generators=64))
    world = Observations(
        {f"train.generators.{index:03d}": Failed(1, FailureReason.ERROR, "x" * 10**6) for index in range(64)}
    )
    state = decide(outline, SEEDING, world, 0.0).state
    assert len(state.attempts) == 64
    assert len(state.to_json()) < 64 * (MESSAGE_LENGTH + 200)


def test_attempts_are_forgotten_with_their_phase() -> None:
    failed = Observations({SEEDS[0]: Failed(1, FailureReason.ERROR, "once")})
    state = decide(OUTLINE, SEEDING, failed, 0.0).state
    assert state.attempts
    done = Observations({key: Done(Receipt(key, {"adapter": DIGEST})) for key in SEEDS})
    after = decide(OUTLINE, state, done, 1.0).state
    assert (after.phase, dict(after.attempts), after.done) == (Phase.ITERATING, {}, ())


def test_a_run_starts_once_however_often_it_is_derived_further() -> None:
    state = decide(OUTLINE, EngineState(), Observations(), 5.0).state
    prepared = Observations({"prepare": Done(Receipt("prepare", {"experiment": DIGEST}))})
    assert decide(OUTLINE, state, prepared, 9.0).state.started == 5.0


def test_a_reopened_run_goes_on_in_the_phase_it_failed_in() -> None:
    failed = decide(OUTLINE, SEEDING, Observations({SEEDS[0]: BAD}), 1.0).state
    assert failed.phase is Phase.FAILED
    again = reopen(failed)
    assert (again.phase, again.failure, again.finished) == (Phase.SEEDING, None, None)
    decision = decide(OUTLINE, again, Observations({SEEDS[0]: BAD}), 2.0)
    assert [action.item.attempt for action in decision.actions if isinstance(action, Launch)] == [2, 2]


def test_a_reopened_run_has_all_its_attempts_again() -> None:
    state = SEEDING
    for attempt in (1, 2):
        state = decide(OUTLINE, state, Observations({SEEDS[0]: Failed(attempt, FailureReason.ERROR, "no")}), 0.0).state
    again = reopen(state)
    assert again.floor == 3
    once = decide(OUTLINE, again, Observations({SEEDS[0]: Failed(3, FailureReason.ERROR, "no")}), 10.0).state
    assert (once.phase, once.attempt(SEEDS[0]).number) == (Phase.SEEDING, 4)
    assert once.attempt(SEEDS[0]).not_before == 10.0 + BACKOFF_SECONDS
    twice = decide(OUTLINE, once, Observations({SEEDS[0]: Failed(4, FailureReason.ERROR, "no")}), 20.0).state
    assert twice.phase is Phase.FAILED


def test_failures_nobody_had_seen_before_the_reopening_do_not_fail_it_again() -> None:
    failed = decide(OUTLINE, SEEDING, Observations({SEEDS[0]: BAD, SEEDS[1]: Running(1, 0.0)}), 1.0).state
    decision = decide(OUTLINE, reopen(failed), Observations({SEEDS[0]: BAD, SEEDS[1]: BAD}), 2.0)
    assert decision.state.phase is Phase.SEEDING


def test_reopening_always_goes_past_the_attempts_made_so_far() -> None:
    failed = EngineState(phase=Phase.FAILED, floor=3, failure=FULL.failure)
    assert reopen(failed).floor == 4
    assert reopen(FULL).floor == 4


def test_of_several_reasons_to_fail_the_first_items_stands() -> None:
    other = Failed(1, FailureReason.BAD_INPUT, "no such data")
    failed = decide(OUTLINE, SEEDING, Observations({SEEDS[1]: other, SEEDS[0]: BAD}), 1.0).state
    assert failed.failure is not None
    assert (failed.failure.key, failed.failure.message) == (SEEDS[0], "no such base")


def test_failures_seen_in_another_order_leave_the_same_bytes() -> None:
    once = Failed(1, FailureReason.ERROR, "once")
    texts = set()
    for order in (SEEDS, SEEDS[::-1]):
        state = SEEDING
        for key in order:
            state = decide(OUTLINE, state, Observations({key: once}), 0.0).state
        texts.add(state.to_json())
    assert len(texts) == 1


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.FAILED])
def test_only_a_failed_run_can_be_reopened(phase: Phase) -> None:
    with pytest.raises(ValueError, match=f"a run in phase {phase} cannot be reopened"):
        reopen(EngineState(phase=phase))


def test_a_fact_of_another_phase_changes_nothing_and_is_refused() -> None:
    with pytest.raises(IllegalFactError):
        apply_fact(SEEDING, Fact.CONCLUDED, 1.0)
