"""Several objectives as one: the value by hand, its interval, and what a sample must have for all of them."""

from functools import partial

import pytest

from swarm_core.composition import Spread
from swarm_core.items import Item
from swarm_core.objectives import intervals
from swarm_core.objectives.composed import ComposedMeans, compose_objectives, unite_needs
from swarm_core.objectives.consistency import Consistency
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.novelty import Novelty, NoveltyForm
from swarm_core.objectives.objective import Needs, Objective, ReferenceScores, Sample
from swarm_core.objectives.personalization import FEATURE, Personalization
from swarm_core.objectives.scores import CoverageError
from swarm_core.objectives.separation import Separation
from swarm_core.weighted_sum import Term, WeightedSum

OBJECTIVES: dict[str, Objective] = {
    "Difficulty": Difficulty(),
    "Separation": Separation(),
    "Novelty": Novelty(),
    "Personalization": Personalization(),
}


def draw_sample(shift: int = 0, requests: int = 12, accepted: bool = True) -> Sample:
    """Three items of each request; two takers, of which the second is right half as often. One in four is rejected."""
    items = tuple(Item(f"{number}-{place}", request=number) for number in range(requests) for place in range(3))
    first = tuple(float((index * 7 + shift) % 5 < 3) for index in range(len(items)))
    second = tuple(float(value and index % 2) for index, value in enumerate(first))
    reference = ReferenceScores({"a": 0.5, "b": 0.5}, {"a": 20, "b": 20})
    if not accepted:
        return Sample(((),), ("a", "b"), (((), ()),), 4 * requests, reference=reference)
    features = {FEATURE: tuple(float((index + shift) % 11) for index in range(len(items)))}
    return Sample((items,), ("a", "b"), ((first, second),), 4 * requests, features=features, reference=reference)


def weigh(*names: str, floor: float | None = None, normalized: bool = False) -> WeightedSum:
    terms = [Term(name, 0.5, OBJECTIVES[name].range, floor) for name in names]
    return WeightedSum(tuple(terms), normalized)


@pytest.mark.parametrize("names", [("Difficulty", "Separation"), ("Difficulty", "Novelty", "Personalization")])
def test_the_value_is_composed_of_the_values_on_the_same_sample(names: tuple[str, ...]) -> None:
    sample, composed = draw_sample(), compose_objectives(OBJECTIVES, weigh(*names), {})
    expected = sum(0.5 * OBJECTIVES[name].value(sample) for name in names)
    assert composed.value(sample) == pytest.approx(expected, abs=1e-12)
    found = intervals.measure(sample, composed, 0.5, 1)
    assert found.value == composed.value(sample)
    assert found.low < found.value < found.high


def test_sums_over_items_and_samples_give_the_same_interval() -> None:
    first, second = draw_sample(), draw_sample(2)
    quick = compose_objectives(OBJECTIVES, weigh("Difficulty", "Separation"), {})
    assert isinstance(quick, ComposedMeans)
    bounds = intervals.Bounds(-1.0, 1.0, 1.0)
    value = quick.value(first) - quick.value(second)
    samples = [intervals.request_units.add_requests(one) for one in (first, second)]
    evaluate = partial(intervals.evaluate_requests, samples, objective=quick)
    slow = intervals.bound_left_out(value, samples, evaluate, 1, bounds, 2)
    sums = [intervals.request_units.sum_requests(one) for one in samples]
    assert intervals.bound_sums(value, sums, quick, 1, bounds) == pytest.approx(slow, abs=1e-12)


def test_a_sum_of_one_objective_has_its_interval() -> None:
    sample = draw_sample()
    alone = compose_objectives(OBJECTIVES, WeightedSum((Term("Difficulty", 1.0, (0.0, 1.0)),)), {})
    plain, composed = (intervals.measure(sample, one, 0.5, 1) for one in (OBJECTIVES["Difficulty"], alone))
    assert (composed.value, composed.low, composed.high) == (plain.value, plain.low, plain.high)


def test_terms_that_rise_and_fall_against_each_other_leave_a_narrow_interval() -> None:
    """The intervals of the terms cannot be added: a wrong answer of the second taker is worth as much as it costs."""
    first, second = draw_sample(), draw_sample(2)
    names = ("Difficulty", "Separation")
    singly = [intervals.measure_difference(first, second, OBJECTIVES[name], 0.5, 1) for name in names]
    together = intervals.measure_difference(first, second, compose_objectives(OBJECTIVES, weigh(*names), {}), 0.5, 1)
    assert together.value == pytest.approx(0.5 * sum(one.value for one in singly), abs=1e-12)
    assert together.high - together.low < 0.5 * sum(one.high - one.low for one in singly)


@pytest.mark.parametrize("normalized", [False, True])
def test_without_an_accepted_item_every_term_is_zero(normalized: bool) -> None:
    start = {"Difficulty": Spread(0.4, 0.1, 8, 1.0), "Novelty": Spread(0.3, 0.2, 8, 1.0)}
    composed = compose_objectives(OBJECTIVES, weigh("Difficulty", "Novelty", normalized=normalized), start)
    found = intervals.measure(draw_sample(accepted=False), composed, 0.5, 1)
    assert found.value == (pytest.approx(0.5 * -4.0 + 0.5 * -1.5) if normalized else 0.0)
    assert found.low <= found.value <= found.high


def test_statistics_that_are_missing_leave_nothing_to_measure() -> None:
    with pytest.raises(CoverageError, match="no candidate of the first iteration has all values"):
        compose_objectives(
            OBJECTIVES, weigh("Difficulty", "Novelty", normalized=True), {"Difficulty": Spread(1, 1, 1, 1.0)}
        )


@pytest.mark.parametrize(("form", "smooth"), [("KullbackLeibler", True), ("RankCorrelation", False)])
def test_ranks_are_no_smooth_function_of_means(form: str, smooth: bool) -> None:
    objectives = {**OBJECTIVES, "Novelty": Novelty(NoveltyForm(form))}
    assert compose_objectives(objectives, weigh("Difficulty", "Novelty"), {}).of_means is smooth


def test_a_term_of_a_set_takes_halves_as_it_does_alone() -> None:
    objectives = {**OBJECTIVES, "Consistency": Consistency(2)}
    half = draw_sample().items[0]
    sample = Sample((half[:18], half[18:]), ("a",), tuple(((tuple(float(i % 3 > 0) for i in range(18)),),) * 2), 36)
    terms = (Term("Difficulty", 0.5, (0.0, 1.0)), Term("Consistency", 0.5, (0.0, 1.0)))
    composed = compose_objectives(objectives, WeightedSum(terms), {})
    assert not composed.of_means
    found = intervals.measure(sample, composed, 0.5, 1)
    assert found.low < found.value < found.high


def test_a_sample_has_what_every_term_needs() -> None:
    needs = unite_needs(
        [Needs(takers=0, corpus=True), Needs(takers=2, reference=True), Needs(repeats=4), Needs(repeats=6)]
    )
    assert needs == Needs(takers=2, repeats=12, reference=True, corpus=True)
