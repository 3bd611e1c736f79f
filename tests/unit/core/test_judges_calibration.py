"""The figures of a judge against gold scores: those of the textbook, with intervals that are never too sure."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from swarm_core.items import Item
from swarm_core.judges.calibration import Calibration, GoldAnswer, calibrate
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason

LOST = Unscored(UnscoredReason.JUDGE_FAILED, "busy")


def run(pairs: list[tuple[float, Score]], answers_per_item: int = 1, length: int = 3) -> Calibration:
    """The calibration of (gold score, score) pairs."""
    answers = [
        GoldAnswer(Item(f"item {place // answers_per_item}"), "x" * length, gold)
        for place, (gold, _) in enumerate(pairs)
    ]
    return calibrate(answers, [score for _, score in pairs])


def test_the_figures_are_those_computed_by_hand() -> None:
    found = run([(1.0, 1.0)] * 20 + [(1.0, 0.0)] * 5 + [(0.0, 1.0)] * 10 + [(0.0, 0.0)] * 15)
    assert found.accuracy.value == 0.7
    assert found.kappa.value == pytest.approx(0.4)
    assert found.bias.value == pytest.approx(0.1)
    assert (found.full_marks.value, found.full_marks.answers) == (0.4, 25)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[bool, bool]]) -> None:
    found = run([(float(gold), float(score)) for gold, score in pairs]).kappa
    golds, scores = zip(*pairs, strict=True)
    if len({*golds, *scores}) == 1:
        assert found.value is None
    else:
        assert found.value == pytest.approx(cohen_kappa_score(golds, scores))
    assert found.low <= (found.value or 0.0) <= found.high


def test_marks_between_count_by_half_and_full_marks_only_in_full() -> None:
    found = run([(0.4, 0.9), (0.0, 1.0), (0.6, 0.5)])
    assert found.accuracy.value == pytest.approx(1 / 3)
    assert found.full_marks.value == 0.5
    assert found.bias.value == pytest.approx((0.5 + 1.0 - 0.1) / 3)


def test_an_answer_without_a_score_is_counted_and_is_no_number() -> None:
    found = run([(1.0, 1.0), (1.0, LOST), (0.0, 0.0)])
    assert (found.answers, found.unscored) == (3, {"JudgeFailed": 1})
    assert (found.accuracy.value, found.accuracy.answers) == (1.0, 2)


def test_a_judge_that_scores_nothing_has_no_figures() -> None:
    found = run([(1.0, LOST)])
    assert (found.accuracy.value, found.kappa.value, found.bias.value, found.full_marks.value) == (None,) * 4
    assert found.lengths == ()


def test_no_interval_has_zero_width() -> None:
    found = run([(1.0, 1.0), (0.0, 0.0)] * 20)
    for figure in (found.accuracy, found.kappa, found.bias, found.full_marks):
        assert figure.low < figure.high
    assert found.accuracy.low > 0.85


def test_answers_to_one_item_stand_and_fall_together() -> None:
    pairs: list[tuple[float, Score]] = [(1.0, 1.0)] * 20 + [(1.0, 0.0)] * 20
    apart, together = run(pairs).accuracy, run(pairs, answers_per_item=10).accuracy
    assert together.high - together.low > apart.high - apart.low


def test_a_judge_that_favors_length_shows_it() -> None:
    long, short = ([GoldAnswer(Item(f"{n} {i}"), "x" * n, 0.0) for i in range(10)] for n in (500, 5))
    found = calibrate([*long, *short], [1.0] * 10 + [0.0] * 10)
    assert [(one.shortest, one.longest, one.bias.value) for one in found.lengths] == [(5, 5, 0.0), (500, 500, 1.0)]


@given(st.lists(st.integers(0, 9), max_size=30))
def test_every_answer_is_in_one_group_by_length(lengths: list[int]) -> None:
    answers = [GoldAnswer(Item(str(place)), "x" * length, 0.0) for place, length in enumerate(lengths)]
    found = calibrate(answers, [0.0] * len(answers))
    assert sum(group.bias.answers for group in found.lengths) == len(answers)
    assert all(one.longest < other.shortest for one, other in zip(found.lengths, found.lengths[1:], strict=False))


def test_the_intervals_of_accuracy_and_bias_cover_the_truth() -> None:
    """400 judges of accuracy 0.8 with 60 answers: about 95 of 100 intervals hold 0.8."""
    draws = random.Random(1)
    hits = 0
    for _ in range(400):
        pairs: list[tuple[float, Score]] = [(1.0, float(draws.random() < 0.8)) for _ in range(60)]
        figure = run(pairs).accuracy
        hits += figure.low <= 0.8 <= figure.high
    assert 0.92 <= hits / 400 <= 0.98
