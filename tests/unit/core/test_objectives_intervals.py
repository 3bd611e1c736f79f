"""Intervals: by request, paired by place, never without width, and the same on every machine."""

import time
from dataclasses import replace
from itertools import chain
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core import streams
from swarm_core.items import Item, build_items
from swarm_core.objectives import interval_bounds, intervals, request_units
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.interval_bounds import Bounds
from swarm_core.objectives.objective import MeansObjective, Measurement, Objective, RequestCount, Sample
from swarm_core.objectives.scores import CoverageError, Score, Unscored, UnscoredReason
from swarm_core.objectives.separation import Separation

LOST = Unscored(UnscoredReason.UNREADABLE)
SKILLS = (0.7, 0.5, 0.4, 0.2)
UNIT = Bounds(0.0, 1.0, 1.0)


def drawn(seed: int, items: int, asked: int, skills: tuple[float, ...] = SKILLS, lost: float = 0.0) -> Sample:
    """Independent answers of takers of these skills; a share `lost` of them unscored. Each item is a request."""

    def score(taker: int, item: int) -> Score:
        if lost and streams.uniform(seed, "lost", taker, item) < lost:
            return LOST
        return float(streams.uniform(seed, "right", taker, item) < skills[taker])

    rows = tuple(tuple(score(taker, item) for item in range(items)) for taker in range(len(skills)))
    names = tuple(f"t{taker}" for taker in range(len(skills)))
    return Sample((build_items(map(str, range(items))),), names, (rows,), asked)


def grouped(rows: list[list[float]], asked: int | None = None) -> Sample:
    """One taker's scores, one list for each request."""
    items = tuple(Item(f"{n} {k}", request=n) for n, row in enumerate(rows) for k in range(len(row)))
    size = max(map(len, rows), default=1) if asked is None else asked
    counts = tuple(RequestCount(0, number, size) for number in range(len(rows)))
    return Sample((items,), ("t",), ((tuple(chain.from_iterable(rows)),),), size * len(rows), requests=(counts,))


def width(found: Measurement) -> float:
    return found.high - found.low


def test_items_of_one_request_stand_and_fall_together() -> None:
    """The same answers, spread over requests or not: ten times the items of a completion are no more certain."""
    single = grouped([[float(number % 3 == 0)] for number in range(60)])
    tenfold = grouped([[float(number % 3 == 0)] * 10 for number in range(60)])
    apart = grouped([[float(number % 3 == 0)] for number in range(600)])
    found, copied, more = (intervals.measure(one, Difficulty(), 0.9, 1) for one in (single, tenfold, apart))
    assert (found.value, found.low, found.high) == pytest.approx((copied.value, copied.low, copied.high))
    assert width(more) < 0.4 * width(found)


@given(st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=5), min_size=1, max_size=12))
def test_an_interval_contains_its_value_and_has_a_width_within_the_range(rows: list[list[float]]) -> None:
    for objective in (Difficulty(), Accuracy()):
        found = intervals.measure(grouped(rows, 5), objective, 0.0, 1)
        assert 0.0 <= found.low <= found.value <= found.high <= 1.0
        assert found.low < found.high


@pytest.mark.parametrize(("count", "low"), [(4, 0.510), (48, 0.925), (144, 0.974)])
@pytest.mark.parametrize("right", [0.0, 1.0], ids=["all wrong", "all right"])
def test_requests_that_all_agree_leave_the_width_of_wilson(count: int, low: float, right: float) -> None:
    found = intervals.measure(grouped([[right] * 5] * count), Difficulty(), 0.9, 1)
    expected = (1.0, low, 1.0) if right == 0.0 else (0.0, 0.0, 1.0 - low)
    assert (found.value, found.low, found.high) == pytest.approx(expected, abs=0.001)


def test_nothing_accepted_does_not_prove_that_nothing_ever_is() -> None:
    found = intervals.measure(grouped([[]] * 8, 5), Difficulty(), 0.9, 1)
    assert (found.value, found.low, found.n) == (0.0, 0.0, 0)
    assert 0.2 < found.high < 0.4


def test_one_request_says_nothing_about_its_spread() -> None:
    found = intervals.measure(grouped([[1.0, 0.0, 1.0]]), Difficulty(), 0.9, 1)
    assert (found.low, found.high) == (0.0, 1.0)


def test_lost_requests_do_not_narrow_an_interval() -> None:
    sample = grouped([[float(number % 2)] * 5 for number in range(10)])
    gone = tuple(RequestCount(1, number, 0) for number in range(100))
    with_lost = replace(sample, requests=((*sample.requests[0], *gone),), lost=500)
    found, wider = intervals.measure(sample, Difficulty(), 0.0, 1), intervals.measure(with_lost, Difficulty(), 0.0, 1)
    assert width(found) <= width(wider) < 1.1 * width(found)
    whole = replace(grouped([[0.0] * 5] * 4), lost=500)
    agreed = replace(whole, requests=((*whole.requests[0], *gone),))
    assert intervals.measure(agreed, Difficulty(), 0.0, 1).low == pytest.approx(0.510, abs=0.001)


def test_two_sides_are_compared_place_by_place() -> None:
    """Hard prompts are hard for both sides, so their difference is known better than two independent ones."""
    base = [[float((number * 7 + item) % 10 < number % 10) for item in range(5)] for number in range(60)]
    other = [[0.0, *row[1:]] for row in base]
    first, second = grouped(other), grouped(base)
    paired = intervals.measure_difference(first, second, Difficulty(), 0.9, 1)
    backward = replace(
        first,
        requests=(tuple(replace(count, number=len(base) - 1 - count.number) for count in first.requests[0]),),
    )
    apart = intervals.measure_difference(backward, second, Difficulty(), 0.9, 1)
    assert paired.value == pytest.approx(apart.value)
    assert width(paired) < 0.6 * width(apart)


def test_a_place_that_one_side_lost_is_still_a_unit() -> None:
    rows = [[float(number % 2)] * 5 for number in range(20)]
    both = grouped(rows)
    lost = replace(grouped(rows[:10]), requests=(both.requests[0][:10],))
    found = intervals.measure_difference(both, lost, Difficulty(), 0.9, 1)
    assert found.value == 0.0
    assert width(found) > 0.1


def test_copies_differ_by_nothing_but_not_for_certain() -> None:
    sample = grouped([[float(number % 2)] * 5 for number in range(144)])
    found = intervals.measure_difference(sample, sample, Difficulty(), 0.9, 1)
    assert (found.value, found.low, found.high) == pytest.approx((0.0, -0.026, 0.026), abs=0.001)


def test_takers_on_the_same_items_are_compared_by_the_completion_that_brought_them() -> None:
    first, second = [float(n % 3 > 0) for n in range(90)], [float(n % 2) for n in range(90)]
    single = intervals.measure_paired_difference(first, second, 0.9, 1)
    copied = intervals.measure_paired_difference(
        [one for one in first for _ in range(5)],
        [one for one in second for _ in range(5)],
        0.9,
        1,
        [number for number in range(90) for _ in range(5)],
    )
    assert (single.value, single.low, single.high) == pytest.approx((copied.value, copied.low, copied.high))


def test_level_takers_have_a_separation_that_may_be_above_zero() -> None:
    row = (1.0, 0.0) * 10
    sample = Sample((build_items(("q",) * 20),), ("x", "y"), ((row, row[::-1]),), 20)
    found = intervals.measure(sample, Separation(), 1.0, 1)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high > 0.25


def test_more_items_and_fewer_rejections_narrow_the_interval() -> None:
    def relative(items: int, asked: int) -> float:
        found = [intervals.measure(drawn(seed, items, asked), Difficulty(), 0.9, 1) for seed in range(8)]
        return fmean(width(one) / one.value for one in found)

    assert relative(400, 400) < 0.7 * relative(100, 100)
    assert relative(100, 100) < relative(100, 200)


def test_a_real_difference_is_found_with_its_sign() -> None:
    hard, easy = drawn(1, 300, 300, (0.3, 0.2)), drawn(2, 280, 300, (0.6, 0.2))
    found = intervals.measure_difference(hard, easy, Difficulty(), 0.9, 7)
    back = intervals.measure_difference(easy, hard, Difficulty(), 0.9, 7)
    assert found.low > 0
    assert back.high < 0
    assert found.value == pytest.approx(-back.value)
    assert found.n == 580
    first, second = dict(found.parts)["first"], dict(found.parts)["second"]
    assert found.value == first - second


def test_an_interval_costs_milliseconds() -> None:
    small, large = drawn(1, 120, 120), replace(drawn(1, 720, 720))
    begun = time.process_time()
    intervals.measure(small, Difficulty(), 0.9, 1)
    middle = time.process_time()
    intervals.measure_difference(large, large, Difficulty(), 0.9, 1)
    assert middle - begun < 0.2
    assert time.process_time() - middle < 2.0


def test_a_sample_without_requests_has_those_that_its_items_tell() -> None:
    items = tuple(Item(f"{n}", request=n // 5 + 3) for n in range(20))
    sample = Sample((items,), ("t",), ((tuple(float(n // 5 % 2) for n in range(20)),),), 27)
    counts = request_units.add_requests(sample).requests[0]
    assert [count.asked for count in counts] == [5, 5, 5, 5, 5, 2]
    singly = request_units.add_requests(replace(sample, items=(build_items(map(str, range(20))),))).requests[0]
    assert [count.asked for count in singly] == [1] * 27


def test_an_item_of_an_unknown_request_is_refused() -> None:
    sample = grouped([[1.0], [0.0]])
    with pytest.raises(ValueError, match="'1 0' is of request 1, but there are 1"):
        intervals.measure(replace(sample, requests=(sample.requests[0][:1],)), Difficulty(), 0.5, 1)


class Spread:
    """A measure of a set: the share of pairs of items with different first letters. Halves of a set give the same."""

    needs, range, revision = Difficulty.needs, (0.0, 1.0), 1

    def value(self, sample: Sample) -> float:
        texts = [item.text[0] for items in sample.items for item in items]
        pairs = [(a, b) for number, a in enumerate(texts) for b in texts[:number]]
        return sum(a != b for a, b in pairs) / max(1, len(pairs))


def lettered(seed: int, requests: int, kinds: str = "abcd") -> Sample:
    """Two items of the same letter for each request."""
    letters = [kinds[index] for index in streams.integers(seed, len(kinds), requests, "letters")]
    items = tuple(Item(f"{letter}{number}{k}", request=number) for number, letter in enumerate(letters) for k in "xy")
    counts = tuple(RequestCount(0, number, 2) for number in range(requests))
    return Sample((items,), ("t",), (((0.0,) * len(items),),), len(items), requests=(counts,))


def test_a_measure_of_a_set_is_bounded_by_halves_of_its_requests() -> None:
    found = [intervals.measure(lettered(seed, 24), Spread(), 0.9, seed) for seed in range(60)]
    covered = sum(one.low <= 0.75 * (1 - 1 / 47) <= one.high for one in found)
    assert covered >= 53
    assert all(width(one) < 0.5 for one in found)
    difference = intervals.measure_difference(lettered(1, 30), lettered(2, 30, "ab"), Spread(), 0.9, 1)
    assert 0.0 < difference.low < difference.high < 0.6


def test_a_measure_of_a_set_that_no_half_has_says_so() -> None:
    class Missing(Spread):
        def value(self, sample: Sample) -> float:
            if sample.accepted < 40:
                raise CoverageError("too few")
            return 0.5

    with pytest.raises(CoverageError, match="0 of 200 halves"):
        intervals.measure(lettered(1, 20), Missing(), 0.9, 1)


@pytest.mark.parametrize("inner", [Difficulty(), Separation()], ids=["difficulty", "separation"])
def test_a_function_of_means_that_is_measured_by_halves_has_about_the_same_interval(inner: MeansObjective) -> None:
    class Plain:
        needs, range, revision = inner.needs, inner.range, inner.revision

        def value(self, sample: Sample) -> float:
            return inner.value(sample)

    plain: Objective = Plain()
    batch = drawn(3, 200, 220, lost=0.05)
    by_sums, by_halves = intervals.measure(batch, inner, 0.1, 8), intervals.measure(batch, plain, 0.1, 8)
    assert by_sums.parts == by_halves.parts
    assert width(by_halves) == pytest.approx(width(by_sums), rel=0.2)


def test_halves_take_half_of_each_repeat_and_are_a_function_of_the_seed() -> None:
    places = [(repeat, 0, number) for repeat in range(2) for number in range(10)]
    pairs = list(intervals.draw_halves(places, 3))
    halves = list(chain.from_iterable(pairs))
    assert all(sorted(places[index][0] for index in half) == [0] * 5 + [1] * 5 for half in halves)
    assert all(sorted(half + other) == list(range(20)) for half, other in pairs)
    assert len({tuple(half) for half in halves}) > 190
    assert pairs == list(intervals.draw_halves(places, 3)) != list(intervals.draw_halves(places, 4))


def test_features_and_counts_of_items_go_with_their_requests() -> None:
    sample = request_units.add_requests(
        Sample(
            items=(build_items("ab"), build_items("cd")),
            takers=("t",),
            scores=(((1.0, 0.0),), ((0.5, 1.0),)),
            asked=5,
            features={"length": (1.0, 2.0, 3.0, 4.0)},
        )
    )
    part = request_units.select_requests(sample, {(0, 0, 0), (1, 0, 1)})
    assert part.scores == (((1.0,),), ((1.0,),))
    assert part.features == {"length": (1.0, 4.0)}
    assert (part.asked, part.accepted) == (2, 2)


@pytest.mark.parametrize("freedom", [1, 2, 3, 5, 10, 100])
def test_the_quantile_is_that_of_student(freedom: int) -> None:
    known = {1: 12.706, 2: 4.3027, 3: 3.1824, 5: 2.5706, 10: 2.2281, 100: 1.9840}
    assert interval_bounds.student_quantile(freedom) == pytest.approx(known[freedom], rel=0.002)


def test_an_interval_of_skewed_values_reaches_further_to_the_long_side() -> None:
    few = [float(number % 20 == 0) for number in range(100)]
    left_out = [(0, (sum(few) - one) / 99) for one in few]
    low, high = interval_bounds.bound_value(0.05, left_out, (), 100, UNIT)
    assert high - 0.05 > 1.3 * (0.05 - low)


@pytest.mark.parametrize("shift", [-0.02, 0.02])
def test_a_bias_of_the_halves_moves_the_bounds_of_a_difference_and_adds_no_variance(shift: float) -> None:
    left_out = [(0, 0.001 * (index % 7 - 3)) for index in range(140)]
    halves = [0.03 * (-1) ** index for index in range(100)]
    wide = Bounds(-1.0, 1.0, 1.0)
    low, high = interval_bounds.bound_value(0.0, left_out, halves, 140, wide, 2)
    moved = interval_bounds.bound_value(0.0, left_out, [half + shift for half in halves], 140, wide, 2)
    assert moved == pytest.approx((low - max(shift / 2, shift), high - min(shift / 2, shift)))


def test_items_lost_to_an_outage_leave_no_measurement_below_coverage() -> None:
    sample = replace(drawn(1, 9, 9), lost=1)
    assert intervals.measure(sample, Difficulty(), 0.95, 1).n == 9
    with pytest.raises(CoverageError, match="9 of 10 requested items exist; coverage requires 100%"):
        intervals.measure(sample, Difficulty(), 1, 1)
    with pytest.raises(CoverageError, match="9 of 11 requested items exist; coverage requires 95%"):
        intervals.measure(replace(sample, lost=2), Difficulty(), 0.95, 1)
    with pytest.raises(CoverageError):
        intervals.measure(
            Sample((build_items("ab"),), ("x", "y"), (((LOST, LOST), (1.0, 1.0)),), 2), Difficulty(), 0, 1
        )


def hexadecimal(found: Measurement) -> list[str]:
    return [found.value.hex(), found.low.hex(), found.high.hex()]


def test_values_and_intervals_are_the_same_bits_as_ever() -> None:
    """Computed once and written down: a run is replayed bit for bit, whatever release replays it."""
    batch, other = drawn(11, 50, 60, lost=0.1), drawn(12, 55, 60)
    first, second, *_ = batch.scores[0]
    found = [
        intervals.measure(batch, Difficulty(), 0.5, 5),
        intervals.measure(batch, Separation(), 0.5, 5),
        intervals.measure(drawn(13, 50, 60, (0.7,)), Accuracy(), 0.5, 5),
        intervals.measure_difference(batch, other, Difficulty(), 0.5, 5),
        intervals.measure_difference(batch, other, Separation(), 0.5, 5),
        intervals.measure_paired_difference(first, second, 0.5, 5),
    ]
    assert list(map(hexadecimal, found)) == [
        ["0x1.ddddddddddddep-3", "0x1.1fb228205beb0p-3", "0x1.97ec2a0b3ca08p-2"],
        ["0x1.c71c71c71c71cp-5", "0x0.0p+0", "0x1.7ad2e8f7f3451p-4"],
        ["0x1.3333333333333p-1", "0x1.d9906c6cd22f0p-2", "0x1.7528541bbd6c0p-1"],
        ["-0x1.1111111111110p-5", "-0x1.7937184808cdbp-3", "0x1.21d084dd61775p-3"],
        ["-0x1.9999999999998p-4", "-0x1.6970b19e183f6p-3", "-0x1.2c7f7779d631dp-5"],
        ["-0x1.8f9c18f9c18fap-6", "-0x1.e51bfb866783dp-3", "0x1.83165d2900bb7p-3"],
    ]
