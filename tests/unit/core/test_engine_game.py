"""Several swarms in one run of the engine: they take turns, and each moves against what the one before committed."""

from dataclasses import replace

import pytest
from engine_simulation import list_training, take_turns

from swarm_core.api.run_status import RunStatus
from swarm_core.engine import planning
from swarm_core.engine.decide import decide
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Done, Launch, Observations, Receipt
from swarm_core.programs import program_protocol
from swarm_core.recipe import Digest, digest_bytes

NOW = 1000.0
EXPERIMENT, COMMIT, FIRST, SECOND = (digest_bytes(name) for name in (b"experiment", b"commit", b"first", b"second"))
TRAINING = list_training(generators=1, takers=2, rivals=1)
GAME = Outline(2, TRAINING, take_turns(2), iteration_noun="round")
SEEDING = EngineState(phase=Phase.SEEDING, started=1.0, experiment=EXPERIMENT)
ITERATING = EngineState(phase=Phase.ITERATING, started=1.0, experiment=EXPERIMENT, commit=COMMIT, iteration=1)


def moved(key: str, commit: Digest, **scalars: float | str | None) -> Receipt:
    return Receipt(key, {"commit": commit}, {"stop": "", **scalars})


GENERATORS = moved("iterate.generators.0001", FIRST, best=0.4)
TRAINED = Receipt("train.takers.002", {"adapter": EXPERIMENT})
TAKERS = moved("iterate.takers.0001", SECOND, best=0.7, held_out=0.6)


def world(*receipts: Receipt) -> Observations:
    return Observations({receipt.key: Done(receipt) for receipt in receipts})


def launched(state: EngineState, seen: Observations, outline: Outline = GAME) -> list[tuple[str, Digest | None]]:
    actions = decide(outline, state, seen, NOW).actions
    return [(action.item.key, action.item.parent) for action in actions if isinstance(action, Launch)]


def test_the_adapters_of_every_swarm_are_seeded_together() -> None:
    keys = ["train.generators.000", "train.takers.000", "train.takers.001", "train.rivals.000"]
    assert [item.key for item in planning.list_pending_items(GAME, SEEDING)] == keys


def test_swarms_take_turns_and_each_follows_the_commit_of_the_one_before() -> None:
    assert launched(ITERATING, world()) == [("iterate.generators.0001", COMMIT)]
    assert launched(ITERATING, world(GENERATORS)) == [("train.takers.002", FIRST)]
    assert launched(ITERATING, world(GENERATORS, TRAINED)) == [("iterate.takers.0001", FIRST)]
    assert launched(ITERATING, world(GENERATORS, TRAINED, TAKERS)) == [("iterate.generators.0002", SECOND)]


def test_nothing_is_trained_before_the_first_turn_nor_for_a_side_that_only_moves() -> None:
    start = EngineState(phase=Phase.ITERATING, started=1.0, experiment=EXPERIMENT)
    first = moved("iterate.generators.0000", FIRST)
    assert launched(start, world(first)) == [("iterate.takers.0000", FIRST)]
    plain = Outline(2, list_training(generators=1, takers=2), take_turns(2, trains=False))
    assert launched(ITERATING, world(GENERATORS), plain) == [("iterate.takers.0001", FIRST)]


def test_what_each_swarm_has_found_is_remembered_apart() -> None:
    state = decide(GAME, ITERATING, world(GENERATORS, TRAINED, TAKERS), NOW).state
    assert (state.iteration, state.commit) == (2, SECOND)
    assert (state.search("generators").best, state.search("takers").best) == (0.4, 0.7)
    told = program_protocol.find_program("AdversarialRun").status(GAME, state, RunStatus())
    assert (told.difficulty, told.taker_score, told.held_out_score) == (0.4, 0.7, 0.6)
    assert EngineState.from_json(state.to_json()) == state


def test_a_rule_that_stops_one_swarm_ends_the_search_at_once() -> None:
    stopped = moved("iterate.generators.0001", FIRST, stop="Patience")
    state = decide(GAME, ITERATING, world(stopped), NOW).state
    assert (state.phase, state.iteration, state.commit) == (Phase.CONCLUDING, 1, FIRST)


def test_the_last_iteration_is_over_when_its_last_swarm_has_moved() -> None:
    last = EngineState(phase=Phase.ITERATING, started=1.0, experiment=EXPERIMENT, commit=COMMIT, iteration=2)
    receipts = (moved("iterate.generators.0002", FIRST), Receipt("train.takers.003", {"adapter": EXPERIMENT}))
    assert decide(GAME, last, world(*receipts), NOW).state.phase is Phase.ITERATING
    end = decide(GAME, last, world(*receipts, moved("iterate.takers.0002", SECOND)), NOW).state
    assert (end.phase, end.commit) == (Phase.CONCLUDING, SECOND)


SPENT = replace(GAME, spent="2 of 2 accelerator-hours are used")


@pytest.mark.parametrize(("seen", "iteration", "last"), [((), 0, COMMIT), ((GENERATORS,), 1, FIRST)])
def test_a_spent_budget_ends_a_game_and_keeps_the_turns_that_were_made(
    seen: tuple[Receipt, ...], iteration: int, last: Digest
) -> None:
    decision = decide(SPENT, ITERATING, world(*seen), NOW)
    assert (decision.state.phase, decision.state.iteration) == (Phase.CONCLUDING, iteration)
    assert decision.state.stop == "Budget"
    assert [action.item.parent for action in decision.actions if isinstance(action, Launch)] == [last]


def test_a_budget_spent_before_both_sides_were_measured_fails_a_game() -> None:
    start = replace(ITERATING, iteration=0, commit=None)
    decision = decide(SPENT, start, world(moved("iterate.generators.0000", FIRST)), NOW)
    assert decision.state.failure is not None
    assert (decision.state.phase, str(decision.state.failure.reason)) == (Phase.FAILED, "BudgetExceeded")


def test_a_game_stops_after_the_rounds_it_is_allowed_and_not_between_two_turns() -> None:
    short = replace(GAME, stop_after=1)
    between = decide(short, ITERATING, world(GENERATORS), NOW)
    assert (between.state.phase, between.state.stop) == (Phase.ITERATING, "")
    done = decide(short, ITERATING, world(GENERATORS, TRAINED, TAKERS), NOW)
    assert (done.state.phase, done.state.iteration, done.state.stop) == (Phase.CONCLUDING, 1, "StopAfter")
