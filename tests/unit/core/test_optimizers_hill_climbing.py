"""Hill climbing: up a known hill, past missing scores, and on from where it was stored."""

import pytest

from swarm_core.errors import BadInputError
from swarm_core.optimizers import optimization
from swarm_core.optimizers.hill_climbing import HillClimbing
from swarm_core.optimizers.optimizer import Plan, SearchState
from swarm_core.optimizers.positions import Position
from swarm_core.optimizers.random_search import RandomSearch

OPTIMUM = (-1.0, 1.0, 1.0, 0.0)


def worth(place: Position) -> float:
    return -sum((x - best) ** 2 for x, best in zip(place, OPTIMUM, strict=True))


def searched(state: SearchState, until: int = 1000) -> SearchState:
    while optimization.stop_reason(state) is None and state.iteration < until:
        state = optimization.tell(state, {one.name: worth(one.position) for one in optimization.ask(state)})
    return state


def test_it_climbs_higher_than_random_search_finds() -> None:
    climbed, scattered = (
        optimization.best(searched(optimization.start(Plan(4, 8, 17, 100, 5, rule))))
        for rule in (HillClimbing(), RandomSearch())
    )
    assert climbed is not None
    assert scattered is not None
    assert climbed.value > -0.02 > scattered.value


def test_it_measures_as_often_as_it_says() -> None:
    state, asked = optimization.start(Plan(4, 8, 3, 100, 5, HillClimbing())), 0
    while optimization.stop_reason(state) is None:
        asked += len(optimization.ask(state))
        state = searched(state, state.iteration + 1)
    assert asked == optimization.budget(state.plan)


def test_steps_are_taken_from_the_leader_and_sum_to_one() -> None:
    state = searched(optimization.start(Plan(4, 64, 3, 100, 5, HillClimbing(step=0.1))), until=2)
    leader = optimization.best(state)
    assert leader is not None
    for one in optimization.ask(state):
        assert sum(one.position) == pytest.approx(1)
        assert max(abs(x - y) for x, y in zip(one.position, leader.position, strict=True)) <= 0.2


def test_missing_scores_move_nothing() -> None:
    state = optimization.start(Plan(4, 8, 3, 100, 5, HillClimbing(step=0.1)))
    lost = optimization.tell(state, dict.fromkeys(one.name for one in optimization.ask(state)))
    assert optimization.best(lost) is None
    assert all(abs(x - 0.25) <= 0.2 for one in optimization.ask(lost) for x in one.position)


def test_a_state_that_was_written_and_read_back_asks_the_same() -> None:
    state = searched(optimization.start(Plan(4, 8, 9, 100, 5, HillClimbing(step=0.3))), until=4)
    back = optimization.from_json(optimization.to_json(state))
    assert back == state
    assert optimization.ask(back) == optimization.ask(state)


def test_a_step_of_nothing_is_refused() -> None:
    with pytest.raises(BadInputError, match="HillClimbing: step"):
        HillClimbing(step=0.0)
