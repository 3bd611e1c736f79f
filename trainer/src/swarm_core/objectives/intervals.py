"""Values with their 95% intervals, by bootstrap. No other module resamples.

The method is the percentile bootstrap over the slots of a sample. A slot is one requested item: accepted, with a score
of every taker, or rejected. A resample draws as many slots as were requested, with replacement. It includes rejected
slots, so an interval covers the uncertainty of the accepted share. All takers of a slot are resampled together, because
they answered the same item. Draws are a function of the seed.

Any objective can be resampled: each draw becomes a sample. For a function of the takers' means (`MeansObjective`), sums
of integers give the same distribution in a fraction of the time.

Limits: repeats are pooled, and items of one completion count as independent. The mean of a maximum over resamples is at
least the maximum itself, so intervals of difficulty are biased downward and those of separation upward. An interval
that misses the value is widened to contain it. A draw in which some taker has no score is left out.
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
"""Resamples per interval. The ends are accurate to 0.13 standard errors, and 120 items take about 10 ms."""
DIFFERENCE_RESAMPLES = 2000
"""Resamples per difference, which is the result of a run. The ends are accurate to 0.06 standard errors."""
TAIL_PROBABILITY = 0.025
"""The probability outside of a 95% interval on each side."""

UNITS_PER_SCORE = 1 << 53
"""Scores are resampled in units of 2^-53. Sums of integers are exact, fast, and the same in every Python version."""


def measure(sample: Sample, objective: Objective, coverage: float, seed: int) -> Measurement:
    """Return the value of `sample` with its 95% interval; exactly 0 with interval [0, 0] if no item was accepted.

    `coverage`: the minimum share of the requested items, and of the scores of each taker, that must exist. `seed`: the
    seed of the resamples. Raises CoverageError below the coverage, and ValueError for a sample that
    `objective.check_sample` refuses.
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
    """Check that enough of the requested items exist. Raises CoverageError if too many requests failed."""
    wanted = sample.asked + sample.lost
    if sample.asked < coverage * wanted:
        raise CoverageError(f"{sample.asked} of {wanted} requested items exist; coverage requires {coverage:.0%}")


def measure_difference(
    first: Sample, second: Sample, objective: Objective, coverage: float, seed: int, count: int = DIFFERENCE_RESAMPLES
) -> Measurement:
    """Return the value of `first` minus the value of `second`, with its 95% interval, for two independent samples.

    Raises CoverageError if one of them cannot be measured.
    """
    values = [measure(sample, objective, coverage, seed) for sample in (first, second)]
    # ~seed differs from seed. With the same seed, the two resamples would be correlated.
    left, right = resample(first, objective, seed, count), resample(second, objective, ~seed, count)
    value = values[0].value - values[1].value
    low, high = confidence_interval(value, [a - b for a, b in zip(left, right, strict=False)])
    parts = (("first", values[0].value), ("second", values[1].value))
    return Measurement(value, low, high, values[0].n + values[1].n, parts)


def measure_paired_difference(
    first: Sequence[Score], second: Sequence[Score], coverage: float, seed: int
) -> Measurement:
    """Return the mean score of `first` minus that of `second`, with its 95% interval, for two takers on the same items.

        difference = mean_i (a_i - b_i)   over the items that have a score of both takers

    `first`, `second`: [item]. The differences are paired, so the interval is much narrower than that of two independent
    means if the takers mostly agree. Raises CoverageError if too few items have both scores, and ValueError for
    different numbers of items.
    """
    both = [
        (a, b)
        for a, b in zip(first, second, strict=True)
        if not isinstance(a, Unscored) and not isinstance(b, Unscored)
    ]
    if not both or len(both) < coverage * len(first):
        raise CoverageError(f"{len(both)} of {len(first)} items have both scores; coverage requires {coverage:.0%}")
    gaps, size = [a - b for a, b in both], len(both)
    value = fsum(gaps) / size
    drawn = [fsum(gaps[index] for index in chosen) / size for chosen in draw_indices(seed, size, DIFFERENCE_RESAMPLES)]
    low, high = confidence_interval(value, drawn)
    parts = (("first", fsum(a for a, _ in both) / size), ("second", fsum(b for _, b in both) / size))
    return Measurement(value, low, high, size, parts)


def resample(sample: Sample, objective: Objective, seed: int, count: int) -> list[float]:
    """Return the values of `count` resamples, in the order drawn. Raises CoverageError if none has a score of every
    taker."""
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
    """The value of each draw that has a score of every taker, computed by sums of integers."""
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
    """The value of each draw as a sample. A draw without a score that the objective needs is left out."""
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
    """Return the sample of the `chosen` slots, with repetitions.

    Slots are numbered first over the accepted items of all repeats in order, and then over the rejected items.
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

    Resample k is a function of (seed, k): scaled 32-bit words of SHAKE-256. The bias of an index is at most 2^-32.
    """
    for draw in range(count):
        words = unpack(f"<{n}I", shake_256(f"bootstrap {seed} {draw}".encode()).digest(4 * n))
        yield [word * n >> 32 for word in words]


def confidence_interval(value: float, drawn: Sequence[float]) -> tuple[float, float]:
    """Return the 95% percentile interval of `drawn`, widened to contain `value`."""
    ordered = sorted(drawn)
    return min(value, _quantile(ordered, TAIL_PROBABILITY)), max(value, _quantile(ordered, 1.0 - TAIL_PROBABILITY))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the quantile at `share`, interpolated linearly between the two nearest order statistics."""
    place = share * (len(ordered) - 1)
    below, above = ordered[floor(place)], ordered[ceil(place)]
    return below + (above - below) * (place - floor(place))
