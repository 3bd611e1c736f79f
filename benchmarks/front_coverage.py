"""Measures how often the interval of a difference of two hypervolumes contains the truth, in simulation.

    python benchmarks/front_coverage.py --trials 150

Each trial draws the samples of several generators: requests of three items each, one of which may be rejected, with
scores of two takers that are correlated within a request. The two objectives are the means of the takers. The interval
is that of `intervals.measure_function`, with which a run reports a front.

Limits: generators are independent here, so the comparison place by place gains nothing. In a run it narrows the
interval.
"""

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
from statistics import fmean

from swarm_core.items import Item
from swarm_core.objectives import intervals
from swarm_core.objectives.interval_bounds import Bounds
from swarm_core.objectives.objective import RequestCount, Sample
from swarm_core.optimizers import pareto_front
from swarm_core.optimizers.pareto_front import Vector

ITEMS, ACCEPTED = 3, (2, 3, 3)
"""The items of a request, and how many of them are accepted, each number with the same chance."""
SPREAD = 0.1
"""The standard deviation of the chance of a full score between requests."""
INITIAL: tuple[Vector, ...] = ((0.6, 0.2), (0.4, 0.4), (0.2, 0.6))
CASES: Mapping[str, tuple[Sequence[Vector], Sequence[Vector], int]] = {
    "a better front": (((0.8, 0.3), (0.6, 0.6), (0.3, 0.8)), INITIAL, 40),
    "the same front": (INITIAL, INITIAL, 40),
    "equal generators": (((0.5, 0.5),) * 3, ((0.5, 0.5),) * 3, 40),
    "three level generators against two": (
        ((0.5, 0.5), (0.51, 0.49), (0.49, 0.51)),
        ((0.5, 0.45), (0.45, 0.5)),
        80,
    ),
}
"""The true values of the generators found and of the initial ones, and the number of requests of each."""


def draw_sample(source: random.Random, truth: Vector, requests: int) -> Sample:
    """Draw the sample of one generator. `truth`: the chance of a full score, by taker."""
    items, counts = [], []
    rows: list[list[float]] = [[], []]
    for number in range(requests):
        shift = source.gauss(0, SPREAD)
        counts.append(RequestCount(0, number, ITEMS))
        for place in range(source.choice(ACCEPTED)):
            items.append(Item(f"{number}-{place}", request=number))
            for row, chance in zip(rows, truth, strict=True):
                row.append(float(source.random() < chance + shift))
    scores = (tuple(tuple(row) for row in rows),)
    return Sample((tuple(items),), ("a", "b"), scores, ITEMS * requests, requests=(tuple(counts),))


def measure_vector(sample: Sample) -> Vector:
    """Return the means of the takers, with rejected items as zeros."""
    return tuple(mean * sample.accepted_share for mean in sample.means())


def subtract(samples: Sequence[Sample], found: int) -> float:
    """Return the hypervolume of the first `found` samples minus that of the others."""
    vectors = [measure_vector(sample) for sample in samples]
    volumes = [pareto_front.measure_hypervolume(side) for side in (vectors[:found], vectors[found:])]
    return volumes[0] - volumes[1]


def measure_coverage(found: Sequence[Vector], initial: Sequence[Vector], requests: int, trials: int) -> str:
    """Return the share of intervals that contain the truth, below and above it, and their mean width."""
    share = fmean(ACCEPTED) / ITEMS
    scaled = [[tuple(share * value for value in one) for one in side] for side in (found, initial)]
    truth = pareto_front.measure_hypervolume(scaled[0]) - pareto_front.measure_hypervolume(scaled[1])
    source, every = random.Random(f"{found} {initial}"), []
    for trial in range(trials):
        samples = [draw_sample(source, one, requests) for one in (*found, *initial)]
        every.append(
            intervals.measure_function(
                samples, lambda some: subtract(some, len(found)), True, trial, Bounds(-1, 1, 1), 2
            )
        )
    covered = fmean(low <= truth <= high for _, low, high in every)
    above, below = fmean(low > truth for _, low, _ in every), fmean(high < truth for _, _, high in every)
    bias, width = fmean(value - truth for value, *_ in every), fmean(high - low for _, low, high in every)
    return f"{covered:.1%} (above {above:.1%}, below {below:.1%}); width {width:.3f}, bias {bias:+.4f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=150)
    chosen = parser.parse_args()
    for name, (found, initial, requests) in CASES.items():
        print(f"{name}: {measure_coverage(found, initial, requests, chosen.trials)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
