"""Under noise, the default rule finds what the published one does not, on a landscape in pure Python."""

import math
from collections.abc import Callable
from statistics import fmean
from typing import Any

from swarm_core import streams
from swarm_core.optimizers import optimization
from swarm_core.optimizers.optimizer import Optimizer, Plan
from swarm_core.optimizers.positions import Position
from swarm_core.optimizers.published import Published
from swarm_core.optimizers.standard import Standard

NOISE = 0.05
"""Standard deviation of one evaluation, as measured with 120 questions."""
SEEDS = range(12)


def worth(position: Position, optimum: Position) -> float:
    """At most 0.6, falling with the square of the distance to `optimum`."""
    return 0.6 - 0.15 * sum((x - o) ** 2 for x, o in zip(position, optimum, strict=True))


def measured(seed: int, position: Position, optimum: Position, times: int, *key: str | int) -> float:
    """`worth` with normal noise (Box and Muller), averaged over `times` evaluations."""
    u, angle = 1.0 - streams.uniform(seed, "u", *key), streams.uniform(seed, "angle", *key)
    normal = math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * angle)
    return worth(position, optimum) + NOISE / math.sqrt(times) * normal


def everywhere(_: Position) -> bool:
    return True


def found(
    rule: Optimizer[Any],
    particles: int,
    iterations: int,
    seed: int,
    optimum: Position,
    scored: Callable[[Position], bool] = everywhere,
) -> float:
    """What the final choice of one search is worth: eight finalists, four evaluations each."""
    swarm = optimization.start(Plan(4, particles, iterations, 100, seed, rule))
    while optimization.stop_reason(swarm) is None:
        asked = [(p.name, p.position) for p in optimization.ask(swarm)]
        scores = {name: measured(seed, at, optimum, 1, swarm.iteration, name) for name, at in asked}
        swarm = optimization.tell(swarm, {name: scores[name] if scored(at) else None for name, at in asked})
    chosen = max(
        optimization.select_finalists(swarm, 8), key=lambda c: measured(seed, c.position, optimum, 4, "final", c.name)
    )
    return worth(chosen.position, optimum)


def compare(optimum: Position) -> tuple[float, float]:
    """Mean worth of what Standard and Published find, at equal budgets."""
    standard, published = Plan(4, 8, 11, 9, 1, Standard()), Plan(4, 10, 19, 9, 1, Published())
    assert abs(optimization.budget(standard) - optimization.budget(published)) <= 10
    first = fmean(found(Standard(), 8, 11, seed, optimum) for seed in SEEDS)
    return first, fmean(found(Published(), 10, 19, seed, optimum) for seed in SEEDS)


def test_standard_beats_published_where_an_analogy_is_best() -> None:
    standard, published = compare((-1.0, 1.0, 1.0, 0.0))
    assert standard > 0.57
    assert standard > published + 0.05


def test_standard_beats_published_where_no_start_is_good() -> None:
    standard, published = compare((-1.6, 1.7, 1.3, -0.4))
    assert standard > 0.57
    assert standard > published + 0.05


def test_random_starts_find_what_no_other_start_with_a_score_leads_to() -> None:
    """The optimum is an island: around it, whatever has more than a little of the second adapter has no score."""
    optimum = (0.2, 1.5, 0.5, -1.2)

    def scored(position: Position) -> bool:
        return position[1] <= 0.4 or math.dist(position, optimum) <= 0.7

    within, without = (
        [found(Standard(scattered=places), 8, iterations, seed, optimum, scored) for seed in SEEDS]
        for places, iterations in ((66, 10), (0, 16))
    )
    assert max(without) < 0.4
    assert sum(worth > 0.55 for worth in within) >= 8
