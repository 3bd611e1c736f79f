"""Rollouts keep everything, and what is missing stays missing."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core.format_version import UnknownVersionError
from swarm_core.gates.admission import Rejection
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.objectives import intervals
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.objective import Measurement, RequestCount
from swarm_core.objectives.scores import CoverageError, Score, Unscored, UnscoredReason
from swarm_core.recipe import ModelName
from swarm_core.rollout import AnsweredItem, Rollout, TakerAnswer, Unmeasured, build_sample, measure, sum_totals

MODEL = ModelName("0" * 64)
scores: st.SearchStrategy[Score] = st.one_of(
    st.floats(0, 1), st.builds(Unscored, st.sampled_from(UnscoredReason), st.text(max_size=5))
)
answers = st.builds(TakerAnswer, st.none() | st.text(max_size=8), scores)
questions = st.builds(
    Item,
    st.text(max_size=8),
    st.none() | st.text(max_size=3),
    st.lists(st.text(max_size=3), max_size=2).map(tuple),
    st.integers(0, 9),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2).map(lambda it: tuple(sorted(it.items()))),
)
items = st.builds(AnsweredItem, questions, st.tuples(answers, answers))
rejections = st.builds(Rejection, questions, st.sampled_from(["parse", "duplicate"]), st.text(max_size=8))


@st.composite
def rollouts(draw: st.DrawFn) -> Rollout:
    accepted = tuple(draw(st.lists(items, max_size=5)))
    rejected = tuple(draw(st.lists(rejections, max_size=5)))
    missing, lost = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    asked = len(accepted) + len(rejected) + missing + lost
    requests = tuple(RequestCount(0, number, size) for number, size in enumerate(draw(st.lists(st.integers(0, 5)))))
    return Rollout(MODEL, ("a", "b"), asked, lost, accepted, rejected, draw(st.integers(0, 99)), requests)


@given(rollouts())
def test_a_rollout_comes_back_from_its_bytes_as_it_was(rollout: Rollout) -> None:
    assert Rollout.from_bytes(rollout.to_bytes()) == rollout
    assert Rollout.from_bytes(rollout.to_bytes()).to_bytes() == rollout.to_bytes()


@given(rollouts())
def test_every_item_asked_for_is_accounted_for(rollout: Rollout) -> None:
    assert len(rollout.items) + sum(rollout.rejected().values()) + rollout.lost == rollout.asked


@given(st.lists(rollouts(), max_size=4))
def test_totals_are_the_sums_of_the_parts(several: list[Rollout]) -> None:
    total = sum_totals(several)
    assert total.asked == sum(rollout.asked for rollout in several)
    assert sum(total.rejected.values()) == sum(sum(rollout.rejected().values()) for rollout in several)


@given(st.lists(rollouts(), max_size=4), st.integers(0, 4))
def test_totals_of_parts_add_up_to_those_of_the_whole(several: list[Rollout], place: int) -> None:
    assert sum_totals(several[:place]) + sum_totals(several[place:]) == sum_totals(several)


def item(first: Score, second: Score, text: str = "1+1") -> AnsweredItem:
    return AnsweredItem(Item(text), (TakerAnswer("2", first), TakerAnswer("2", second)))


def test_rejected_items_cost_the_generator() -> None:
    clean = Rollout(MODEL, ("a", "b"), 2, 0, (item(0.0, 0.0, "1+1"), item(1.0, 0.0, "2+2")), (), 0)
    noisy = Rollout(
        MODEL, ("a", "b"), 4, 0, clean.items, (Rejection(Item("x"), "parse", ""), Rejection(Item("y"), "parse", "")), 0
    )
    found = [measure([rollout], Difficulty(), 0.95, 0) for rollout in (clean, noisy)]
    assert [one.value for one in found if isinstance(one, Measurement)] == [0.5, 0.25]


def test_items_lost_to_an_outage_cost_nobody_but_too_many_leave_no_measurement() -> None:
    kept = tuple(item(0.0, 0.0, f"{n}+1") for n in range(19))
    within = Rollout(MODEL, ("a", "b"), 20, 1, kept, (), 0)
    assert build_sample([within]).asked == 19
    assert isinstance(measure([within], Difficulty(), 0.95, 0), Measurement)
    beyond = build_sample([Rollout(MODEL, ("a", "b"), 20, 2, kept[:18], (), 0)])
    with pytest.raises(CoverageError, match="18 of 20"):
        intervals.measure(beyond, Difficulty(), 0.95, 0)


def test_an_outage_of_a_taker_leaves_no_measurement_and_no_number() -> None:
    silent = Unscored(UnscoredReason.REFUSED, "flagged")
    rollout = Rollout(MODEL, ("a", "b"), 2, 0, (item(1.0, silent, "1+1"), item(1.0, silent, "2+2")), (), 0)
    found = measure([rollout], Difficulty(), 0.95, 0)
    assert isinstance(found, Unmeasured)
    assert "0 of 2" in found.reason


def test_rollouts_of_several_seeds_are_pooled() -> None:
    one = Rollout(MODEL, ("a", "b"), 1, 0, (item(0.0, 0.0),), (), 0)
    two = Rollout(MODEL, ("a", "b"), 1, 0, (item(1.0, 1.0, "2+2"),), (), 0)
    found = measure([one, two], Difficulty(), 0.95, 0)
    assert isinstance(found, Measurement)
    assert (found.value, found.n) == (0.5, 2)


def test_a_sample_has_a_repeat_for_each_rollout() -> None:
    one = Rollout(MODEL, ("a", "b"), 3, 1, (item(0.0, 1.0, "1+1"), item(0.5, 0.25, "2+2")), (), 0)
    two = Rollout(MODEL, ("a", "b"), 2, 0, (item(1.0, 1.0, "3+3"),), (), 0)
    found = build_sample([one, two])
    assert [[each.text for each in repeat] for repeat in found.items] == [["1+1", "2+2"], ["3+3"]]
    assert found.scores == (((0.0, 0.5), (1.0, 0.25)), ((1.0,), (1.0,)))
    assert (found.takers, found.asked, found.lost, found.accepted) == (("a", "b"), 4, 1, 3)


def written(texts: Sequence[str], score: float = 0.0, shots: int = 2) -> Rollout:
    """The rollout of a generator whose completions each brought `shots` of these items."""
    requests = tuple(RequestCount(0, number, shots) for number in range(len(texts) // shots))
    answered = tuple(
        AnsweredItem(Item(text, request=number // shots), (TakerAnswer("", score if number % 3 else 1.0),))
        for number, text in enumerate(texts)
    )
    return Rollout(MODEL, ("a",), len(texts), 0, answered, (), 0, requests)


def test_ten_copies_of_a_rollout_are_as_good_as_one() -> None:
    one = written([f"{n}+1" for n in range(40)])
    assert measure([one] * 10, Difficulty(), 0.9, 0) == measure([one], Difficulty(), 0.9, 0)


@pytest.mark.parametrize(("spelling", "judge"), [("{} + 1 = ?", None), ("(1)+{}.0", ArithmeticJudge())])
def test_copies_in_another_spelling_are_copies(spelling: str, judge: ArithmeticJudge | None) -> None:
    one, other = (written([text.format(n) for n in range(40)]) for text in ("{}+1", spelling))
    assert measure([one, other], Difficulty(), 0.9, 0, judge) == measure([one], Difficulty(), 0.9, 0, judge)


def test_an_item_that_two_rollouts_contain_counts_once_and_was_accepted_twice() -> None:
    one, two = written(["1+1", "2+2"]), written(["2+2", "3+3"], 1.0)
    found = build_sample([one, two])
    assert [[each.text for each in repeat] for repeat in found.items] == [["1+1", "2+2"], ["3+3"]]
    assert (found.accepted, found.asked, found.accepted_share) == (3, 4, 1.0)
    measured = measure([one, two], Difficulty(), 0.9, 0)
    assert isinstance(measured, Measurement)
    assert (measured.n, measured.value) == (3, pytest.approx(1 / 3))


def test_a_generator_that_only_repeats_itself_does_not_gain_by_rounds_that_are_left_out() -> None:
    good, stuck = written(["1+1", "2+2"]), written(["1+1", "2+2"])
    refused = tuple(Rejection(Item(f"{n}", request=0), "parse", "") for n in range(3))
    noisy = replace(stuck, asked=8, rejections=refused, requests=(RequestCount(0, 0, 8),))
    assert build_sample([good, noisy]).accepted_share == 4 / 10


@pytest.mark.parametrize("version", [None, 1, 3, 5])
def test_a_rollout_of_another_format_is_refused_with_both_versions(version: int | None) -> None:
    fields = json.loads(gzip.decompress(Rollout(MODEL, ("a",), 0, 0, (), (), 0).to_bytes()))
    assert fields.pop("version") == 4
    data = gzip.compress(json.dumps(fields if version is None else {**fields, "version": version}).encode())
    with pytest.raises(
        UnknownVersionError, match=f"a rollout of format version {version}: this release reads version 4"
    ):
        Rollout.from_bytes(data)
