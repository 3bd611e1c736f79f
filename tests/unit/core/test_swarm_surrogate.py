"""Smoothed leadership: the posterior of a Gaussian process, against numpy, and what it does to a search."""

import math
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core.errors import BadInputError
from swarm_core.swarm import belief, memory, positions, pso, streams, surrogate
from swarm_core.swarm.plan import Plan, Standard
from swarm_core.swarm.positions import Position
from swarm_core.swarm.state import Swarm
from swarm_core.swarm.surrogate import Prior, Scored

SMOOTH = Standard(smoothing=1.0)


def by_numpy(prior: Prior, scored: list[Scored]) -> np.ndarray:
    """mean + K (K + N)^-1 (y - mean), as textbooks have it."""
    places = np.array([one.position for one in scored])
    y, counts = np.array([one.value for one in scored]), np.array([one.count for one in scored])
    doubts = prior.noise**2 / counts
    mean = (y * counts).sum() / counts.sum()
    signal = max(prior.noise**2, ((y - mean) ** 2).mean() - doubts.mean())
    gaps = ((places[:, None] - places[None]) ** 2).sum(-1) / prior.groups
    kernel = signal * np.exp(-gaps / (2 * prior.length**2))
    return mean + kernel @ np.linalg.solve(kernel + np.diag(doubts), y - mean)


scores = st.tuples(st.tuples(*[st.floats(-2.5, 2.5)] * 4), st.floats(0, 1), st.integers(1, 20))


@settings(max_examples=60, deadline=None)
@given(st.lists(scores, min_size=1, max_size=25), st.sampled_from([0.3, 1.0, 3.0]), st.sampled_from([1, 2]))
def test_the_posterior_is_the_one_that_numpy_finds(
    given: list[tuple[Position, float, int]], length: float, groups: int
) -> None:
    scored = [Scored(*one) for one in given]
    prior = Prior(length, 0.05, groups)
    assert surrogate.posterior(prior, scored) == pytest.approx(by_numpy(prior, scored), abs=1e-8)


def test_a_hundred_positions_are_as_exact_as_three() -> None:
    scored = [
        Scored(tuple(streams.normal(1, n, k) for k in range(4)), streams.uniform(2, n), 1 + n % 3) for n in range(100)
    ]
    assert surrogate.posterior(Prior(1.0, 0.045), scored) == pytest.approx(
        by_numpy(Prior(1.0, 0.045), scored), abs=1e-9
    )


def test_a_lonely_score_is_believed_half_where_nothing_but_noise_is_seen() -> None:
    far = [Scored((100.0 * index,), 0.5 + 0.001 * (-1) ** index, 1) for index in range(4)]
    assert surrogate.posterior(Prior(1.0, 0.05), far) == pytest.approx([0.5005, 0.4995, 0.5005, 0.4995])


def test_neighbours_pull_a_lucky_score_down_and_distant_positions_do_not() -> None:
    def lucky(gap: float) -> float:
        others = [Scored((gap * (1 + index), 0.0), 0.4, 1) for index in range(4)]
        rest = [Scored((0.0, 50.0 + 50 * index), 0.2, 1) for index in range(4)]
        return surrogate.posterior(Prior(1.0, 0.05), [Scored((0.0, 0.0), 0.7, 1), *others, *rest])[0]

    assert lucky(0.1) < 0.55
    assert lucky(20.0) > 0.65


def test_more_scores_of_one_position_are_believed_more() -> None:
    found = [
        surrogate.posterior(Prior(1.0, 0.2), [Scored((0.0,), 0.7, count), Scored((0.5,), 0.4, 1)])[0]
        for count in (1, 4, 16)
    ]
    assert found == sorted(found)
    assert found[0] < 0.65 < found[-1]


def test_layers_that_move_alike_are_as_near_as_one_block() -> None:
    one = [Scored((1.0, 0.0), 0.3, 1), Scored((0.0, 1.0), 0.5, 2), Scored((0.5, 0.5), 0.9, 1)]
    three = [replace(each, position=positions.repeated(each.position, 3)) for each in one]
    alone, together = surrogate.posterior(Prior(1.0, 0.1), one), surrogate.posterior(Prior(1.0, 0.1, 3), three)
    assert alone == pytest.approx(together, abs=1e-12)


def test_nothing_measured_has_no_posterior() -> None:
    assert surrogate.posterior(Prior(1.0, 0.05), []) == ()


def plan(rule: Standard = SMOOTH) -> Plan:
    return Plan(4, 8, 20, 100, 5, rule)


def noisy(swarm: Swarm, rounds: int) -> Swarm:
    for _ in range(rounds):
        told = {p.name: streams.uniform(1, "noise", swarm.iteration, p.name) for p in pso.ask(swarm)}
        swarm = pso.tell(swarm, told)
    return swarm


def test_without_smoothing_the_mean_of_the_scores_leads() -> None:
    swarm = noisy(pso.start(plan(Standard())), 5)
    ranked = belief.ranked(swarm.plan, swarm.measured)
    assert all(value == record.value for value, record in ranked)
    assert [value for value, _ in ranked] == sorted((value for value, _ in ranked), reverse=True)


def test_a_smoothing_swarm_leads_by_its_posterior_in_all_that_it_says() -> None:
    swarm = noisy(pso.start(plan()), 4)
    scored = [Scored(one.position, one.value, one.count) for one in swarm.measured]
    worth = dict(zip((one.position for one in scored), by_numpy(Prior(1.0, 0.045), scored), strict=True))
    finalists, best, initial = pso.finalists(swarm, 5), pso.best(swarm), pso.initial_best(swarm)
    assert best is not None
    assert initial is not None
    assert best.position == max(worth, key=lambda place: worth[place]) == finalists[0].position
    assert initial.position == max(positions.vertices(4), key=lambda place: worth[place])
    assert all(one.value == pytest.approx(worth[one.position], abs=1e-9) for one in finalists)
    assert best.position != max(swarm.measured, key=lambda one: one.value).position


def test_a_smoothing_swarm_remembers_all_that_it_measured_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    swarm, seen = pso.start(plan()), set[Position]()
    for _ in range(6):
        seen |= {probe.position for probe in pso.ask(swarm)}
        swarm = noisy(swarm, 1)
    assert {record.position for record in swarm.measured} == seen
    monkeypatch.setattr(memory, "SMOOTHED", 30)
    assert 30 <= len(noisy(swarm, 1).measured) <= 30 + 4 + 8 < len(seen)


def test_a_smoothing_search_goes_on_from_json_and_any_order_of_scores_gives_the_same() -> None:
    swarm = noisy(pso.start(plan()), 3)
    told = {probe.name: streams.uniform(2, probe.name) for probe in pso.ask(swarm)}
    assert pso.tell(swarm, told) == pso.tell(swarm, dict(reversed(told.items())))
    assert pso.from_json(pso.to_json(swarm)) == swarm
    assert noisy(pso.from_json(pso.to_json(swarm)), 2) == noisy(swarm, 2)


@pytest.mark.parametrize(("change", "message"), [({"smoothing": -1}, "smoothing"), ({"noise": 0}, "noise is 0")])
def test_a_smoothing_that_cannot_work_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Standard(**change)  # type: ignore[arg-type]


def found(rule: Standard, seed: int) -> float:
    """What the final choice of one short search is worth on a noisy quadratic landscape."""

    def value(place: Position) -> float:
        optimum = (-1.6, 1.7, 1.3, -0.4)
        return max(0.0, 0.6 - 0.15 * sum((x - best) ** 2 for x, best in zip(place, optimum, strict=True)))

    def measured(place: Position, times: int, *key: str | int) -> float:
        return value(place) + 0.05 / math.sqrt(times) * streams.normal(seed, "error", *key)

    swarm = pso.start(Plan(4, 6, 9, 100, seed, rule))
    while pso.stopped(swarm) is None:
        swarm = pso.tell(swarm, {p.name: measured(p.position, 1, swarm.iteration, p.name) for p in pso.ask(swarm)})
    return value(max(pso.finalists(swarm, 4), key=lambda one: measured(one.position, 2, "final", one.name)).position)


def test_smoothing_finds_no_less_under_noise() -> None:
    plain, smooth = (fmean(found(rule, seed) for seed in range(10)) for rule in (Standard(), Standard(smoothing=1.5)))
    assert smooth > plain - 0.01, f"smoothed {smooth:.4f}, plain {plain:.4f}"
