"""Values with their 95 % intervals: the one place that resamples.

Percentile bootstrap over the slots of a sample: how far a value would move if other items had been drawn. A slot is one
asked item: accepted, with a score of every taker, or rejected. A resample draws as many slots as were asked, with
replacement, rejected ones included, so an interval knows that the accepted share is itself uncertain. All takers of a
slot move together: they answered the same item. Draws are a function of the seed alone.

Any objective can be resampled: each draw becomes a sample of its own. For a function of the takers' means
(`MeansObjective`) sums of integers give the same distribution in a fraction of the time.

Limits: repeats are pooled. Items of one completion count as independent of each other. A maximum over takers is never
lower in the mean of its resamples, so intervals of difficulty lean down, and those of separation up; where they lean
past the value itself they are widened to hold it. A draw in which some taker has no score at all says nothing and is
left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import shake_256
from math import ceil, floor, fsum
from struct import unpack

from swarm_core.items import Item
from swarm_core.objectives.objective import MeansObjective, Measurement, Objective, Sample, check_sample
from swarm_core.objectives.scores import CoverageError, Score, Unscored

INTERVAL_RESAMPLES = 400
"""Resamples per interval: an end is known to 0.13 standard errors, in some ten milliseconds for 120 items."""
DIFFERENCE_RESAMPLES = 2000
"""Resamples of a difference, which is what a run concludes with: an end is known to 0.06 standard errors."""
TAIL_PROBABILITY = 0.025
"""What a 95 % interval leaves out on either side."""

UNITS_PER_SCORE = 1 << 53
"""Resampled scores are counted in units of 2^-53: sums of integers are exact, fast, and the same in every Python."""


def measure(sample: Sample, objective: Objective, coverage: float, seed: int) -> Measurement:
    """The value of `sample` with its interval; exactly 0 within [0, 0] when no item was accepted.

    `coverage` is the share that must exist of the items asked for and of each taker's scores; `seed` draws resamples.
    Raises CoverageError below it, and ValueError for a sample that `objective.check_sample` refuses.
    """
    check_coverage(sample, coverage)
    check_sample(sample)
    accepted = sample.accepted
    if accepted == 0:
        return Measurement(0.0, 0.0, 0.0, 0, (("accepted", 0.0),))
    means = sample.means(coverage)
    value = objective.value(sample)
    low, high = confidence_interval(value, resample(sample, objective, seed, INTERVAL_RESAMPLES))
    by_taker = tuple((f"taker {taker}", mean) for taker, mean in zip(sample.takers, means, strict=True))
    return Measurement(value, low, high, accepted, (("accepted", accepted / sample.asked), *by_taker))


def check_coverage(sample: Sample, coverage: float) -> None:
    """Pass if enough of the items asked for came to be. Raises CoverageError when too many requests failed."""
    wanted = sample.asked + sample.lost
    if sample.asked < coverage * wanted:
        raise CoverageError(f"{sample.asked} of {wanted} items asked for came to be; coverage asks for {coverage:.0%}")


def measure_difference(
    first: Sample, second: Sample, objective: Objective, coverage: float, seed: int, count: int = DIFFERENCE_RESAMPLES
) -> Measurement:
    """Value of `first` minus value of `second`, two generators that were sampled independently of each other.

    Raises CoverageError when either cannot be measured.
    """
    values = [measure(sample, objective, coverage, seed) for sample in (first, second)]
    # ~seed never equals seed: drawn alike, the two resamples would rise and fall together.
    left, right = resample(first, objective, seed, count), resample(second, objective, ~seed, count)
    value = values[0].value - values[1].value
    low, high = confidence_interval(value, [a - b for a, b in zip(left, right, strict=False)])
    parts = (("first", values[0].value), ("second", values[1].value))
    return Measurement(value, low, high, values[0].n + values[1].n, parts)


def measure_paired_difference(
    first: Sequence[Score], second: Sequence[Score], coverage: float, seed: int
) -> Measurement:
    """Mean score of `first` minus that of `second`, two takers on the same items, [item] each.

        difference = mean_i (a_i - b_i)   over the items that both have a score for

    Item by item, so that hard items count alike: much tighter than the difference of two means where takers mostly
    agree. Raises CoverageError when too few items have both scores, ValueError for different numbers of items.
    """
    both = [
        (a, b)
        for a, b in zip(first, second, strict=True)
        if not isinstance(a, Unscored) and not isinstance(b, Unscored)
    ]
    if not both or len(both) < coverage * len(first):
        raise CoverageError(f"{len(both)} of {len(first)} items have both scores; coverage asks for {coverage:.0%}")
    gaps, size = [a - b for a, b in both], len(both)
    value = fsum(gaps) / size
    drawn = [fsum(gaps[index] for index in chosen) / size for chosen in draw_indices(seed, size, DIFFERENCE_RESAMPLES)]
    low, high = confidence_interval(value, drawn)
    parts = (("first", fsum(a for a, _ in both) / size), ("second", fsum(b for _, b in both) / size))
    return Measurement(value, low, high, size, parts)


def resample(sample: Sample, objective: Objective, seed: int, count: int) -> list[float]:
    """The value of `count` resamples, in the order drawn. Raises CoverageError when none has a score of every taker."""
    check_sample(sample)
    draws = draw_indices(seed, sample.asked, count)
    if isinstance(objective, MeansObjective):
        values = list(resample_means(sample, objective, draws))
    else:
        values = list(resample_samples(sample, objective, draws))
    if not values:
        raise CoverageError(f"none of {count} resamples has a score of every taker; ask for more items")
    return values


def resample_means(sample: Sample, objective: MeansObjective, draws: Iterator[list[int]]) -> Iterator[float]:
    """The value of each draw that has a score of every taker, by sums of integers."""
    rows, rejected = sample.rows(), (0,) * (sample.asked - sample.accepted)
    accepted = (1,) * sample.accepted + rejected
    columns = [
        tuple(0 if isinstance(value, Unscored) else round(value * UNITS_PER_SCORE) for value in row) + rejected
        for row in rows
    ]
    complete = [not any(isinstance(value, Unscored) for value in row) for row in rows]
    scored = [tuple(int(not isinstance(value, Unscored)) for value in row) + rejected for row in rows]
    for chosen in draws:
        items = _sum_at(accepted, chosen)
        counts = [items if whole else _sum_at(present, chosen) for whole, present in zip(complete, scored, strict=True)]
        if items == 0:
            yield 0.0
        elif all(counts):
            means = [
                _sum_at(column, chosen) / (number * UNITS_PER_SCORE)
                for column, number in zip(columns, counts, strict=True)
            ]
            yield objective.value_of_means(means) * items / sample.asked


def _sum_at(column: Sequence[int], chosen: Sequence[int]) -> int:
    return sum(map(column.__getitem__, chosen))


def resample_samples(sample: Sample, objective: Objective, draws: Iterator[list[int]]) -> Iterator[float]:
    """The value of each draw as a sample of its own; a draw that lacks scores the objective needs is left out."""
    for chosen in draws:
        drawn = select_slots(sample, chosen)
        if drawn.accepted == 0:
            yield 0.0
            continue
        try:
            yield objective.value(drawn)
        except CoverageError:
            continue


def select_slots(sample: Sample, chosen: Sequence[int]) -> Sample:
    """The sample of these slots, each as often as it stands in `chosen`.

    Slots are numbered over accepted items, all repeats one after the other, and then over rejected ones.
    """
    items: list[tuple[Item, ...]] = []
    scores: list[tuple[tuple[Score, ...], ...]] = []
    features = {name: list[float]() for name in sample.features}
    start = 0
    for repeat, of_takers in zip(sample.items, sample.scores, strict=True):
        inside = [slot - start for slot in chosen if start <= slot < start + len(repeat)]
        items.append(tuple(repeat[index] for index in inside))
        scores.append(tuple(tuple(row[index] for index in inside) for row in of_takers))
        for name, values in sample.features.items():
            features[name] += [values[start + index] for index in inside]
        start += len(repeat)
    return replace(
        sample,
        items=tuple(items),
        scores=tuple(scores),
        features={name: tuple(values) for name, values in features.items()},
    )


def draw_indices(seed: int, n: int, count: int) -> Iterator[list[int]]:
    """`count` lists of n indices below n, drawn with replacement.

    Resample k is a function of (seed, k): 32-bit words of SHAKE-256, scaled. No index is favored by more than 2^-32.
    """
    for draw in range(count):
        words = unpack(f"<{n}I", shake_256(f"bootstrap {seed} {draw}".encode()).digest(4 * n))
        yield [word * n >> 32 for word in words]


def confidence_interval(value: float, drawn: Sequence[float]) -> tuple[float, float]:
    """The 95 % percentile interval of `drawn`, widened to hold `value`."""
    ordered = sorted(drawn)
    return min(value, _quantile(ordered, TAIL_PROBABILITY)), max(value, _quantile(ordered, 1.0 - TAIL_PROBABILITY))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Linear between the two nearest order statistics."""
    place = share * (len(ordered) - 1)
    below, above = ordered[floor(place)], ordered[ceil(place)]
    return below + (above - below) * (place - floor(place))
