"""Difficulty and Separation against values worked out by hand."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core import catalog, plugins
from swarm_core.errors import BadInputError
from swarm_core.items import build_items
from swarm_core.objectives import intervals
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.objective import Objective, Sample
from swarm_core.objectives.scores import CoverageError, Score, Unscored, UnscoredReason
from swarm_core.objectives.separation import Separation, SeparationForm

LOST = Unscored(UnscoredReason.REFUSED)
BOTH = pytest.mark.parametrize("objective", [Difficulty(), Separation()], ids=["difficulty", "separation"])


def batch(*rows: list[Score], asked: int | None = None) -> Sample:
    """One repeat: a row of scores per taker."""
    takers = tuple(f"t{index}" for index in range(len(rows)))
    items = build_items(f"item {index}" for index in range(len(rows[0])))
    return Sample((items,), takers, (tuple(map(tuple, rows)),), len(items) if asked is None else asked)


def value(objective: Objective, given: Sample, coverage: float = 0.5) -> float:
    return intervals.measure(given, objective, coverage, 1).value


@pytest.mark.parametrize(
    ("given", "hard", "apart"),
    [
        (batch([1, 1, 0, 0], [1, 0, 0, 0]), 0.5, 0.25),
        (batch([1, 1, 1, 1], [0, 0, 0, 0]), 0.0, 1.0),
        (batch([0, 0], [0, 0], [0, 0]), 1.0, 0.0),
        (batch([0.2, 0.4], [0.9, 0.7], [0.5, 0.5], [0.6, 0.6]), 0.2, (0.8 - 0.3) / 3),
        (batch([1, 1, 0, 0], [1, 0, 0, 0], asked=8), 0.25, 0.125),
        (batch([1, 0, LOST, 0], [LOST, 1, 1, 1]), 0.0, 1.0 * 2 / 4),
    ],
    ids=["two takers", "extremes", "nobody knows", "graded scores", "half rejected", "some unscored"],
)
def test_values_worked_out_by_hand(given: Sample, hard: float, apart: float) -> None:
    assert value(Difficulty(), given) == pytest.approx(hard)
    assert value(Separation(), given) == pytest.approx(apart)


def test_separation_is_the_mean_gap_of_sorted_neighbors() -> None:
    means = [0.7, 0.1, 0.4, 0.35]
    ordered = sorted(means)
    gaps = [above - below for below, above in pairwise(ordered)]
    assert Separation().value_of_means(means) == pytest.approx(sum(gaps) / len(gaps))


@pytest.mark.parametrize(
    ("means", "apart"),
    [([0.2, 0.8], 0.3), ([0.5, 0.5, 0.5], 0.0), ([0.0, 0.0, 1.0, 1.0], 0.5), ([0.1, 0.4, 0.4, 0.9], 0.225)],
)
def test_the_deviation_is_the_mean_distance_from_the_mean_of_all(means: list[float], apart: float) -> None:
    deviation = Separation(SeparationForm.DEVIATION)
    assert deviation.value_of_means(means) == pytest.approx(apart)
    assert deviation.value_of_means([1 - mean for mean in means]) == pytest.approx(apart)


def test_the_deviation_sees_takers_between_the_extremes_and_the_gaps_do_not() -> None:
    near, far = [0.0, 0.5, 0.5, 1.0], [0.0, 0.0, 1.0, 1.0]
    assert Separation().value_of_means(near) == Separation().value_of_means(far)
    deviation = Separation(SeparationForm.DEVIATION)
    assert deviation.value_of_means(near) < deviation.value_of_means(far)


def test_a_spec_chooses_the_form_of_separation() -> None:
    assert plugins.build_part("objectives", "Separation", {}).form is SeparationForm.GAPS
    assert plugins.build_part("objectives", "Separation", {"form": "Deviation"}).form is SeparationForm.DEVIATION


def test_one_taker_has_a_difficulty_and_no_separation() -> None:
    assert value(Difficulty(), batch([1, 0, 0, 0])) == 0.75
    with pytest.raises(ValueError, match="1 takers"):
        value(Separation(), batch([1, 0, 0, 0]))
    assert (Difficulty.needs.takers, Separation.needs.takers) == (1, 2)


def test_parts_tell_the_accepted_share_and_every_takers_mean() -> None:
    found = intervals.measure(batch([1, 1], [1, 0], asked=4), Difficulty(), 0.9, 1)
    assert found.parts == (("accepted", 0.5), ("taker t0", 1.0), ("taker t1", 0.5))
    assert found.n == 2


@BOTH
def test_repeats_are_pooled(objective: Objective) -> None:
    first, second = ((1.0, 0.0, 0.5), (0.0, 0.0, 1.0)), ((1.0,), (0.25,))
    apart = Sample((build_items("abc"), build_items("d")), ("x", "y"), (first, second), 5)
    together = Sample((build_items("abcd"),), ("x", "y"), (((1.0, 0.0, 0.5, 1.0), (0.0, 0.0, 1.0, 0.25)),), 5)
    found, expected = (intervals.measure(sample, objective, 1.0, 3) for sample in (apart, together))
    assert (found.value, found.n, found.parts) == (expected.value, expected.n, expected.parts)


@BOTH
def test_nothing_accepted_is_worth_nothing(objective: Objective) -> None:
    found = intervals.measure(batch([], [], asked=20), objective, 0.95, 1)
    assert (found.value, found.low, found.n) == (0.0, 0.0, 0)
    assert 0.0 < found.high < 0.2  # twenty refused items do not prove that the next one is refused


@BOTH
def test_nothing_asked_is_not_a_measurement(objective: Objective) -> None:
    with pytest.raises(CoverageError, match="0 items"):
        intervals.measure(batch([], [], asked=0), objective, 0.95, 1)


@BOTH
@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.1, 1.1])
def test_a_score_that_is_none_is_refused(objective: Objective, bad: float) -> None:
    with pytest.raises(ValueError, match="finite number from 0 to 1"):
        intervals.measure(batch([1, bad], [0, 1]), objective, 0.5, 1)


@BOTH
def test_more_accepted_than_asked_is_refused(objective: Objective) -> None:
    with pytest.raises(ValueError, match="4 items accepted of 3 requested"):
        intervals.measure(batch([1, 1, 1, 1], [0, 0, 0, 0], asked=3), objective, 0.5, 1)


@BOTH
def test_items_without_their_scores_are_refused(objective: Objective) -> None:
    with pytest.raises(ValueError, match="2 items"):
        intervals.measure(Sample((build_items("ab"),), ("x", "y"), (((1.0,), (0.0,)),), 2), objective, 0.5, 1)


@BOTH
def test_a_taker_without_a_row_is_refused(objective: Objective) -> None:
    with pytest.raises(ValueError, match="repeat 0 has 1 rows for 2 takers"):
        intervals.measure(Sample((build_items("a"),), ("x", "y"), (((1.0,),),), 1), objective, 0.5, 1)


@BOTH
def test_below_coverage_there_is_no_measurement(objective: Objective) -> None:
    half = batch([1, LOST, 0, LOST], [1, 1, 1, 1])
    assert intervals.measure(half, objective, 0.5, 1).n == 4
    with pytest.raises(CoverageError, match="2 of 4"):
        intervals.measure(half, objective, 0.51, 1)


@BOTH
def test_one_missing_answer_of_a_few_costs_only_itself_unless_all_are_required(objective: Objective) -> None:
    nine = batch([1, 1, 1, 0, 0, 0, 1, 1, LOST], [1] * 9)
    assert intervals.measure(nine, objective, 0.95, 1).n == 9
    with pytest.raises(CoverageError, match="8 of 9"):
        intervals.measure(nine, objective, 1.0, 1)
    with pytest.raises(CoverageError, match="0 of 1"):
        intervals.measure(batch([LOST], [1]), objective, 0.95, 1)


scores = st.integers(0, 10).map(lambda tenths: tenths / 10)
cubes = st.integers(2, 8).flatmap(
    lambda items: st.lists(st.lists(scores, min_size=items, max_size=items), min_size=1, max_size=4)
)


@settings(max_examples=40, deadline=None)
@given(cubes, st.data())
def test_an_item_that_lacks_a_score_is_worth_what_a_rejected_item_is_worth(
    rows: list[list[float]], data: st.DataObject
) -> None:
    taker = data.draw(st.integers(0, len(rows) - 1))
    item = data.draw(st.integers(0, len(rows[0]) - 1))
    lossy: list[list[Score]] = [list(row) for row in rows]
    lossy[taker][item] = LOST
    rejected = batch(*([*row[:item], *row[item + 1 :]] for row in rows), asked=len(rows[0]))
    after = value(Difficulty(), batch(*lossy), 0.0)
    assert after == value(Difficulty(), rejected)
    assert after <= value(Difficulty(), batch(*rows)) + 1e-12
    if len(rows) > 1:
        assert value(Separation(), batch(*lossy), 0.0) == value(Separation(), rejected)


def test_a_measurement_tells_how_many_accepted_items_are_scored() -> None:
    found = intervals.measure(batch([1, LOST, 0, 0], [1, 1, 1, 0], asked=8), Difficulty(), 0.5, 1)
    assert found.parts == (("accepted", 0.5), ("taker t0", 1 / 3), ("taker t1", 2 / 3), ("scored", 0.75))
    assert found.value == pytest.approx((1 - 2 / 3) * 0.5 * 0.75)
    with pytest.raises(CoverageError, match="none of 2 items has a score of every taker"):
        intervals.measure(batch([1, LOST], [LOST, 1]), Difficulty(), 0.5, 1)


@settings(max_examples=40, deadline=None)
@given(cubes, st.integers(0, 20))
def test_rejected_items_never_help(rows: list[list[float]], rejected: int) -> None:
    clean, costly = batch(*rows), batch(*rows, asked=len(rows[0]) + rejected)
    assert value(Difficulty(), costly) <= value(Difficulty(), clean)
    assert value(Difficulty(), costly) == pytest.approx(
        value(Difficulty(), clean) * len(rows[0]) / (len(rows[0]) + rejected)
    )


@settings(max_examples=40, deadline=None)
@given(cubes)
def test_difficulty_is_within_its_range(rows: list[list[float]]) -> None:
    found = intervals.measure(batch(*rows), Difficulty(), 1.0, 1)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0 + 1e-12


def test_raw_difficulty_looks_at_the_best_taker_alone() -> None:
    assert Difficulty().value_of_means([0.25, 0.75, 0.5]) == 0.25


@settings(max_examples=40, deadline=None)
@given(cubes, st.integers(0, 20))
def test_an_objective_and_its_measurement_have_the_same_value(rows: list[list[float]], rejected: int) -> None:
    found = batch(*rows, asked=len(rows[0]) + rejected)
    assert Difficulty().value(found) == value(Difficulty(), found)
    assert Difficulty().value(batch([], asked=3)) == 0.0


def test_every_objective_says_its_revision_and_its_range() -> None:
    for objective in (Accuracy(), Difficulty(), Separation()):
        assert (objective.revision, objective.range) == (3, (0.0, 1.0))


@pytest.mark.parametrize("name", catalog.OBJECTIVES)
def test_an_objective_refuses_a_setting_that_it_does_not_have(name: str) -> None:
    with pytest.raises(BadInputError, match=f"objective {name}: alpha: .*; correct its settings"):
        plugins.build_part("objectives", name, {"alpha": 1})


def test_objectives_are_found_by_the_name_users_write() -> None:
    assert isinstance(plugins.build_part("objectives", "Difficulty", {}), Difficulty)
    assert isinstance(plugins.build_part("objectives", "Separation", {}), Separation)
    with pytest.raises(BadInputError, match=f"'Humor' is unknown: .*built in are {', '.join(catalog.OBJECTIVES)}"):
        plugins.build_part("objectives", "Humor", {})
