"""Intervals contain the truth about as often as they say: a small version of `benchmarks/coverage.py`."""

from typing import Any

import benchmark_module
import pytest

TIMES = 120


@pytest.fixture(scope="module")
def benchmark() -> Any:
    return benchmark_module.load("coverage")


def run(benchmark: Any, name: str) -> Any:
    return benchmark.run_setting(name, benchmark.SETTINGS[name], TIMES)


@pytest.mark.parametrize(
    "name", ["correlated within completions, 0.3", "gain 0.5, 0.3", "the best of 8 finalists"], ids=str
)
def test_intervals_contain_the_truth_where_those_of_single_items_do_not(benchmark: Any, name: str) -> None:
    row = run(benchmark, name)
    assert 0.90 <= row.new <= 0.995
    assert row.old < 0.90


def test_intervals_of_near_copies_are_narrow_and_contain_the_truth(benchmark: Any) -> None:
    row = run(benchmark, "gain 0, near copies: 10 % of completions differ")
    assert row.new >= 0.90
    assert row.new_width < 0.6 * row.old_width


def test_the_comparison_at_the_end_of_a_game_contains_the_truth(benchmark: Any) -> None:
    assert 0.90 <= run(benchmark, "takers of a game, gain 0").new <= 0.995
