"""Percentile bootstrap over the slots of a batch: how far a value would move if other items had been drawn.

A slot is one asked item: accepted, with a score of every taker, or rejected. A resample draws as many slots as were
asked, with replacement, rejected ones included, so an interval knows that the accepted share is itself uncertain. All
takers of a slot move together: they answered the same item. Draws are a function of the seed alone.

Limits: repeats are pooled. A maximum over takers is never lower in the mean of its resamples, so intervals of
difficulty lean down, and those of separation up; where they lean past the value itself they are widened to hold it. A
draw in which some taker has no score at all says nothing and is left out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import shake_256
from itertools import chain
from math import ceil, floor
from struct import unpack
from typing import Protocol

from swarm_core.objectives import scores
from swarm_core.objectives.objective import Measurement, Objective, ScoredBatch
from swarm_core.objectives.scores import CoverageError, Score, Unscored

INTERVAL_RESAMPLES = 400
"""Resamples per interval: an end is known to 0.13 standard errors, in some ten milliseconds for 120 items."""
DIFFERENCE_RESAMPLES = 2000
"""Resamples of a difference, which is what a run concludes with: an end is known to 0.06 standard errors."""
TAIL_PROBABILITY = 0.025
"""What a 95 % interval leaves out on either side."""

UNITS_PER_SCORE = 1 << 53
"""Resampled scores are counted in units of 2^-53: sums of integers are exact, fast, and the same in every Python."""

FromMeans = Callable[[Sequence[float]], float]
"""An objective as a function of the takers' means, [takers]."""


class ResampledObjective(Objective, Protocol):
    """An objective that can say how its value is distributed over resamples of a batch."""

    def resample(self, batch: ScoredBatch, seed: int, count: int) -> list[float]:
        """The value of `count` resamples, in the order drawn. Raises CoverageError when none has enough scores."""
        ...


@dataclass(frozen=True, slots=True)
class Slots:
    """A batch as columns to draw from, [slot]: accepted items first, then the rejected ones."""

    takers: tuple[str, ...]
    accepted: int
    asked: int
    scores: tuple[tuple[Score, ...], ...]
    """[taker][accepted item], all repeats one after the other."""


def build_slots(batch: ScoredBatch) -> Slots:
    """The slots of `batch`. Raises ValueError for a score that is none, or more items than were asked for.

    Raises CoverageError when nothing was asked: there is no share of nothing.
    """
    takers = batch.cube.takers
    rows = tuple(tuple(chain.from_iterable(rep[t] for rep in batch.cube.scores)) for t in range(len(takers)))
    for value in chain.from_iterable(rows):
        if not isinstance(value, Unscored):
            scores.validate(value)
    accepted = sum(len(items) for items in batch.items)
    if any(len(row) != accepted for row in rows):
        raise ValueError(f"{accepted} items, but takers have {[len(row) for row in rows]} scores; give one per item")
    if accepted > batch.asked:
        raise ValueError(f"{accepted} items accepted of {batch.asked} asked: count every item that was asked for")
    if batch.asked == 0:
        raise CoverageError("0 items asked for: nothing can be said of none")
    return Slots(takers, accepted, batch.asked, rows)


def measure(batch: ScoredBatch, raw: FromMeans, coverage: float, seed: int) -> Measurement:
    """raw(taker means) * accepted / asked, with its interval; exactly 0 within [0, 0] when no item was accepted.

    Raises CoverageError when a taker has too few scores.
    """
    drawn = build_slots(batch)
    if drawn.accepted == 0:
        return Measurement(0.0, 0.0, 0.0, 0, (("accepted", 0.0),))
    means = [scores.mean(row, coverage) for row in drawn.scores]
    share = drawn.accepted / drawn.asked
    value = raw(means) * share
    low, high = confidence_interval(value, resample(batch, raw, seed, INTERVAL_RESAMPLES))
    by_taker = tuple((f"taker {taker}", mean) for taker, mean in zip(drawn.takers, means, strict=True))
    return Measurement(value, low, high, drawn.accepted, (("accepted", share), *by_taker))


def measure_difference(
    first: ScoredBatch,
    second: ScoredBatch,
    objective: ResampledObjective,
    coverage: float,
    seed: int,
    count: int = DIFFERENCE_RESAMPLES,
) -> Measurement:
    """Value of `first` minus value of `second`, two generators that were sampled independently of each other.

    Raises CoverageError when either cannot be measured.
    """
    values = [objective.measure(batch, coverage, seed) for batch in (first, second)]
    # ~seed never equals seed: drawn alike, the two resamples would rise and fall together.
    left, right = objective.resample(first, seed, count), objective.resample(second, ~seed, count)
    value = values[0].value - values[1].value
    low, high = confidence_interval(value, [a - b for a, b in zip(left, right, strict=False)])
    parts = (("first", values[0].value), ("second", values[1].value))
    return Measurement(value, low, high, values[0].n + values[1].n, parts)


def resample(batch: ScoredBatch, raw: FromMeans, seed: int, count: int) -> list[float]:
    """The value of `count` resamples, in the order drawn. Raises CoverageError when none has a score of every taker."""
    source = build_slots(batch)
    rejected = (0,) * (source.asked - source.accepted)
    accepted = (1,) * source.accepted + rejected
    columns = [
        tuple(0 if isinstance(value, Unscored) else round(value * UNITS_PER_SCORE) for value in row) + rejected
        for row in source.scores
    ]
    complete = [not any(isinstance(value, Unscored) for value in row) for row in source.scores]
    scored = [tuple(int(not isinstance(value, Unscored)) for value in row) + rejected for row in source.scores]
    values: list[float] = []
    for chosen in draw_indices(seed, source.asked, count):
        items = _sum_at(accepted, chosen)
        counts = [items if whole else _sum_at(present, chosen) for whole, present in zip(complete, scored, strict=True)]
        if items == 0:
            values.append(0.0)
        elif all(counts):
            means = [
                _sum_at(column, chosen) / (number * UNITS_PER_SCORE)
                for column, number in zip(columns, counts, strict=True)
            ]
            values.append(raw(means) * items / source.asked)
    if not values:
        raise CoverageError(f"none of {count} resamples has a score of every taker; ask for more items")
    return values


def _sum_at(column: Sequence[int], chosen: Sequence[int]) -> int:
    return sum(map(column.__getitem__, chosen))


def draw_indices(seed: int, n: int, count: int) -> Iterator[list[int]]:
    """`count` lists of n indices below n, drawn with replacement.

    Resample k is a function of (seed, k): 32-bit words of SHAKE-256, scaled. No index is favoured by more than 2^-32.
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
