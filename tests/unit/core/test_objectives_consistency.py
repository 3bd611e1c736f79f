"""Consistency against values worked out by hand, and what repeats are made of."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core import plugins
from swarm_core.errors import BadInputError
from swarm_core.items import Item, build_items
from swarm_core.objectives import intervals
from swarm_core.objectives.consistency import Consistency
from swarm_core.objectives.objective import RequestCount, Sample
from swarm_core.objectives.scores import CoverageError, Score, Unscored, UnscoredReason
from swarm_core.recipe import ModelName
from swarm_core.rollout import AnsweredItem, Rollout, TakerAnswer, build_sample, merge_repeats, split_repeats

MODEL = ModelName("0" * 64)
LOST = Unscored(UnscoredReason.REFUSED)


def sample(*repeats: list[list[Score]], asked: int | None = None) -> Sample:
    """A sample with these scores, [repeat][taker][item]."""
    sets = [build_items(f"{number}/{index}" for index in range(len(rows[0]))) for number, rows in enumerate(repeats)]
    takers = tuple(f"t{index}" for index in range(len(repeats[0])))
    scores = tuple(tuple(map(tuple, rows)) for rows in repeats)
    return Sample(tuple(sets), takers, scores, sum(map(len, sets)) if asked is None else asked)


@pytest.mark.parametrize(
    ("given", "repeats", "value"),
    [
        (sample([[1, 0]], [[0, 1]]), 2, 1.0),
        (sample([[1, 1]], [[0, 0]]), 2, 0.5),
        (sample([[1, 1], [1, 0]], [[0, 0], [0, 1]]), 2, 0.75),
        (sample([[1.0]], [[0.0]], [[0.0]], [[0.0]]), 4, 1 - 3**0.5 / 4),
        (sample([[1, LOST]], [[0, 0]]), 2, 0.5 * 3 / 4),
        (sample([[1, 0]], [[0, 1]], asked=8), 2, 0.5),
        (sample([[1, 1]], [[0, 0]], [[1, 0]], [[0, 1]]), 2, 0.75),
    ],
    ids=["equal", "opposite", "two takers", "one of four", "a lost score", "half rejected", "two seeds"],
)
def test_values_worked_out_by_hand(given: Sample, repeats: int, value: float) -> None:
    assert intervals.measure(given, Consistency(repeats), 0.4, 1).value == pytest.approx(value)


def test_a_repeat_without_an_item_of_its_own_is_worth_nothing() -> None:
    assert Consistency(2).value(sample([[1, 1, 0]], [[]], asked=6)) == 0.0
    assert Consistency(2).value(sample([[]], [[]], asked=6)) == 0.0


def test_a_taker_without_a_score_in_a_repeat_leaves_no_measurement() -> None:
    with pytest.raises(CoverageError, match="0 of 2 answers are scored"):
        Consistency(2).value(sample([[1, 1]], [[LOST, LOST]]))


def test_a_sample_of_another_number_of_repeats_is_refused() -> None:
    with pytest.raises(ValueError, match="3 sets of items: consistency compares 2"):
        Consistency(2).value(sample([[1]], [[1]], [[1]]))


scores = st.integers(0, 4).map(lambda quarters: quarters / 4)
sets = st.lists(st.lists(scores, min_size=3, max_size=3), min_size=2, max_size=2)


@settings(max_examples=40, deadline=None)
@given(st.lists(sets, min_size=4, max_size=4))
def test_a_value_is_within_its_range_and_its_interval(repeats: list[list[list[Score]]]) -> None:
    found = intervals.measure(sample(*repeats), Consistency(4), 1.0, 1)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0


def test_a_spec_chooses_the_number_of_repeats() -> None:
    assert plugins.build_part("objectives", "Consistency", {}).needs.repeats == 4
    assert plugins.build_part("objectives", "Consistency", {"repeats": 2}).needs.repeats == 2
    with pytest.raises(BadInputError, match="repeats"):
        plugins.build_part("objectives", "Consistency", {"repeats": 1})


def written(texts: list[str], score: float = 1.0) -> Rollout:
    """A rollout of one repeat, with a request for each item."""
    answered = tuple(
        AnsweredItem(Item(text, request=number), (TakerAnswer("a", score),)) for number, text in enumerate(texts)
    )
    counts = tuple(RequestCount(0, number, 1) for number in range(len(texts)))
    return Rollout(MODEL, ("a",), len(texts), 0, answered, (), 3, counts)


def test_the_repeats_of_a_measurement_are_one_rollout_and_come_apart_again() -> None:
    several = [written(["a", "b"]), written(["c"]), written(["d", "e", "f"])]
    whole = merge_repeats(several)
    assert (whole.asked, whole.tokens, [one.item.request for one in whole.items]) == (6, 9, [0, 1, 2, 3, 4, 5])
    assert Rollout.from_bytes(whole.to_bytes()) == whole
    assert [one.items for one in split_repeats(whole)] == [one.items for one in several]
    found = build_sample([whole])
    assert [len(items) for items in found.items] == [2, 1, 3]
    assert (found.asked, found.accepted) == (6, 6)


def test_one_repeat_is_the_rollout_that_it_was() -> None:
    assert merge_repeats([written(["a"])]) == written(["a"])


def test_what_is_lost_and_rejected_stays_counted() -> None:
    first = replace(written(["a", "b"]), asked=5, lost=1)
    whole = merge_repeats([first, replace(written(["c"]), lost=2, asked=3)])
    assert (whole.asked, whole.lost, whole.rejected()) == (8, 3, {"missing": 2})
    assert build_sample([whole]).lost == 3


def test_copies_across_repeats_count_once_and_copies_of_a_whole_repeat_are_worth_nothing() -> None:
    some = build_sample([merge_repeats([written(["a", "b"]), written(["b", "c"])])])
    assert ([len(items) for items in some.items], some.accepted_share) == ([2, 1], 1.0)
    copied = build_sample([merge_repeats([written(["a", "b"]), written(["a", "b"])])])
    assert Consistency(2).value(copied) == 0.0


def test_items_that_are_all_right_look_consistent_and_noise_makes_a_value_below_one() -> None:
    """The known bias: halves of one list of right and wrong answers differ by chance."""
    right = sample([[1] * 10], [[1] * 10])
    noisy = sample([[1] * 6 + [0] * 4], [[1] * 4 + [0] * 6])
    assert Consistency(2).value(right) == 1.0
    assert Consistency(2).value(noisy) == pytest.approx(0.9)
