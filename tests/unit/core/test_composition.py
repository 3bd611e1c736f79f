"""From named values to one fitness, and the statistics of the first iteration that some compositions need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core.composition import Single, Spread, summarize_values

values = st.dictionaries(st.sampled_from("abc"), st.none() | st.floats(0, 1), max_size=3)


def test_a_single_value_is_the_fitness_as_it_stands() -> None:
    alone = Single("Difficulty")
    assert alone.compose({"Difficulty": 0.25, "Separation": 0.5}, {}) == 0.25
    assert alone.compose({"Difficulty": None}, {}) is None
    assert (alone.names, alone.needs_start) == (("Difficulty",), False)


def test_a_value_that_was_not_even_asked_for_is_an_error_and_no_missing_fitness() -> None:
    with pytest.raises(KeyError):
        Single("Difficulty").compose({"Separation": 0.5}, {})


def test_statistics_are_of_the_values_that_exist() -> None:
    found = summarize_values([{"a": 1.0, "b": None}, {"a": 3.0, "b": 0.5}, {"a": None, "b": None}, {"c": None}])
    assert found == {"a": Spread(2.0, 1.0, 2, 3.0), "b": Spread(0.5, 0.0, 1, 0.5)}


@given(st.lists(values, max_size=5))
def test_statistics_do_not_depend_on_the_order_of_candidates(several: list[dict[str, float | None]]) -> None:
    assert summarize_values(several) == summarize_values(several[::-1])
