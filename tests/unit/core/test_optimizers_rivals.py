"""Random search and CMA-ES: asked and told as the particle swarm is, at its effort."""

from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest
from every_optimizer import OTHERS

from swarm_core import streams
from swarm_core.optimizers import equal_budget, hyperplane, optimization, positions
from swarm_core.optimizers.candidate import Purpose
from swarm_core.optimizers.cma_es import CmaEs
from swarm_core.optimizers.optimizer import Optimizer, Plan, SearchState
from swarm_core.optimizers.positions import Position
from swarm_core.optimizers.published import Published
from swarm_core.optimizers.random_search import RandomSearch
from swarm_core.optimizers.standard import Standard

RIVALS = pytest.mark.parametrize("rule", OTHERS.values(), ids=OTHERS)
OPTIMUM = (-1.0, 1.0, 1.0, 0.0)


def plan(rule: Optimizer[Any], particles: int = 8, iterations: int = 17) -> Plan:
    return Plan(4, particles, iterations, 100, 5, rule)


def worth(place: Position) -> float:
    return -sum((x - best) ** 2 for x, best in zip(place, OPTIMUM, strict=True))


def searched(swarm: SearchState, until: int = 1000) -> SearchState:
    while optimization.stop_reason(swarm) is None and swarm.iteration < until:
        swarm = optimization.tell(
            swarm, {candidate.name: worth(candidate.position) for candidate in optimization.ask(swarm)}
        )
    return swarm


@RIVALS
@pytest.mark.parametrize("particles", [2, 3, 8, 16, 64])
@pytest.mark.parametrize("iterations", [1, 17])
def test_a_rival_measures_exactly_as_often_as_the_default_swarm(
    rule: Optimizer[Any], particles: int, iterations: int
) -> None:
    asked, swarm = [], optimization.start(plan(rule, particles, iterations))
    while optimization.stop_reason(swarm) is None:
        candidates = optimization.ask(swarm)
        asked.append(len(candidates))
        swarm = optimization.tell(swarm, {candidate.name: worth(candidate.position) for candidate in candidates})
    assert sum(asked) == optimization.budget(plan(Standard(), particles, iterations)) == optimization.budget(swarm.plan)
    assert asked[0] == 4
    assert set(asked[1:-1]) <= {particles}
    assert 1 <= asked[-1] <= particles
    assert len(asked) - 1 == optimization.iterations(swarm.plan)
    assert optimization.ask(swarm) == ()


@pytest.mark.parametrize("rule", [Standard(remeasured=9), Published()], ids=["standard", "published"])
def test_a_particle_swarm_moves_as_often_as_it_is_told_to(rule: Optimizer[Any]) -> None:
    assert optimization.iterations(plan(rule)) == 17


@RIVALS
def test_the_start_measures_the_initial_adapters_and_all_that_follows_explores(rule: Optimizer[Any]) -> None:
    swarm = optimization.start(plan(rule))
    assert [candidate.name for candidate in optimization.ask(swarm)] == ["g00", "g01", "g02", "g03"]
    swarm = searched(swarm, until=1)
    assert [candidate.name for candidate in optimization.ask(swarm)] == [f"p{index:02d}" for index in range(8)]
    assert {candidate.purpose for candidate in optimization.ask(swarm)} == {Purpose.EXPLORE}


@pytest.mark.parametrize(
    ("rule", "bound"), [(RandomSearch(0.7), 0.7), (CmaEs(sigma=9.0, max_position=1.5), 1.5)], ids=["random", "cma-es"]
)
def test_positions_sum_to_one_and_stay_in_the_box_but_for_the_shift(rule: Optimizer[Any], bound: float) -> None:
    swarm = searched(optimization.start(plan(rule, particles=64)), until=3)
    places = [candidate.position for candidate in optimization.ask(swarm)]
    for place in places:
        assert sum(place) == pytest.approx(1, abs=1e-12)
        assert max(place) - min(place) <= 2 * bound + 1e-12
    assert max(max(place) - min(place) for place in places) > 1.6 * bound


def test_random_search_fills_its_box_and_learns_nothing() -> None:
    swarm = optimization.start(plan(RandomSearch(1.5), particles=64))
    well = searched(swarm, until=4)
    badly = optimization.tell(
        well, {candidate.name: -worth(candidate.position) for candidate in optimization.ask(well)}
    )
    assert optimization.ask(badly) == optimization.ask(searched(swarm, until=5))
    spreads = [place[0] - place[1] for at in range(1, 4) for place in _places(searched(swarm, until=at))]
    assert fmean(spreads) == pytest.approx(0, abs=0.3)  # a difference of two from U(-1.5, 1.5): variance 1.5
    assert fmean(spread * spread for spread in spreads) == pytest.approx(1.5, abs=0.35)


def _places(swarm: SearchState) -> list[Position]:
    return [candidate.position for candidate in optimization.ask(swarm)]


def test_cma_es_begins_around_the_best_initial_adapter_or_the_centre_if_none_is_scored() -> None:
    swarm = optimization.start(plan(CmaEs(), particles=64))
    after = optimization.tell(swarm, {"g00": 0.1, "g01": None, "g02": 0.7, "g03": 0.7})
    assert after.distribution is not None
    assert hyperplane.to_position(after.distribution.mean) == pytest.approx(positions.vertex(4, 2), abs=1e-15)
    columns = zip(*_places(after), strict=True)
    assert [fmean(column) for column in columns] == pytest.approx(positions.vertex(4, 2), abs=0.2)
    lost = optimization.tell(swarm, dict.fromkeys(("g00", "g01", "g02", "g03")))
    assert lost.distribution is not None
    assert lost.distribution.mean == pytest.approx((0.0, 0.0, 0.0), abs=1e-15)


def test_cma_es_takes_unscored_candidates_for_no_candidates() -> None:
    swarm = searched(optimization.start(plan(CmaEs())), until=3)
    one = optimization.tell(
        swarm, {candidate.name: 0.5 if candidate.name == "p03" else None for candidate in optimization.ask(swarm)}
    )
    assert one.distribution == swarm.distribution
    assert optimization.ask(one) != optimization.ask(swarm)
    two = optimization.tell(
        swarm, {candidate.name: 0.5 if candidate.name < "p02" else None for candidate in optimization.ask(swarm)}
    )
    assert two.distribution is not None
    assert swarm.distribution is not None
    assert two.distribution.generation == swarm.distribution.generation + 1
    assert two.distribution.mean == pytest.approx(
        hyperplane.to_coordinates(optimization.ask(swarm)[0].position)
    )  # of two, one is parent


def test_cma_es_closes_in_on_the_optimum_and_random_search_does_not() -> None:
    evolved, scattered = (searched(optimization.start(plan(rule))) for rule in (CmaEs(), RandomSearch()))
    assert optimization.best(evolved).value > -1e-4  # type: ignore[union-attr]
    assert -1.0 < optimization.best(scattered).value < -1e-2  # type: ignore[union-attr]


def test_cma_es_on_a_line_survives_a_thousand_equal_scores() -> None:
    swarm = optimization.start(Plan(2, 4, 250, 2000, 1, CmaEs()))
    while optimization.stop_reason(swarm) is None:
        swarm = optimization.tell(swarm, {candidate.name: 0.5 for candidate in optimization.ask(swarm)})
    assert all(
        abs(value) < 5 for candidate in optimization.ask(replace(swarm, iteration=1)) for value in candidate.position
    )


def test_a_search_too_late_draws_nothing() -> None:
    assert [equal_budget.sample_size(plan(CmaEs(), 8, 1), at) for at in range(10, 14)] == [8, 8, 1, 0]


def test_normal_draws_are_standard_normal_and_belong_to_their_seed_and_name() -> None:
    draws = [streams.normal(3, "z", index) for index in range(4000)]
    assert fmean(draws) == pytest.approx(0, abs=0.05)
    assert fmean(draw * draw for draw in draws) == pytest.approx(1, abs=0.07)
    assert fmean(draw**4 for draw in draws) == pytest.approx(3, abs=0.5)
    assert streams.normal(3, "z", 7) == draws[7] != streams.normal(4, "z", 7)
