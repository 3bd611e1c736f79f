"""Personalization is the mean similarity of items that were accepted, and asks no taker."""

import math

import pytest

from swarm_core.items import Item, build_items
from swarm_core.objectives import intervals
from swarm_core.objectives.objective import RequestCount, Sample
from swarm_core.objectives.personalization import FEATURE, Personalization
from swarm_core.recipe import ModelName
from swarm_core.rollout import AnsweredItem, Rollout, build_sample

MODEL = ModelName("0" * 64)


def sample(similarities: list[float], asked: int | None = None) -> Sample:
    items = build_items(f"item {index}" for index in range(len(similarities)))
    return Sample((items,), (), ((),), len(items) if asked is None else asked, features={FEATURE: tuple(similarities)})


@pytest.mark.parametrize(
    ("given", "value"),
    [(sample([1.0, 4.0]), 2.5), (sample([1.0, 4.0], asked=4), 1.25), (sample([], asked=3), 0.0)],
    ids=["mean", "half rejected", "nothing accepted"],
)
def test_values_worked_out_by_hand(given: Sample, value: float) -> None:
    assert intervals.measure(given, Personalization(), 0.4, 1).value == value


def test_an_interval_is_within_the_range_and_narrows_with_more_items() -> None:
    few, many = (
        intervals.measure(sample([1.0, 2.0, 3.0, 6.0] * times), Personalization(), 1.0, 1) for times in (4, 25)
    )
    for found in (few, many):
        assert 0.0 <= found.low < found.value < found.high <= 100.0
    assert many.high - many.low < few.high - few.low
    assert many.low > 2.0
    assert many.high - many.low == pytest.approx(2 * 1.98 * math.sqrt(3.5 / 100), rel=0.25)


def test_items_without_a_similarity_are_no_measurement() -> None:
    with pytest.raises(ValueError, match="0 of 1 items have the feature 'corpus'"):
        Personalization().value(Sample((build_items("a"),), (), ((),), 1))


def test_an_item_that_two_rollouts_contain_counts_once_with_its_similarity() -> None:
    def rollout(*pairs: tuple[str, float]) -> Rollout:
        answered = tuple(
            AnsweredItem(Item(text, request=number), (), ((FEATURE, value),))
            for number, (text, value) in enumerate(pairs)
        )
        counts = tuple(RequestCount(0, number, 1) for number in range(len(pairs)))
        return Rollout(MODEL, (), len(pairs), 0, answered, (), 0, counts)

    first, second = rollout(("a", 1.0), ("b", 2.0)), rollout(("b", 2.0), ("c", 6.0))
    assert Rollout.from_bytes(first.to_bytes()) == first
    found = build_sample([first, second])
    assert found.features == {FEATURE: (1.0, 2.0, 6.0)}
    assert Personalization().value(found) == 3.0
