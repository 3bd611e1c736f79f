"""Pairs of lists: their values by hand, and which lists are never a pair."""

import pytest

from swarm_core.gates.admission import Rejection
from swarm_core.items import Item
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.objective import RequestCount
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.recipe import ModelName
from swarm_core.rivals import list_pairs
from swarm_core.rivals.list_pairs import ListPair
from swarm_core.rollout import AnsweredItem, Rollout, TakerAnswer, build_sample

MODEL = ModelName("a" * 64)
LOST = Unscored(UnscoredReason.UNAVAILABLE)


def write(*lists: tuple[list[tuple[str, Score]], list[str]], takers: int = 1) -> Rollout:
    """A rollout with one request of two items for each list: its accepted items with scores, and its rejected texts."""
    items = tuple(
        AnsweredItem(Item(text, request=number), (TakerAnswer("", score),) * takers)
        for number, (accepted, _) in enumerate(lists)
        for text, score in accepted
    )
    rejections = tuple(
        Rejection(Item(text, request=number), "Verifiable", "no")
        for number, (_, texts) in enumerate(lists)
        for text in texts
    )
    counts = tuple(RequestCount(0, number, 2) for number in range(len(lists)))
    names = tuple(f"taker {number}" for number in range(takers))
    return Rollout(MODEL, names, 2 * len(lists), 0, items, rejections, 0, counts)


def texts(items: tuple[Item, ...]) -> tuple[str, ...]:
    return tuple(item.text for item in items)


def find(rollout: Rollout, lists_per_prompt: int = 2, gap: float = 0.1) -> list[ListPair]:
    return list_pairs.find_pairs(rollout, build_sample([rollout]), Difficulty(), lists_per_prompt, gap)


HARD = ([("9*9", 0.0), ("8*8", 0.0)], [])
HALF = ([("7*7", 0.0), ("1+1", 1.0)], [])
EASY = ([("2+2", 1.0), ("3+3", 1.0)], [])


def test_the_value_of_a_list_is_its_pseudo_value() -> None:
    """By hand: V = 1/2 over three lists. Without them in turn: 1/4, 1/2, 3/4. 3 V - 2 V_i = 1, 1/2, 0."""
    values = list_pairs.compute_values(build_sample([write(HARD, HALF, EASY)]), Difficulty())
    assert list(values) == [(0, 0, 0), (0, 0, 1), (0, 0, 2)]
    assert list(values.values()) == pytest.approx([1.0, 0.5, 0.0])


def test_the_best_and_the_worst_list_of_each_prompt_are_a_pair() -> None:
    rollout = write(EASY, HALF, HARD, ([("4+4", 1.0), ("5+5", 1.0)], []), ([("6*6", 0.0), ("5*5", 0.0)], []))
    first, second = find(rollout, lists_per_prompt=3)
    assert (texts(first.chosen), texts(first.rejected)) == (("9*9", "8*8"), ("2+2", "3+3"))
    assert (texts(second.chosen), texts(second.rejected)) == (("6*6", "5*5"), ("4+4", "5+5"))
    assert (first.place, second.place) == ((0, 0, 2), (0, 0, 4))
    assert (first.gap, second.gap) == pytest.approx((1.0, 1.0))
    assert len(find(rollout, lists_per_prompt=5)) == 1


def test_lists_of_different_prompts_are_no_pair() -> None:
    assert find(write(HARD, ([("6*6", 0.0), ("5*5", 0.0)], []), EASY, ([("4+4", 1.0), ("5+5", 1.0)], []))) == []


def test_a_list_with_a_rejected_item_is_never_preferred() -> None:
    spoiled = ([("9*9", 0.0)], ["what?"])
    assert find(write(spoiled, EASY)) == []
    (pair,) = find(write(HARD, ([], ["what?", "who?"])))
    assert texts(pair.rejected) == ("what?", "who?")


def test_a_gap_below_the_minimum_is_no_pair() -> None:
    assert len(find(write(HARD, HALF), gap=0.4)) == 1
    assert find(write(HARD, HALF), gap=0.6) == []
    assert find(write(HARD, ([("6*6", 0.0), ("5*5", 0.0)], [])), gap=0.0) == []


def test_a_list_with_a_missing_score_is_no_side() -> None:
    lost, half = ([("6*6", LOST), ("5*5", 0.0)], []), ([("1*1", 1.0), ("1*2", LOST)], [])
    assert [texts(pair.chosen) for pair in find(write(lost, EASY, HARD, HALF), gap=0.0)] == [("9*9", "8*8")]
    assert find(write(HARD, half)) == []


def test_a_request_that_failed_and_a_list_without_text_are_no_side() -> None:
    rollout = write(HARD, ([], []))
    assert find(rollout) == []
