"""Rank correlations: hand-computed values, ties, and lists without an order."""

import pytest

from swarm_core.items import Item
from swarm_core.objectives import intervals, rank_correlation
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.interval_bounds import Bounds
from swarm_core.objectives.objective import RequestCount, Sample

BOUNDS = Bounds(-1.0, 1.0, 2.0)


@pytest.mark.parametrize(
    ("first", "second", "kendall", "spearman"),
    [
        ([1, 2, 3, 4], [0.1, 0.2, 0.7, 0.9], 1.0, 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0, -1.0),
        # pairs: 5 concordant, 1 discordant; squared rank differences 0, 0, 1, 1
        ([1, 2, 3, 4], [1, 2, 4, 3], 4 / 6, 1 - 6 * 2 / (4 * 15)),
        # one tie on the left: 5 concordant of 5 pairs that differ there and 6 that differ on the right
        ([1, 1, 3, 4], [1, 2, 3, 4], 5 / 30**0.5, 4.5 / (4.5 * 5) ** 0.5),
    ],
)
def test_correlations_are_those_computed_by_hand(
    first: list[float], second: list[float], kendall: float, spearman: float
) -> None:
    assert rank_correlation.compute_kendall(first, second) == pytest.approx(kendall)
    assert rank_correlation.compute_spearman(first, second) == pytest.approx(spearman)


@pytest.mark.parametrize(
    ("first", "second"), [([1, 2], [1, 2]), ([1, 2, 3], [5, 5, 5]), ([0.3, 0.1 + 0.2, 0.3], [1, 2, 3])]
)
def test_values_without_an_order_have_no_correlation(first: list[float], second: list[float]) -> None:
    assert rank_correlation.compute_kendall(first, second) is None
    assert rank_correlation.compute_spearman(first, second) is None


def test_lists_of_different_lengths_are_refused() -> None:
    for compute in (rank_correlation.compute_kendall, rank_correlation.compute_spearman):
        with pytest.raises(ValueError, match=r"\d"):
            compute([1.0, 2.0, 3.0], [1.0, 2.0])


def sample(right: list[int], shots: int = 4) -> Sample:
    """A sample of one taker: of request n, `right[n]` of its items are right."""
    items = tuple(Item(f"{n}/{k}", request=n) for n in range(len(right)) for k in range(shots))
    row = tuple(float(k < count) for count in right for k in range(shots))
    counts = tuple(RequestCount(0, n, shots) for n in range(len(right)))
    return Sample((items,), ("taker",), ((row,),), len(items), requests=(counts,))


def kendall(values: list[float]) -> float | None:
    return rank_correlation.compute_kendall(values[:3], values[3:])


def test_an_order_that_every_half_repeats_has_the_narrow_interval_of_agreement_but_never_one_of_zero_width() -> None:
    samples = [sample([right] * 20) for right in (1, 2, 3)] * 2
    low, high = intervals.bound_statistic(1.0, samples, Difficulty(), kendall, 0, BOUNDS)
    assert (round(low, 3), high) == (round(1 - 2 * 1.96**2 / (20 + 1.96**2), 3), 1.0)


def test_an_order_that_noise_turns_has_a_wide_interval() -> None:
    level = [sample([(step * n) % 11 % 5 for n in range(20)]) for step in (1, 2, 3, 4, 5, 7)]
    low, high = intervals.bound_statistic(0.0, level, Difficulty(), kendall, 0, BOUNDS)
    assert low < -0.5
    assert high > 0.5


def test_an_order_that_most_halves_lack_is_unknown() -> None:
    equal = [sample([2] * 20) for _ in range(6)]
    assert intervals.bound_statistic(0.0, equal, Difficulty(), kendall, 0, BOUNDS) == (-1.0, 1.0)
