"""Intervals: deterministic, honest about rejected items, right about as often as they say."""

import time
from collections import Counter
from dataclasses import replace

import pytest

from swarm_core import streams
from swarm_core.items import build_items
from swarm_core.objectives import intervals
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.objective import MeansObjective, Measurement, Objective, Sample
from swarm_core.objectives.scores import CoverageError, Score, Unscored, UnscoredReason
from swarm_core.objectives.separation import Separation

LOST = Unscored(UnscoredReason.UNREADABLE)
SKILLS = (0.7, 0.5, 0.4, 0.2)


def drawn(seed: int, items: int, asked: int, skills: tuple[float, ...] = SKILLS, lost: float = 0.0) -> Sample:
    """Independent answers of takers of these skills; a share `lost` of them unscored."""

    def score(taker: int, item: int) -> Score:
        if lost and streams.uniform(seed, "lost", taker, item) < lost:
            return LOST
        return float(streams.uniform(seed, "right", taker, item) < skills[taker])

    rows = tuple(tuple(score(taker, item) for item in range(items)) for taker in range(len(skills)))
    names = tuple(f"t{taker}" for taker in range(len(skills)))
    return Sample((build_items(map(str, range(items))),), names, (rows,), asked)


def test_resamples_are_a_function_of_the_seed_and_their_number() -> None:
    few, many = list(intervals.draw_indices(3, 50, 5)), list(intervals.draw_indices(3, 50, 9))
    assert many[:5] == few
    assert len({tuple(chosen) for chosen in many}) == 9
    assert list(intervals.draw_indices(4, 50, 5)) != few


def test_resamples_draw_every_slot_equally_often() -> None:
    counts = Counter(index for chosen in intervals.draw_indices(1, 7, 4000) for index in chosen)
    assert set(counts) == set(range(7))
    assert all(abs(count - 4000) < 250 for count in counts.values())


@pytest.mark.parametrize("lost", [0.0, 0.1], ids=["complete", "some unscored"])
def test_a_draw_is_the_value_of_the_items_it_chose(lost: float) -> None:
    batch = drawn(5, 9, 12, lost=lost)
    expected = []
    for chosen in intervals.draw_indices(8, 12, 50):
        kept = [index for index in chosen if index < 9]
        rows = [[row[index] for index in kept if not isinstance(row[index], Unscored)] for row in batch.scores[0]]
        means = [sum(row) / len(row) for row in rows]  # type: ignore[arg-type]
        expected.append((max(means) - min(means)) / 3 * len(kept) / 12)
    assert intervals.resample(batch, Separation(), 8, 50) == pytest.approx(expected)


def test_a_draw_of_rejected_slots_alone_is_worth_nothing() -> None:
    batch = Sample((build_items(("hard",)),), ("t",), (((0.0,),),), 2)
    assert Counter(intervals.resample(batch, Difficulty(), 1, 400)).keys() == {0.0, 0.5, 1.0}


def test_draws_without_a_score_of_some_taker_are_left_out() -> None:
    batch = Sample((build_items(("a", "b")),), ("x", "y"), (((1.0, LOST), (LOST, 1.0)),), 2)
    values = intervals.resample(batch, Difficulty(), 1, 400)
    assert set(values) == {0.0}
    assert 150 < len(values) < 250  # both items are in about half of the draws


def test_without_a_single_usable_draw_there_is_no_interval() -> None:
    batch = Sample((build_items(("a", "b")),), ("x", "y"), (((LOST, LOST), (1.0, 1.0)),), 2)
    with pytest.raises(CoverageError, match="none of 10 resamples"):
        intervals.resample(batch, Difficulty(), 1, 10)


def test_the_interval_is_the_percentile_one_and_holds_the_value() -> None:
    values = [index / 400 for index in range(401)]
    assert intervals.confidence_interval(0.5, values) == (pytest.approx(0.025), pytest.approx(0.975))
    assert intervals.confidence_interval(0.0, [0.25, 0.5]) == (0.0, pytest.approx(0.49375))
    assert intervals.confidence_interval(0.9, [0.25, 0.5])[1] == 0.9


def test_equal_takers_have_an_interval_from_zero() -> None:
    row = (1.0, 0.0) * 10
    sample = Sample((build_items(("q",) * 20),), ("x", "y"), ((row, row[::-1]),), 20)
    found = intervals.measure(sample, Separation(), 1.0, 1)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high > 0.2


def test_more_items_and_fewer_rejections_narrow_the_interval() -> None:
    def width(batch: Sample) -> float:
        found = intervals.measure(batch, Difficulty(), 0.9, 1)
        return (found.high - found.low) / found.value

    assert width(drawn(1, 400, 400)) < 0.7 * width(drawn(1, 100, 100))
    assert width(drawn(1, 100, 100)) < width(drawn(1, 100, 200))


def test_the_interval_of_a_single_taker_is_right_about_as_often_as_it_says() -> None:
    """Truth 0.6 * 0.8 = 0.48: a taker of skill 0.4, four of five items accepted."""
    hits = 0
    for seed in range(100):
        accepted = sum(streams.uniform(seed, "accepted", slot) < 0.8 for slot in range(80))
        found = intervals.measure(drawn(seed, accepted, 80, (0.4,)), Difficulty(), 0.9, seed)
        hits += found.low <= 0.48 <= found.high
    assert 0.88 < hits / 100 < 0.99


@pytest.mark.parametrize("objective", [Difficulty(), Separation()], ids=["difficulty", "separation"])
def test_the_difference_of_equal_generators_covers_zero_about_as_often_as_it_says(
    objective: Objective,
) -> None:
    hits = 0
    for seed in range(60):
        first, second = drawn(2 * seed, 40, 44, SKILLS[:3]), drawn(2 * seed + 1, 40, 44, SKILLS[:3])
        found = intervals.measure_difference(first, second, objective, 0.9, seed, 200)
        hits += found.low <= 0.0 <= found.high
    assert 0.88 < hits / 60 < 0.995


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


def test_a_generator_against_its_own_data_is_still_two_independent_samples() -> None:
    """Drawn alike, the two resamples would cancel and the interval have no width at all."""
    batch = drawn(1, 100, 100)
    found = intervals.measure_difference(batch, batch, Difficulty(), 0.9, 7)
    single = intervals.measure(batch, Difficulty(), 0.9, 7)
    assert found.value == 0
    assert (found.high - found.low) / (single.high - single.low) == pytest.approx(2**0.5, rel=0.15)


def test_the_same_seed_gives_the_same_interval() -> None:
    batch, other = drawn(1, 50, 60), drawn(2, 50, 60)
    assert intervals.measure(batch, Difficulty(), 0.9, 5) == intervals.measure(batch, Difficulty(), 0.9, 5)
    assert intervals.measure(batch, Difficulty(), 0.9, 5) != intervals.measure(batch, Difficulty(), 0.9, 6)
    found = intervals.measure_difference(batch, other, Separation(), 0.9, 5)
    assert found == intervals.measure_difference(batch, other, Separation(), 0.9, 5)


def test_an_interval_costs_milliseconds() -> None:
    """Processor time, with a wide margin for a busy machine: 9 ms and 0.2 s where it was written."""
    small, large = drawn(1, 110, 120), drawn(2, 560, 600, lost=0.01)
    begun = time.process_time()
    intervals.resample(small, Difficulty(), 1, 200)
    middle = time.process_time()
    intervals.resample(large, Difficulty(), 1, 1000)
    assert middle - begun < 0.05
    assert time.process_time() - middle < 1.5


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
        ["0x1.7d46cefa8d9dfp-2", "0x1.fd82c171c5b0bp-3", "0x1.e763f63f63f62p-2"],
        ["0x1.8744fa94d2b8fp-4", "0x1.e660c990b5afdp-5", "0x1.2c6fe5cd610c0p-3"],
        ["0x1.3333333333333p-1", "0x1.ee81b4e81b4e9p-2", "0x1.6eeeeeeeeeeefp-1"],
        ["0x1.b0d6f7a5f2338p-4", "-0x1.c50adc50adc48p-5", "0x1.0a7d530db5d7fp-2"],
        ["-0x1.ebc5afd0aa32ep-5", "-0x1.dfac3ac461774p-4", "0x1.01b8a5849e32ap-6"],
        ["-0x1.8f9c18f9c18fap-6", "-0x1.c18f9c18f9c19p-3", "0x1.5da895da895dbp-3"],
    ]


class Plain:
    """Wraps an objective of means so that it is resampled as any other: each draw a sample of its own."""

    def __init__(self, inner: MeansObjective) -> None:
        self.inner = inner
        self.needs, self.range, self.revision = inner.needs, inner.range, inner.revision

    def value(self, sample: Sample) -> float:
        return self.inner.value(sample)


@pytest.mark.parametrize("inner", [Difficulty(), Separation()], ids=["difficulty", "separation"])
@pytest.mark.parametrize("lost", [0.0, 0.3], ids=["complete", "some unscored"])
def test_any_objective_can_be_resampled_and_sums_only_save_time(inner: MeansObjective, lost: float) -> None:
    whole = drawn(3, 9, 12, lost=lost)
    split = replace(
        whole,
        items=(whole.items[0][:4], whole.items[0][4:]),
        scores=tuple(tuple(row[part] for row in whole.scores[0]) for part in (slice(4), slice(4, None))),
    )
    for sample in (whole, split):
        assert intervals.resample(sample, Plain(inner), 8, 60) == pytest.approx(intervals.resample(whole, inner, 8, 60))
        assert intervals.measure(sample, Plain(inner), 0.1, 8).parts == intervals.measure(whole, inner, 0.1, 8).parts


def test_features_of_items_are_drawn_with_them() -> None:
    sample = Sample(
        items=(build_items("ab"), build_items("cd")),
        takers=("t",),
        scores=(((1.0, 0.0),), ((0.5, 1.0),)),
        asked=5,
        features={"length": (1.0, 2.0, 3.0, 4.0)},
    )
    drawn_again = intervals.select_slots(sample, [3, 0, 4, 0])
    assert [[item.text for item in items] for items in drawn_again.items] == [["a", "a"], ["d"]]
    assert drawn_again.scores == (((1.0, 1.0),), ((1.0,),))
    assert drawn_again.features == {"length": (1.0, 1.0, 4.0)}
    assert drawn_again.asked == 5


def test_items_lost_to_an_outage_leave_no_measurement_below_coverage() -> None:
    sample = replace(drawn(1, 9, 9), lost=1)
    assert intervals.measure(sample, Difficulty(), 0.9, 1).n == 9
    with pytest.raises(CoverageError, match="9 of 10 requested items exist; coverage requires 95%"):
        intervals.measure(sample, Difficulty(), 0.95, 1)
