"""The interval of a function of several samples: that of a difference where it is one, and of a hypervolume."""

from collections.abc import Sequence

import pytest

from swarm_core.items import Item
from swarm_core.objectives import intervals
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.interval_bounds import Bounds
from swarm_core.objectives.objective import RequestCount, Sample
from swarm_core.objectives.scores import CoverageError

BOUNDS = Bounds(-1.0, 1.0, 1.0)


def make_sample(step: int, requests: int = 12) -> Sample:
    """A sample of requests of two items each. The taker is wrong in every `step`-th item."""
    items = tuple(Item(f"{step}-{number}", request=number // 2) for number in range(2 * requests))
    scores = tuple(0.0 if number % step == 0 else 1.0 for number in range(2 * requests))
    counts = tuple(RequestCount(0, number, 2) for number in range(requests))
    return Sample((items,), ("taker",), ((scores,),), 2 * requests, requests=(counts,))


def subtract(samples: Sequence[Sample]) -> float | None:
    values = [intervals.evaluate_sample(sample, Difficulty()) for sample in samples]
    return None if values[0] is None or values[1] is None else values[0] - values[1]


def test_a_difference_as_a_function_has_the_variance_of_the_difference() -> None:
    samples = [make_sample(2), make_sample(3)]
    known = intervals.measure_difference(samples[0], samples[1], Difficulty(), 0.5, 1)
    value, low, high = intervals.measure_function(samples, subtract, True, 1, BOUNDS, 2)
    assert value == pytest.approx(known.value)
    # A function of one mean takes no halves; this one does, because it is not known to be smooth.
    assert high - low == pytest.approx(known.high - known.low, rel=0.25)
    assert low < value < high


def test_a_function_that_is_not_of_means_has_an_interval_from_halves() -> None:
    value, low, high = intervals.measure_function([make_sample(2), make_sample(3)], subtract, False, 1, BOUNDS, 2)
    assert low < value < high


def test_a_function_without_a_value_is_refused() -> None:
    with pytest.raises(CoverageError, match="a score that the value of several samples needs is missing"):
        intervals.measure_function([make_sample(2)], lambda _: None, True, 1, BOUNDS, 1)
