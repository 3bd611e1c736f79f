"""Random search and CMA-ES: asked and told as the particle swarm is, at its effort."""

from dataclasses import replace
from statistics import fmean

import pytest

from swarm_core.swarm import effort, hyperplane, positions, pso, streams
from swarm_core.swarm.plan import CmaEs, Plan, Published, RandomSearch, Rule, Standard
from swarm_core.swarm.positions import Position
from swarm_core.swarm.state import Purpose, Swarm

RIVALS = pytest.mark.parametrize("rule", [RandomSearch(), CmaEs()], ids=["random search", "cma-es"])
OPTIMUM = (-1.0, 1.0, 1.0, 0.0)


def plan(rule: Rule, particles: int = 8, iterations: int = 17) -> Plan:
    return Plan(4, particles, iterations, 100, 5, rule)


def worth(place: Position) -> float:
    return -sum((x - best) ** 2 for x, best in zip(place, OPTIMUM, strict=True))


def searched(swarm: Swarm, until: int = 1000) -> Swarm:
    while pso.stopped(swarm) is None and swarm.iteration < until:
        swarm = pso.tell(swarm, {probe.name: worth(probe.position) for probe in pso.ask(swarm)})
    return swarm


@RIVALS
@pytest.mark.parametrize("particles", [2, 3, 8, 16, 64])
@pytest.mark.parametrize("iterations", [1, 17])
def test_a_rival_measures_exactly_as_often_as_the_default_swarm(rule: Rule, particles: int, iterations: int) -> None:
    asked, swarm = [], pso.start(plan(rule, particles, iterations))
    while pso.stopped(swarm) is None:
        probes = pso.ask(swarm)
        asked.append(len(probes))
        swarm = pso.tell(swarm, {probe.name: worth(probe.position) for probe in probes})
    assert sum(asked) == pso.budget(plan(Standard(), particles, iterations)) == pso.budget(swarm.plan)
    assert asked[0] == 4
    assert set(asked[1:-1]) <= {particles}
    assert 1 <= asked[-1] <= particles
    assert len(asked) - 1 == pso.iterations(swarm.plan)
    assert pso.ask(swarm) == ()


@pytest.mark.parametrize("rule", [Standard(remeasured=9), Published()], ids=["standard", "published"])
def test_a_particle_swarm_moves_as_often_as_it_is_told_to(rule: Rule) -> None:
    assert pso.iterations(plan(rule)) == 17


@RIVALS
def test_the_start_measures_the_initial_adapters_and_all_that_follows_explores(rule: Rule) -> None:
    swarm = pso.start(plan(rule))
    assert [probe.name for probe in pso.ask(swarm)] == ["g00", "g01", "g02", "g03"]
    swarm = searched(swarm, until=1)
    assert [probe.name for probe in pso.ask(swarm)] == [f"p{index:02d}" for index in range(8)]
    assert {probe.purpose for probe in pso.ask(swarm)} == {Purpose.EXPLORE}


@pytest.mark.parametrize(
    ("rule", "bound"), [(RandomSearch(0.7), 0.7), (CmaEs(sigma=9.0, max_position=1.5), 1.5)], ids=["random", "cma-es"]
)
def test_positions_sum_to_one_and_stay_in_the_box_but_for_the_shift(rule: Rule, bound: float) -> None:
    swarm = searched(pso.start(plan(rule, particles=64)), until=3)
    places = [probe.position for probe in pso.ask(swarm)]
    for place in places:
        assert sum(place) == pytest.approx(1, abs=1e-12)
        assert max(place) - min(place) <= 2 * bound + 1e-12
    assert max(max(place) - min(place) for place in places) > 1.6 * bound


def test_random_search_fills_its_box_and_learns_nothing() -> None:
    swarm = pso.start(plan(RandomSearch(1.5), particles=64))
    well = searched(swarm, until=4)
    badly = pso.tell(well, {probe.name: -worth(probe.position) for probe in pso.ask(well)})
    assert pso.ask(badly) == pso.ask(searched(swarm, until=5))
    spreads = [place[0] - place[1] for at in range(1, 4) for place in _places(searched(swarm, until=at))]
    assert fmean(spreads) == pytest.approx(0, abs=0.3)  # a difference of two from U(-1.5, 1.5): variance 1.5
    assert fmean(spread * spread for spread in spreads) == pytest.approx(1.5, abs=0.35)


def _places(swarm: Swarm) -> list[Position]:
    return [probe.position for probe in pso.ask(swarm)]


def test_cma_es_begins_around_the_best_initial_adapter_or_the_centre_if_none_is_scored() -> None:
    swarm = pso.start(plan(CmaEs(), particles=64))
    after = pso.tell(swarm, {"g00": 0.1, "g01": None, "g02": 0.7, "g03": 0.7})
    assert after.evolution is not None
    assert hyperplane.position(after.evolution.mean) == pytest.approx(positions.vertex(4, 2), abs=1e-15)
    columns = zip(*_places(after), strict=True)
    assert [fmean(column) for column in columns] == pytest.approx(positions.vertex(4, 2), abs=0.2)
    lost = pso.tell(swarm, dict.fromkeys(("g00", "g01", "g02", "g03")))
    assert lost.evolution is not None
    assert lost.evolution.mean == pytest.approx((0.0, 0.0, 0.0), abs=1e-15)


def test_cma_es_takes_unscored_candidates_for_no_candidates() -> None:
    swarm = searched(pso.start(plan(CmaEs())), until=3)
    one = pso.tell(swarm, {probe.name: 0.5 if probe.name == "p03" else None for probe in pso.ask(swarm)})
    assert one.evolution == swarm.evolution
    assert pso.ask(one) != pso.ask(swarm)
    two = pso.tell(swarm, {probe.name: 0.5 if probe.name < "p02" else None for probe in pso.ask(swarm)})
    assert two.evolution is not None
    assert swarm.evolution is not None
    assert two.evolution.generation == swarm.evolution.generation + 1
    assert two.evolution.mean == pytest.approx(hyperplane.point(pso.ask(swarm)[0].position))  # of two, one is parent


def test_cma_es_closes_in_on_the_optimum_and_random_search_does_not() -> None:
    evolved, scattered = (searched(pso.start(plan(rule))) for rule in (CmaEs(), RandomSearch()))
    assert pso.best(evolved).value > -1e-4  # type: ignore[union-attr]
    assert -1.0 < pso.best(scattered).value < -1e-2  # type: ignore[union-attr]


def test_cma_es_on_a_line_survives_a_thousand_equal_scores() -> None:
    swarm = pso.start(Plan(2, 4, 250, 2000, 1, CmaEs()))
    while pso.stopped(swarm) is None:
        swarm = pso.tell(swarm, {probe.name: 0.5 for probe in pso.ask(swarm)})
    assert all(abs(value) < 5 for probe in pso.ask(replace(swarm, iteration=1)) for value in probe.position)


def test_a_search_too_late_draws_nothing() -> None:
    assert [effort.drawn(plan(CmaEs(), 8, 1), at) for at in range(10, 14)] == [8, 8, 1, 0]


def test_normal_draws_are_standard_normal_and_belong_to_their_seed_and_name() -> None:
    draws = [streams.normal(3, "z", index) for index in range(4000)]
    assert fmean(draws) == pytest.approx(0, abs=0.05)
    assert fmean(draw * draw for draw in draws) == pytest.approx(1, abs=0.07)
    assert fmean(draw**4 for draw in draws) == pytest.approx(3, abs=0.5)
    assert streams.normal(3, "z", 7) == draws[7] != streams.normal(4, "z", 7)
