"""Values with their 95% intervals. No other module makes an interval.

An item without a score of every taker counts as a rejected one (`scored_items`).

The unit is the request (`request_units`): the items of one completion stand and fall together, and rejected items and
lost completions belong to it. Each unit is left out in turn, within its repeat (`interval_bounds`). Two candidates are
compared over the places of their requests, because they got the same prompts and seeds there. An item that the repeats
of one measurement bring twice is counted once (`rollout.build_sample`).

Random halves of the requests give the variance of an objective that is not a function of means, such as a measure of a
set. They also show the variance and the bias of a function of means that is not smooth, because takers are level. Only
these draws use the seed. A weighted sum is measured as one objective (`composed`): if all its terms are smooth
functions of means over items, each request is left out of all terms at once, and otherwise it takes halves.

Limits: the interval covers the drawing of items and answers. It does not cover the training of adapters, and nothing
that was the same for all requests. The mean of a maximum is at least the maximum of the means, so difficulty is biased
downward, and separation upward, when several takers are level. The interval is corrected for that, the value is not.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import shake_256
from itertools import chain
from statistics import fmean
from struct import unpack
from typing import ClassVar

from swarm_core.objectives import interval_bounds, request_units
from swarm_core.objectives.composed import ComposedObjective, find_value_without_items
from swarm_core.objectives.interval_bounds import Bounds
from swarm_core.objectives.objective import (
    FunctionOfMeans,
    MeansObjective,
    Measurement,
    Objective,
    Sample,
    check_sample,
)
from swarm_core.objectives.request_units import SUMS_OF_ONE_MEAN, UNITS_PER_SCORE, Place, Sums
from swarm_core.objectives.scored_items import select_scored
from swarm_core.objectives.scores import CoverageError, Score, Unscored, is_covered

Evaluate = Callable[[Collection[Place]], float | None]
"""The value of the chosen requests; None if it has none."""
HALVES = 200
"""The number of random halves, each of which is followed by the other half. Their standard deviation is accurate to 7%.
"""


def measure(sample: Sample, objective: Objective, coverage: float, seed: int) -> Measurement:
    """Return the value of `sample` with its 95% interval; the value is 0 if no item was accepted.

    `coverage`: the minimum share of the requested items, and of the scores of each taker, that must exist. `seed`: the
    seed of random halves. Raises CoverageError below the coverage, and ValueError for a sample that
    `objective.check_sample` refuses.
    """
    scored = select_measured(sample, objective, coverage)
    accepted = sample.accepted
    value = objective.value(scored) if accepted else find_value_without_items(objective)
    low, high = bound_samples(value, (scored,), objective, seed)
    means = zip(sample.takers, scored.means(), strict=True) if accepted else ()
    parts = (("accepted", sample.accepted_share), *((f"taker {taker}", mean) for taker, mean in means))
    if scored.accepted < accepted:
        parts = (*parts, ("scored", scored.accepted / accepted))
    return Measurement(value, low, high, accepted, parts)


def select_measured(sample: Sample, objective: Objective, coverage: float) -> Sample:
    """Return the part of `sample` that counts: the items with a score of every taker (`scored_items`).

    Raises CoverageError if too many requests failed, if gates could not decide about too many items, or if too many
    scores are missing; ValueError as `measure` does.
    """
    wanted, found = sample.asked + sample.lost, sample.asked - sample.undecided
    if wanted and not is_covered(found, wanted, coverage):
        open_ = f"; gates could not decide about {sample.undecided}" if sample.undecided else ""
        raise CoverageError(f"{found} of {wanted} requested items exist; coverage requires {coverage:.0%}{open_}")
    check_sample(sample)
    if sample.accepted:
        sample.means(coverage)
    return select_scored(sample, every_repeat=objective.needs.repeats > 1)


def measure_difference(first: Sample, second: Sample, objective: Objective, coverage: float, seed: int) -> Measurement:
    """Return the value of `first` minus the value of `second`, with its 95% interval.

    Requests at the same place are left out together. Raises CoverageError if one of the samples cannot be measured.
    """
    values = [measure(sample, objective, coverage, seed) for sample in (first, second)]
    value = values[0].value - values[1].value
    scored = [select_measured(sample, objective, coverage) for sample in (first, second)]
    low, high = bound_samples(value, scored, objective, seed)
    parts = (("first", values[0].value), ("second", values[1].value))
    return Measurement(value, low, high, values[0].n + values[1].n, parts)


def measure_paired_difference(
    first: Sequence[Score],
    second: Sequence[Score],
    coverage: float,
    seed: int,
    units: Sequence[Hashable] | None = None,
) -> Measurement:
    """Return the mean score of `first` minus that of `second`, with its 95% interval, for two takers on the same items.

    The arguments and errors are those of `measure_smallest_difference`.
    """
    return measure_smallest_difference(first, {"second": second}, coverage, seed, units)[1]


def measure_smallest_difference(
    first: Sequence[Score],
    others: Mapping[str, Sequence[Score]],
    coverage: float,
    seed: int,
    units: Sequence[Hashable] | None = None,
) -> tuple[str, Measurement]:
    """Return the best of `others`, and the mean score of `first` minus its own, with its 95% interval.

        difference = min_k mean_i (a_i - b_ik)   over the items that have a score of both takers

    `first`: the scores of a taker, [item]; `others`: those of other takers by name on the same items. `units`: which
    completion brought each item, [item]; without it, each item is a unit of its own. The differences are paired, so the
    interval is much narrower than that of two independent means if the takers mostly agree. It is that of the minimum,
    because the best of the others is found on these items. Raises CoverageError if too few items have both scores, and
    ValueError for different numbers of items.
    """
    pairs = {name: pair_scores(first, second, coverage) for name, second in others.items()}
    sums = sum_gaps(list(pairs.values()), range(len(first)) if units is None else units)
    objective, totals = SmallestMean(), add_sums(sums)
    value = compute_value([totals], objective)
    assert value is not None  # each pair has items
    low, high = bound_sums(value, [sums], objective, seed, Bounds(-1.0, 1.0, 1.0))
    gaps = {name: totals[2 + 2 * column] / len(pairs[name]) for column, name in enumerate(pairs)}
    best = min(pairs, key=lambda name: (gaps[name], name))
    _, *both = zip(*pairs[best], strict=True)
    means = zip(("first", "second"), map(fmean, both), strict=True)
    return best, Measurement(value, low, high, len(pairs[best]), tuple(means))


def sum_gaps(pairs: Sequence[Sequence[tuple[int, float, float]]], units: Sequence[Hashable]) -> dict[Place, Sums]:
    """Return the sums of the differences of each pair of takers, by unit.

    `pairs`: index and scores of each item that has both scores, [pair][item]. `units`: [item]. A unit counts as one
    item that was asked and accepted.
    """
    numbers = {unit: number for number, unit in enumerate(dict.fromkeys(units))}
    sums: dict[Place, list[int]] = {}
    for column, both in enumerate(pairs, 1):
        for index, a, b in both:
            row = sums.setdefault((0, 0, numbers[units[index]]), [1, 1, *[0] * (2 * len(pairs))])
            row[2 * column] += round(a * UNITS_PER_SCORE) - round(b * UNITS_PER_SCORE)
            row[2 * column + 1] += 1
    return {place: tuple(row) for place, row in sorted(sums.items())}


def pair_scores(first: Sequence[Score], second: Sequence[Score], coverage: float) -> list[tuple[int, float, float]]:
    """Return the index and both scores of each item that has both. Raises CoverageError if these are too few."""
    both = [
        (index, a, b)
        for index, (a, b) in enumerate(zip(first, second, strict=True))
        if not isinstance(a, Unscored) and not isinstance(b, Unscored)
    ]
    if not is_covered(len(both), len(first), coverage):
        raise CoverageError(f"{len(both)} of {len(first)} items have both scores; coverage requires {coverage:.0%}")
    return both


class SmallestMean(MeansObjective):
    """The smallest of several means."""

    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def value_of_means(self, means: Sequence[float]) -> float:
        """Return the minimum of `means`."""
        return min(means)


def bound_samples(value: float, samples: Sequence[Sample], objective: Objective, seed: int) -> tuple[float, float]:
    """Return the 95% interval of `value`, which is that of one sample, or that of the first minus that of the second.

    Raises CoverageError if too few halves of the samples have a value.
    """
    samples = [request_units.add_requests(sample) for sample in samples]
    low, high = objective.range
    bounds = Bounds(low, high, high - low) if len(samples) == 1 else Bounds(low - high, high - low, high - low)
    if isinstance(objective, FunctionOfMeans):
        return bound_sums(value, [request_units.sum_requests(sample) for sample in samples], objective, seed, bounds)
    evaluate = partial(evaluate_requests, samples, objective=objective)
    if isinstance(objective, ComposedObjective) and objective.of_means:
        return bound_left_out(value, samples, evaluate, seed, bounds, len(samples))
    return bound_halves(value, samples, evaluate, seed, bounds)


def bound_sums(
    value: float, sums: Sequence[Mapping[Place, Sums]], objective: FunctionOfMeans, seed: int, bounds: Bounds
) -> tuple[float, float]:
    """Return the 95% interval of a function of means, from the sums of each sample's requests."""
    places = list(dict.fromkeys(place for of_sample in sums for place in of_sample))
    totals = [add_sums(of_sample) for of_sample in sums]
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
    halves: list[float | None] = []
    if max(map(len, totals)) > SUMS_OF_ONE_MEAN:  # a function of one mean has no kink
        for half, _ in draw_halves(places, seed):
            chosen = [tuple(sum(map(column.__getitem__, half)) for column in of_sample) for of_sample in columns]
            others = [tuple(map(int.__sub__, total, sums)) for total, sums in zip(totals, chosen, strict=True)]
            halves += [compute_value(chosen, objective), compute_value(others, objective)]
    present = [one for one in halves if one is not None]
    return interval_bounds.bound_value(value, left_out, present, counted, bounds, len(sums))


def add_sums(sums: Mapping[Place, Sums]) -> Sums:
    """Return the sums over all requests."""
    return tuple(map(sum, zip(*sums.values(), strict=True)))


def compute_value(samples: Sequence[Sums], objective: FunctionOfMeans) -> float | None:
    """Return the value of the sums of one sample, or that of the first minus that of the second; None without one."""
    return subtract_values([compute_single_value(sums, objective) for sums in samples])


def compute_single_value(sums: Sums, objective: FunctionOfMeans) -> float | None:
    """Return the objective of sums over requests; None if nothing was asked, or if some taker has no score."""
    accepted, asked, *of_takers = sums
    if asked == 0:
        return None
    if accepted == 0:
        return find_value_without_items(objective)
    if not all(of_takers[1::2]):
        return None
    means = [total / (count * UNITS_PER_SCORE) for total, count in zip(of_takers[::2], of_takers[1::2], strict=True)]
    return objective.value_of_share(means, accepted / asked)


def subtract_values(values: Sequence[float | None]) -> float | None:
    """Return the only value, or the first minus the second; None if one is missing."""
    found = [value for value in values if value is not None]
    if len(found) < len(values):
        return None
    return found[0] if len(found) == 1 else found[0] - found[1]


def measure_function(
    samples: Sequence[Sample],
    function: Callable[[Sequence[Sample]], float | None],
    of_means: bool,
    seed: int,
    bounds: Bounds,
    sides: int,
) -> tuple[float, float, float]:
    """Return the value of any function of several samples, and the ends of its 95% interval.

    `function`: returns None where a score that it needs is missing. `of_means`: whether it is a function of means over
    items, so that single requests may be left out. `sides`: 2 if it is a difference. Requests at the same place are
    left out of all samples together. Raises CoverageError if the samples, or too many halves of them, have no value.
    """
    value = function(samples)
    if value is None:
        raise CoverageError("a score that the value of several samples needs is missing; ask for more items")
    complete = [request_units.add_requests(sample) for sample in samples]

    def evaluate(chosen: Collection[Place]) -> float | None:
        return function([request_units.select_requests(sample, chosen) for sample in complete])

    if of_means:
        return (value, *bound_left_out(value, complete, evaluate, seed, bounds, sides))
    return (value, *bound_halves(value, complete, evaluate, seed, bounds))


def bound_left_out(
    value: float, samples: Sequence[Sample], evaluate: Evaluate, seed: int, bounds: Bounds, sides: int
) -> tuple[float, float]:
    """Return the 95% interval of a smooth function of means over items, which sums over items alone do not give.

    It is that of `bound_sums`, from samples instead of sums. `evaluate`: the value of the chosen requests.
    """
    units = [request_units.split_requests(sample) for sample in samples]
    places = list(dict.fromkeys(chain.from_iterable(units)))
    every = set(places)
    left_out = [(place[0], evaluate(every - {place})) for place in places]
    counted = sum(
        any(place in of_sample and of_sample[place].count.asked > 0 for of_sample in units) for place in places
    )
    halves = chain.from_iterable(draw_halves(places, seed))
    values = [evaluate({places[index] for index in half}) for half in halves]
    present = [one for one in values if one is not None]
    return interval_bounds.bound_value(value, left_out, present, counted, bounds, sides)


def evaluate_requests(samples: Sequence[Sample], chosen: Collection[Place], objective: Objective) -> float | None:
    """Return the value of the chosen requests of one sample, or that of the first minus that of the second."""
    return subtract_values([evaluate_sample(request_units.select_requests(one, chosen), objective) for one in samples])


def bound_halves(
    value: float, samples: Sequence[Sample], evaluate: Evaluate, seed: int, bounds: Bounds
) -> tuple[float, float]:
    """Return the 95% interval of any value, from its values on random halves of the requests."""
    places = list(dict.fromkeys(place for sample in samples for place in request_units.split_requests(sample)))
    halves = chain.from_iterable(draw_halves(places, seed))
    values = [evaluate({places[index] for index in half}) for half in halves]
    present = [one for one in values if one is not None]
    if len(present) < 2:
        raise CoverageError(f"{len(present)} of {HALVES} halves of the sample have a value; ask for more items")
    return interval_bounds.bound_set_value(value, present, len(places), bounds)


def bound_statistic(
    value: float,
    samples: Sequence[Sample],
    objective: Objective,
    statistic: Callable[[Sequence[float]], float | None],
    seed: int,
    bounds: Bounds,
) -> tuple[float, float]:
    """Return the 95% interval of a statistic of the values of several samples, such as a rank correlation.

    `statistic`: from the values of the samples, [sample]; None if there is none. `value`: that of all requests. All
    samples get the same halves, because they got the same prompts. If most halves have no statistic, the interval is
    `bounds`.
    """
    evaluate = [build_evaluator(request_units.add_requests(sample), objective) for sample in samples]
    places = list(dict.fromkeys(chain.from_iterable(of_sample for of_sample, _ in evaluate)))
    found: list[float] = []
    for half in chain.from_iterable(draw_halves(places, seed)):
        chosen = {places[index] for index in half}
        values = [one(chosen) for _, one in evaluate]
        present = [one for one in values if one is not None]
        theta = statistic(present) if len(present) == len(values) else None
        found += [] if theta is None else [theta]
    if 2 * len(found) < HALVES:
        return bounds.low, bounds.high
    return interval_bounds.bound_set_value(value, found, len(places), bounds)


def build_evaluator(
    sample: Sample, objective: Objective
) -> tuple[Collection[Place], Callable[[Collection[Place]], float | None]]:
    """Return the places of a sample's requests, and the function from some places to the value of their requests.

    `sample` has requests (`request_units.add_requests`).
    """
    if not isinstance(objective, FunctionOfMeans):
        units = request_units.split_requests(sample)
        return units, lambda chosen: evaluate_sample(request_units.select_requests(sample, chosen), objective)
    sums = request_units.sum_requests(sample)

    def evaluate(chosen: Collection[Place]) -> float | None:
        rows = {place: row for place, row in sums.items() if place in chosen}
        return compute_single_value(add_sums(rows), objective) if rows else None

    return sums, evaluate


def draw_halves(places: Sequence[Place], seed: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield pairs of halves: the indices of a random half of the places of every repeat, and those of the other half.

    The two halves have the value as their mean if it is linear, so the mean of all halves has no noise. Pair k is a
    function of (seed, k): the places in the order of 32-bit words of SHAKE-256.
    """
    strata: dict[int, list[int]] = defaultdict(list)
    for index, (repeat, _, _) in enumerate(places):
        strata[repeat].append(index)
    groups = list(strata.values()) if min(map(len, strata.values()), default=0) > 1 else [list(range(len(places)))]
    for draw in range(HALVES // 2):
        words = unpack(f"<{len(places)}I", shake_256(f"half {seed} {draw}".encode()).digest(4 * len(places)))
        ordered = [sorted(group, key=words.__getitem__) for group in groups]
        yield (
            [index for group in ordered for index in group[: len(group) // 2]],
            [index for group in ordered for index in group[len(group) // 2 :]],
        )


def evaluate_sample(sample: Sample, objective: Objective) -> float | None:
    """Return the value of a part of a sample; None if nothing was asked, or if a score that it needs is missing."""
    if sample.asked == 0:
        return None
    if sample.accepted == 0:
        return find_value_without_items(objective)
    try:
        return objective.value(sample)
    except CoverageError:
        return None
