"""Novelty against values worked out by hand, its range, and what makes it no measurement."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core import plugins
from swarm_core.items import build_items
from swarm_core.objectives import intervals
from swarm_core.objectives.novelty import Novelty, NoveltyForm, correlate_ranks, rank_values
from swarm_core.objectives.objective import ReferenceScores, Sample
from swarm_core.objectives.scores import CoverageError, Score, Unscored, UnscoredReason

LOST = Unscored(UnscoredReason.REFUSED)
RANKS = Novelty(NoveltyForm.RANK_CORRELATION)


def sample(rows: list[list[Score]], reference: list[float], asked: int | None = None, count: int = 100) -> Sample:
    """One repeat: a row of scores per taker, and the means of the takers on the reference set."""
    takers = tuple(f"t{index}" for index in range(len(rows)))
    means = dict(zip(takers, reference, strict=True))
    items = build_items(f"item {index}" for index in range(len(rows[0])))
    return Sample(
        (items,),
        takers,
        (tuple(map(tuple, rows)),),
        len(items) if asked is None else asked,
        reference=ReferenceScores(means, dict.fromkeys(takers, count)),
    )


HALF = [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (sample([HALF, HALF], [0.5, 0.5]), 0.0),
        (sample([HALF, HALF], [0.9, 0.9]), 0.0),
        (sample([[1, 1, 1, 0], [1, 0, 0, 0]], [0.5, 0.5]), 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)),
        (sample([[1, 1, 1, 0], [1, 0, 0, 0]], [0.25, 0.75]), 0.25 * math.log(1 / 3) + 0.75 * math.log(3)),
        (sample([[1, 1, 1, 1], [0, 0, 0, 0]], [0.5, 0.5]), 0.5 * math.log(4.5 / 8) + 0.5 * math.log(4.5)),
        (sample([[1, LOST], [0, 1]], [0.5, 0.5]), (0.5 * math.log(0.75) + 0.5 * math.log(1.5)) / 2),
        (sample([[1, 1, 1, 0], [1, 0, 0, 0]], [0.5, 0.5], asked=8), 0.25 * math.log(4 / 3)),
    ],
    ids=["same", "another level", "apart", "reversed", "a mean of zero", "a lost score", "half rejected"],
)
def test_the_divergence_worked_out_by_hand(given: Sample, value: float) -> None:
    assert intervals.measure(given, Novelty(), 0.4, 1).value == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("rows", "reference", "value"),
    [
        ([[1, 1], [1, 0], [0, 0]], [0.9, 0.5, 0.1], 0.0),
        ([[1, 1], [1, 0], [0, 0]], [0.1, 0.5, 0.9], 2.0),
        ([[1, 1], [1, 0], [0, 0]], [0.5, 0.9, 0.1], 0.5),
        ([[1, 0], [1, 0], [1, 0]], [0.1, 0.5, 0.9], 0.0),
        ([[1, 1], [1, 0], [0, 0]], [0.5, 0.5, 0.5], 0.0),
        ([[1, 1], [1, 0], [1, 0]], [0.9, 0.9, 0.1], 1 - 0.5),
    ],
    ids=["same order", "reversed", "one swap", "level takers", "level reference", "ties"],
)
def test_the_rank_form_worked_out_by_hand(rows: list[list[Score]], reference: list[float], value: float) -> None:
    assert RANKS.value(sample(rows, reference)) == pytest.approx(value)


def test_ties_have_the_mean_of_their_ranks() -> None:
    assert rank_values([0.5, 0.1, 0.5, 0.9]) == [2.5, 1.0, 2.5, 4.0]
    assert correlate_ranks([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(0.8)


def test_items_that_nobody_can_answer_are_new_to_the_divergence_and_not_to_the_ranks() -> None:
    """The known way to cheat: gates have to reject such items."""
    broken = sample([[0, 0], [0, 0]], [0.9, 0.3])
    assert Novelty().value(broken) > 0.1
    assert RANKS.value(broken) == 0.0


def test_without_an_item_a_score_or_a_reference_set_there_is_no_number() -> None:
    assert Novelty().value(sample([[], []], [0.5, 0.5], asked=4)) == 0.0
    with pytest.raises(CoverageError):
        Novelty().value(sample([[LOST], [1]], [0.5, 0.5]))
    without = Sample((build_items("a"),), ("x", "y"), (((1.0,), (0.0,)),), 1)
    with pytest.raises(ValueError, match="the sample has none"):
        Novelty().value(without)


scores = st.integers(0, 10).map(lambda tenths: tenths / 10)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(scores, min_size=6, max_size=6), min_size=3, max_size=3),
    st.lists(scores, min_size=3, max_size=3),
    st.sampled_from([Novelty(), RANKS]),
)
def test_a_value_is_within_its_range_and_its_interval(
    rows: list[list[Score]], reference: list[float], objective: Novelty
) -> None:
    found = intervals.measure(sample(rows, reference), objective, 1.0, 1)
    low, high = objective.range
    assert low <= found.low <= found.value <= found.high <= high


def test_a_spec_chooses_the_form_of_novelty() -> None:
    assert plugins.build_part("objectives", "Novelty", {}).form is NoveltyForm.KULLBACK_LEIBLER
    assert plugins.build_part("objectives", "Novelty", {"form": "RankCorrelation"}).range == (0.0, 2.0)
