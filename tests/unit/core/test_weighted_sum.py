"""The weighted sum of several values: by hand, its laws, its floors, and what happens without values or deviations."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core.composition import Spread, summarize_values
from swarm_core.weighted_sum import Term, WeightedSum

HARD = Term("Difficulty", 0.6, (0.0, 1.0))
APART = Term("Separation", 0.2, (0.0, 1.0))
NEW = Term("Novelty", 0.2, (0.0, 18.0))
PAPER = WeightedSum((HARD, APART, NEW))
FLOORED = WeightedSum((HARD, replace(APART, at_least=0.1), replace(NEW, weight=0.0, at_least=0.5)))
START = {
    "Difficulty": Spread(0.4, 0.1, 8, 1.0),
    "Separation": Spread(0.2, 0.05, 8, 1.0),
    "Novelty": Spread(1.0, 0.0, 8, 1.0),
}
shares = st.floats(0, 1, allow_subnormal=False)
candidates = st.fixed_dictionaries({"Difficulty": shares, "Separation": shares, "Novelty": st.floats(0, 18)})


def compose(composition: WeightedSum, hard: float, apart: float, new: float) -> float:
    found = composition.compose({"Difficulty": hard, "Separation": apart, "Novelty": new}, START)
    assert found is not None
    return found


def test_the_fitness_is_the_sum_of_the_values_by_their_weights() -> None:
    assert compose(PAPER, 0.5, 0.3, 0.01) == pytest.approx(0.6 * 0.5 + 0.2 * 0.3 + 0.2 * 0.01)


def test_a_normalized_value_counts_in_deviations_of_the_first_iteration() -> None:
    normalized = replace(PAPER, normalized=True)
    assert compose(normalized, 0.5, 0.3, 1.5) == pytest.approx(0.6 * 1.0 + 0.2 * 2.0 + 0.2 * 0.5)


def test_a_value_that_was_the_same_everywhere_counts_with_its_plain_difference() -> None:
    alone = WeightedSum((replace(NEW, weight=1.0),), normalized=True)
    for values in ([1.0], [1.0, 1.0, 1.0], [0.1 + 0.2, 0.3]):
        start = summarize_values([{"Novelty": value} for value in values])
        assert alone.compose({"Novelty": values[0] + 0.25}, start) == pytest.approx(0.25)


def test_a_candidate_below_a_floor_ranks_by_the_share_that_it_lacks_below_all_that_meet_the_floors() -> None:
    bottom = 0.2 * 0.1  # a difficulty of 0, and a separation at its floor
    assert compose(FLOORED, 1.0, 0.1, 0.5) == pytest.approx(0.6 + 0.02)
    assert compose(FLOORED, 0.0, 0.1, 0.5) == pytest.approx(bottom)
    assert compose(FLOORED, 1.0, 0.05, 0.5) == pytest.approx(bottom - 0.8 * 0.5)
    assert compose(FLOORED, 1.0, 0.05, 0.1) == pytest.approx(bottom - 0.8 * (0.5 + 0.8))
    assert FLOORED.bound({}) == (pytest.approx(bottom - 0.8 * 2), pytest.approx(0.6 + 0.2))
    ordered = [(0.0, 0.1, 0.5), (1.0, 0.1, 0.5 - 1e-16), (1.0, 0.09, 1.0), (0.0, 0.05, 0.5), (1.0, 0.0, 0.4), (1, 0, 0)]
    assert all(compose(FLOORED, *better) > compose(FLOORED, *worse) for better, worse in pairwise(ordered))


@pytest.mark.parametrize("missing", PAPER.names)
def test_a_missing_value_is_no_fitness(missing: str) -> None:
    values = {"Difficulty": 0.5, "Separation": 0.3, "Novelty": 0.1, missing: None}
    for composition in (PAPER, replace(PAPER, normalized=True), FLOORED):
        assert composition.compose(values, START) is None


def test_without_the_statistics_that_it_needs_there_is_no_fitness() -> None:
    values = {"Difficulty": 0.5, "Separation": 0.3, "Novelty": 0.1}
    assert PAPER.compose(values, {}) is not None
    assert replace(PAPER, normalized=True).compose(values, {"Difficulty": Spread(0.5, 0.1, 3, 1.0)}) is None


def test_a_value_that_was_not_even_asked_for_is_an_error() -> None:
    with pytest.raises(KeyError):
        PAPER.compose({"Difficulty": 0.5, "Separation": 0.5}, {})


@given(candidates, candidates, st.floats(0.001, 1000), st.booleans())
def test_other_units_of_the_weights_change_no_order(
    first: dict[str, float], second: dict[str, float], factor: float, floored: bool
) -> None:
    plain = FLOORED if floored else PAPER
    scaled = replace(plain, terms=tuple(replace(term, weight=term.weight * factor) for term in plain.terms))
    (a, b), (c, d) = [[one.compose(values, {}) for values in (first, second)] for one in (plain, scaled)]
    assert None not in (a, b, c, d)
    if abs(a - b) > 1e-9:
        assert (a > b) == (c > d)
    assert c == pytest.approx(a * factor, abs=1e-9 * factor)


@given(candidates, st.permutations(range(3)), st.booleans(), st.booleans())
def test_the_order_of_terms_changes_nothing(
    values: dict[str, float], order: list[int], floored: bool, normalized: bool
) -> None:
    plain = replace(FLOORED if floored else PAPER, normalized=normalized)
    permuted = replace(plain, terms=tuple(plain.terms[index] for index in order))
    assert permuted.compose(values, START) == plain.compose(values, START)
    assert permuted.bound(START) == plain.bound(START)


@given(candidates, st.sampled_from(PAPER.names), shares, st.booleans(), st.booleans())
def test_a_higher_value_never_lowers_the_fitness_and_all_are_within_the_bounds(
    values: dict[str, float], name: str, more: float, floored: bool, normalized: bool
) -> None:
    composition = replace(FLOORED if floored else PAPER, normalized=normalized)
    highest = {term.name: term.range[1] for term in composition.terms}
    better = {**values, name: min(highest[name], values[name] + more)}
    low, high = composition.bound(START)
    before, after = composition.compose(values, START), composition.compose(better, START)
    assert before is not None
    assert after is not None
    assert low - 1e-9 <= before <= after <= high + 1e-9
