"""Ratings of a game, and the difference of two takers over the same items."""

import pytest

from swarm_core import ratings
from swarm_core.items import Item, build_items
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.objectives import intervals
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.objectives.objective import Sample
from swarm_core.objectives.scores import CoverageError, Unscored, UnscoredReason
from swarm_core.ports import Solver

MISSING = Unscored(UnscoredReason.REFUSED)


def test_who_wins_more_is_rated_higher_on_both_sides() -> None:
    ours, theirs = ratings.compute_elo([[0.2, 0.1], [0.5, 0.3], [0.9, 0.6]])
    assert ours[0] < ours[1] < ours[2]
    assert theirs[0] < theirs[1]
    assert abs(sum((*ours, *theirs))) < 1e-9


def test_equal_players_are_rated_equal() -> None:
    assert ratings.compute_elo([[0.5, 0.5], [0.5, 0.5]]) == ((0.0, 0.0), (0.0, 0.0))


def test_odds_of_ten_to_one_are_about_four_hundred_points() -> None:
    (ours,), (theirs,) = ratings.compute_elo([[10 / 11]])
    assert 200 < ours - theirs < 400  # the half draw keeps a single game from speaking too loudly
    many = ratings.compute_elo([[10 / 11] * 40] * 40)
    assert many[0][0] - many[1][0] == pytest.approx(400, abs=20)


def test_a_player_that_never_loses_has_a_finite_rating() -> None:
    ours, _ = ratings.compute_elo([[1.0, 1.0], [0.0, 0.0]])
    assert ours[1] < 0 < ours[0] < 2000


@pytest.mark.parametrize("wins", [[], [[]], [[0.5], [0.5, 0.5]]])
def test_a_matrix_with_holes_is_refused(wins: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="full matrix"):
        ratings.compute_elo(wins)


def test_a_paired_difference_counts_items_that_both_have_a_score_for() -> None:
    found = intervals.measure_paired_difference([1.0, 1.0, 0.0, 1.0, MISSING], [0.0, 1.0, 0.0, 0.0, 1.0], 0.5, 1)
    assert (found.value, found.n, dict(found.parts)) == (0.5, 4, {"first": 0.75, "second": 0.25})
    assert found.low <= 0.5 <= found.high
    with pytest.raises(CoverageError, match="3 of 5"):
        intervals.measure_paired_difference([1.0, 1.0, 0.0, MISSING, MISSING], [0.0] * 5, 0.95, 1)


def test_pairing_is_tighter_than_two_means_where_takers_mostly_agree() -> None:
    hard = [float(n % 2) for n in range(200)]
    better = [1.0 if n % 20 == 0 else score for n, score in enumerate(hard)]
    found = intervals.measure_paired_difference(better, hard, 0.95, 1)
    assert 0.0 < found.low < found.value < found.high < 0.1


def test_a_takers_accuracy_is_its_mean_score_over_the_pool() -> None:
    items = build_items(["1+1", "2+2", "3+3", "4+4"])
    sample = Sample((items,), ("taker",), (((1.0, 0.0, 1.0, 1.0),),), asked=4)
    assert intervals.measure(sample, Accuracy(), 0.95, 1).value == 0.75


@pytest.mark.parametrize(
    ("item", "answer"), [("12+30", "42"), ("3-5 = ?", "-2"), ("10/3", "10/3"), ("what?", None), ("7", None)]
)
def test_the_arithmetic_judge_can_answer_what_it_judges(item: str, answer: str | None) -> None:
    judge = ArithmeticJudge()
    assert isinstance(judge, Solver)
    assert judge.solution(Item(item)) == answer
    if answer is not None:
        assert judge.score(Item(item), answer, ()) == 1.0
