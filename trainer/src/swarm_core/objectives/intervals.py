"""Values with their 95% intervals. No other module makes an interval.

The unit is the request (`request_units`): the items of one completion stand and fall together, and rejected items and
lost completions belong to it. Each unit is left out in turn, within its repeat (`interval_bounds`). Two candidates are
compared over the places of their requests, because they got the same prompts and seeds there. An item that the repeats
of one measurement bring twice is counted once (`rollout.build_sample`).

Random halves of the requests give the variance of an objective that is not a function of means, such as a measure of a
set. They also show where a function of means is not smooth, because takers are level. Only these draws use the seed.

Limits: the interval covers the drawing of items and answers. It does not cover the training of adapters, and nothing
that was the same for all requests. The mean of a maximum is at least the maximum of the means, so difficulty is biased
downward, and separation upward, when several takers are level.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from hashlib import shake_256
from math import fsum
from struct import unpack

from swarm_core.objectives import interval_bounds, request_units
from swarm_core.objectives.interval_bounds import Bounds
from swarm_core.objectives.objective import MeansObjective, Measurement, Objective, Sample, check_sample
from swarm_core.objectives.request_units import UNITS_PER_SCORE, Place, Sums
from swarm_core.objectives.scores import CoverageError, Score, Unscored, is_covered

HALVES = 200
"""The number of random halves. Their standard deviation is accurate to 5%."""


def measure(sample: Sample, objective: Objective, coverage: float, seed: int) -> Measurement:
    """Return the value of `sample` with its 95% interval; the value is 0 if no item was accepted.

    `coverage`: the minimum share of the requested items, and of the scores of each taker, that must exist. `seed`: the
    seed of random halves. Raises CoverageError below the coverage, and ValueError for a sample that
    `objective.check_sample` refuses.
    """
    check_coverage(sample, coverage)
    check_sample(sample)
    accepted = sample.accepted
    means = sample.means(coverage) if accepted else [0.0] * len(sample.takers)
    value = objective.value(sample) if accepted else 0.0
    low, high = bound_samples(value, (sample,), objective, seed)
    by_taker = tuple((f"taker {taker}", mean) for taker, mean in zip(sample.takers, means, strict=True))
    return Measurement(
        value, low, high, accepted, (("accepted", sample.accepted_share), *(by_taker if accepted else ()))
    )


def check_coverage(sample: Sample, coverage: float) -> None:
    """Check that enough of the requested items exist. Raises CoverageError if too many requests failed."""
    wanted = sample.asked + sample.lost
    if wanted and not is_covered(sample.asked, wanted, coverage):
        raise CoverageError(f"{sample.asked} of {wanted} requested items exist; coverage requires {coverage:.0%}")


def measure_difference(first: Sample, second: Sample, objective: Objective, coverage: float, seed: int) -> Measurement:
    """Return the value of `first` minus the value of `second`, with its 95% interval.

    Requests at the same place are left out together. Raises CoverageError if one of the samples cannot be measured.
    """
    values = [measure(sample, objective, coverage, seed) for sample in (first, second)]
    value = values[0].value - values[1].value
    low, high = bound_samples(value, (first, second), objective, seed)
    parts = (("first", values[0].value), ("second", values[1].value))
    return Measurement(value, low, high, values[0].n + values[1].n, parts)


def measure_paired_difference(
    first: Sequence[Score],
    second: Sequence[Score],
    coverage: float,
    seed: int,  # noqa: ARG001 - every measure takes a seed, so that callers need not know which of them draws
    units: Sequence[Hashable] | None = None,
) -> Measurement:
    """Return the mean score of `first` minus that of `second`, with its 95% interval, for two takers on the same items.

        difference = mean_i (a_i - b_i)   over the items that have a score of both takers

    `first`, `second`: [item]. `units`: which completion brought each item, [item]; without it, each item is a unit of
    its own. The differences are paired, so the interval is much narrower than that of two independent means if the
    takers mostly agree. `seed` changes nothing, because nothing is drawn. Raises CoverageError if too few items have
    both scores, and ValueError for different numbers of items.
    """
    both = [
        (unit, a, b)
        for unit, a, b in zip(range(len(first)) if units is None else units, first, second, strict=True)
        if not isinstance(a, Unscored) and not isinstance(b, Unscored)
    ]
    if not is_covered(len(both), len(first), coverage):
        raise CoverageError(f"{len(both)} of {len(first)} items have both scores; coverage requires {coverage:.0%}")
    by_unit: dict[Hashable, list[int]] = defaultdict(lambda: [0, 0])
    for unit, a, b in both:
        by_unit[unit][0] += round(a * UNITS_PER_SCORE) - round(b * UNITS_PER_SCORE)
        by_unit[unit][1] += 1
    size, total = len(both), sum(gap for gap, _ in by_unit.values())
    left_out = [
        (0, (total - gap) / ((size - count) * UNITS_PER_SCORE) if count < size else None)
        for gap, count in by_unit.values()
    ]
    value = total / (size * UNITS_PER_SCORE)
    low, high = interval_bounds.bound_value(value, left_out, (), len(by_unit), Bounds(-1.0, 1.0, 1.0))
    parts = (("first", fsum(a for _, a, _ in both) / size), ("second", fsum(b for _, _, b in both) / size))
    return Measurement(value, low, high, size, parts)


def bound_samples(value: float, samples: Sequence[Sample], objective: Objective, seed: int) -> tuple[float, float]:
    """Return the 95% interval of `value`, which is that of one sample, or that of the first minus that of the second.

    Raises CoverageError if too few halves of the samples have a value.
    """
    samples = [request_units.add_requests(sample) for sample in samples]
    low, high = objective.range
    bounds = Bounds(low, high, high - low) if len(samples) == 1 else Bounds(low - high, high - low, high - low)
    if isinstance(objective, MeansObjective):
        return bound_means(value, samples, objective, seed, bounds)
    return bound_halves(value, samples, objective, seed, bounds)


def bound_means(
    value: float, samples: Sequence[Sample], objective: MeansObjective, seed: int, bounds: Bounds
) -> tuple[float, float]:
    """Return the 95% interval of a function of means, from sums of requests."""
    sums = [request_units.sum_requests(sample) for sample in samples]
    places = list(dict.fromkeys(place for of_sample in sums for place in of_sample))
    totals = [tuple(map(sum, zip(*of_sample.values(), strict=True))) for of_sample in sums]
    nothing = [(0,) * len(total) for total in totals]
    rows = [[of_sample.get(place, none) for place in places] for of_sample, none in zip(sums, nothing, strict=True)]
    left_out = [
        (
            place[0],
            compute_value(
                [tuple(map(int.__sub__, total, row[index])) for total, row in zip(totals, rows, strict=True)], objective
            ),
        )
        for index, place in enumerate(places)
    ]
    counted = sum(any(row[index][1] > 0 for row in rows) for index in range(len(places)))
    columns = [list(zip(*row, strict=True)) for row in rows]
    # A function of one mean has no kink.
    drawn = draw_halves(places, seed) if any(len(sample.takers) > 1 for sample in samples) else ()
    halves = [
        compute_value(
            [tuple(sum(map(column.__getitem__, half)) for column in of_sample) for of_sample in columns], objective
        )
        for half in drawn
    ]
    return interval_bounds.bound_value(value, left_out, [one for one in halves if one is not None], counted, bounds)


def compute_value(samples: Sequence[Sums], objective: MeansObjective) -> float | None:
    """Return the value of the sums of one sample, or that of the first minus that of the second; None without one."""
    return subtract_values([compute_single_value(sums, objective) for sums in samples])


def compute_single_value(sums: Sums, objective: MeansObjective) -> float | None:
    """Return the objective of sums over requests; None if nothing was asked, or if some taker has no score."""
    accepted, asked, *of_takers = sums
    if asked == 0:
        return None
    if accepted == 0:
        return 0.0
    if not all(of_takers[1::2]):
        return None
    means = [total / (count * UNITS_PER_SCORE) for total, count in zip(of_takers[::2], of_takers[1::2], strict=True)]
    return objective.value_of_means(means) * (accepted / asked)


def subtract_values(values: Sequence[float | None]) -> float | None:
    """Return the only value, or the first minus the second; None if one is missing."""
    found = [value for value in values if value is not None]
    if len(found) < len(values):
        return None
    return found[0] if len(found) == 1 else found[0] - found[1]


def bound_halves(
    value: float, samples: Sequence[Sample], objective: Objective, seed: int, bounds: Bounds
) -> tuple[float, float]:
    """Return the 95% interval of any value, from its values on random halves of the requests."""
    places = list(dict.fromkeys(place for sample in samples for place in request_units.split_requests(sample)))
    values = []
    for half in draw_halves(places, seed):
        chosen = {places[index] for index in half}
        values.append(
            subtract_values([evaluate_sample(request_units.select_requests(one, chosen), objective) for one in samples])
        )
    present = [one for one in values if one is not None]
    if len(present) < 2:
        raise CoverageError(f"{len(present)} of {HALVES} halves of the sample have a value; ask for more items")
    return interval_bounds.bound_set_value(value, present, len(places), bounds)


def draw_halves(places: Sequence[Place], seed: int) -> Iterator[list[int]]:
    """Yield the indices of the places in each random half: half of the places of every repeat.

    Draw k is a function of (seed, k): the places with the smallest of 32-bit words of SHAKE-256.
    """
    strata: dict[int, list[int]] = defaultdict(list)
    for index, (repeat, _, _) in enumerate(places):
        strata[repeat].append(index)
    groups = list(strata.values()) if min(map(len, strata.values()), default=0) > 1 else [list(range(len(places)))]
    for draw in range(HALVES):
        words = unpack(f"<{len(places)}I", shake_256(f"half {seed} {draw}".encode()).digest(4 * len(places)))
        yield [index for group in groups for index in sorted(group, key=words.__getitem__)[: len(group) // 2]]


def evaluate_sample(sample: Sample, objective: Objective) -> float | None:
    """Return the value of a part of a sample; None if nothing was asked, or if a score that it needs is missing."""
    if sample.asked == 0:
        return None
    if sample.accepted == 0:
        return 0.0
    try:
        return objective.value(sample)
    except CoverageError:
        return None
