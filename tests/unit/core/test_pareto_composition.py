"""The scale of several objectives without weights, and the fitness of one candidate: by hand."""

import pytest

from swarm_core.composition import Spread
from swarm_core.pareto_composition import ParetoComposition, ParetoTerm, compute_fitness

HARD, APART = ParetoTerm("Difficulty", (0.0, 1.0)), ParetoTerm("apart", (0.0, 1.0), at_least=0.2)
START = {"Difficulty": Spread(0.4, 0.1, 8, 0.8), "apart": Spread(0.2, 0.05, 8, 0.6)}
BOTH = ParetoComposition((HARD, APART))


def test_a_value_is_scaled_to_the_way_from_the_lowest_acceptable_to_the_highest_of_the_first_iteration() -> None:
    assert BOTH.scale({"Difficulty": 0.4, "apart": 0.4}, START) == pytest.approx((0.5, 0.5))
    assert BOTH.scale({"Difficulty": 0.8, "apart": 0.1}, START) == pytest.approx((1.0, -0.25))
    assert BOTH.list_units(START) == pytest.approx((0.8, 0.4))


def test_the_fitness_of_one_candidate_is_its_hypervolume_or_minus_what_it_lacks() -> None:
    assert BOTH.compose({"Difficulty": 0.4, "apart": 0.4}, START) == pytest.approx(0.25)
    assert BOTH.compose({"Difficulty": 0.8, "apart": 0.1}, START) == pytest.approx(-0.25)
    assert compute_fitness((-0.5, -0.25)) == -0.75


def test_a_missing_value_or_statistic_leaves_no_fitness() -> None:
    assert BOTH.compose({"Difficulty": 0.4, "apart": None}, START) is None
    assert BOTH.compose({"Difficulty": 0.4, "apart": 0.4}, {"apart": START["apart"]}) is None


def test_where_no_value_of_the_first_iteration_is_acceptable_the_unit_is_that_of_the_floor() -> None:
    assert APART.find_unit(highest=0.1) == pytest.approx(0.2)
    assert HARD.find_unit(highest=0.0) == 1.0


def test_the_fitness_lies_within_its_bounds() -> None:
    low, high = BOTH.bound(START)
    assert low == pytest.approx(-0.5)
    assert high == pytest.approx(1.25 * 2.0)
    for hard in (0.0, 0.3, 1.0):
        for apart in (0.0, 0.2, 1.0):
            fitness = BOTH.compose({"Difficulty": hard, "apart": apart}, START)
            assert fitness is not None
            assert low <= fitness <= high
