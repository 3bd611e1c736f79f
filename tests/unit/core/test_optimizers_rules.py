"""The moves, equation by equation, against a plain transcription of the formulas."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core import streams
from swarm_core.optimizers import optimization, schedule
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.optimizer import Optimizer, Plan
from swarm_core.optimizers.particle_swarm import Particle, SwarmState
from swarm_core.optimizers.published import Published
from swarm_core.optimizers.standard import Standard

X = (0.5, 1.25, -0.75)
V = (0.25, -0.5, 0.25)
P = (1.0, 0.5, -0.5)
G = (0.0, 2.0, -1.0)
W = (1.0, 0.0, 0.0)


def swarm(rule: Standard | Published, iteration: int = 4, stale: int = 0) -> SwarmState:
    """Two particles of which the second, index 1, is looked at; G leads, W is the worst."""
    return SwarmState(
        plan=Plan(3, 2, 20, 5, 11, rule),
        iteration=iteration,
        particles=(Particle(G, (0.0, 0.0, 0.0), G), Particle(X, V, P, stale)),
        estimates=(Estimate("g", G, 0.9, 1, 0), Estimate("p", P, 0.6, 1, 0)),
        worst=Estimate("w", W, 0.1, 1, 0),
    )


def test_published_follows_equations_2_to_6() -> None:
    rule = Published(step_length=0.8, step_factor=0.5)
    r = {name: streams.uniform(11, "move", 4, 1, name) for name in ("inertia", "cognitive", "social", "repel")}
    a, b, c, d = 0.2 * r["inertia"], 0.3 * r["cognitive"], 0.4 * r["social"], 0.05 * r["repel"]
    v = [(a * V[k] + b * (P[k] - X[k]) + c * (G[k] - X[k]) + d * (X[k] - W[k])) / (a + b + c + d) for k in range(3)]
    moved = rule.move(swarm(rule), 1)
    assert moved.velocity == pytest.approx(v, abs=1e-15)
    assert moved.position == pytest.approx([X[k] + 0.1 * v[k] for k in range(3)], abs=1e-15)  # 0.8 * 0.5 ** 3


def test_published_restarts_at_its_best_and_at_rest_before_it_moves() -> None:
    rule = Published()
    r = {name: streams.uniform(11, "move", 4, 1, name) for name in ("inertia", "cognitive", "social", "repel")}
    a, b, c, d = 0.2 * r["inertia"], 0.3 * r["cognitive"], 0.4 * r["social"], 0.05 * r["repel"]
    v = [(c * (G[k] - P[k]) + d * (P[k] - W[k])) / (a + b + c + d) for k in range(3)]
    moved = rule.move(swarm(rule, stale=4), 1)
    assert moved.velocity == pytest.approx(v, abs=1e-15)
    assert moved.position == pytest.approx([P[k] + 0.7 * 0.95**3 * v[k] for k in range(3)], abs=1e-15)


@pytest.mark.parametrize(
    ("ratio", "patience", "first"),
    [(0.67, 5, 4), (0.67, 10, 7), (0.5, 10, 5), (1.0, 3, 3), (0.1, 5, 1)],
)
def test_restart_patience_is_a_ratio_of_patience(ratio: float, patience: int, first: int) -> None:
    due = [schedule.should_restart(ratio, patience, stale) for stale in range(20)]
    assert due == [stale >= first for stale in range(20)]


def test_the_step_decays_once_per_iteration_down_to_its_floor() -> None:
    steps = [Published().step(Plan(3, 2, 20, 5, 11, Published()), iteration, 0) for iteration in range(1, 60)]
    assert steps[:3] == pytest.approx([0.7, 0.665, 0.63175])
    assert steps[37] > 0.1
    assert steps[38:] == [0.1] * 21  # 0.7 * 0.95 ** 38 = 0.0997


def test_standard_follows_equations_s1_to_s4() -> None:
    rule = Standard(max_velocity=100, max_position=100)
    v = []
    for k in range(3):
        r1, r2 = (streams.uniform(11, "move", 4, 1, k, name) for name in ("cognitive", "social"))
        v.append(0.73 * V[k] + 1.5 * r1 * (P[k] - X[k]) + 1.5 * r2 * (G[k] - X[k]))
    moved = rule.move(swarm(rule), 1)
    shift = (1 - sum(X[k] + v[k] for k in range(3))) / 3
    assert moved.velocity == pytest.approx(v, abs=1e-15)
    assert moved.position == pytest.approx([X[k] + v[k] + shift for k in range(3)], abs=1e-15)


def test_standard_bounds_the_velocity_then_the_position_then_restores_the_sum() -> None:
    rule = Standard(inertia=100, cognitive=0, social=0, max_velocity=0.5, max_position=1.5)
    moved = rule.move(swarm(rule), 1)
    assert moved.velocity == (0.5, -0.5, 0.5)
    # x + v = (1.0, 0.75, -0.25): no coordinate at its bound, sum 1.5, so 1/6 is taken from each.
    assert moved.position == pytest.approx([5 / 6, 7 / 12, -5 / 12])
    rule = replace(rule, max_velocity=4.0)
    # x + v = (4.5, -2.75, 3.25), bounded to (1.5, -1.5, 1.5): sum 1.5.
    assert rule.move(swarm(rule), 1).position == pytest.approx([4 / 3, -5 / 3, 4 / 3])


def test_factors_differ_between_coordinates_particles_iterations_and_seeds() -> None:
    rule = Standard(max_velocity=100, max_position=100)
    here = swarm(rule)
    both = replace(here, particles=(here.particles[1], here.particles[1]))
    later, other = replace(both, iteration=5), replace(both, plan=replace(both.plan, seed=12))
    velocities = [rule.move(at, index).velocity for at, index in ((both, 0), (both, 1), (later, 1), (other, 1))]
    assert len(set(velocities)) == 4


@pytest.mark.parametrize("rule", [Standard(), Published()], ids=["standard", "published"])
def test_without_any_best_the_particle_still_moves(rule: Standard | Published) -> None:
    lost = SwarmState(Plan(3, 2, 20, 5, 1, rule), 1, particles=(Particle(X, V), Particle(P, V)))
    moved = rule.move(lost, 0)  # type: ignore[arg-type]
    assert moved.position != X
    assert sum(moved.position) == pytest.approx(1, abs=1e-12)


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(2, 9), st.integers(0, 2**62), st.sampled_from([Standard(), Published()]))
def test_every_position_of_a_search_sums_to_one(basis: int, particles: int, seed: int, rule: Optimizer[Any]) -> None:
    state = optimization.start(Plan(basis, particles, 12, 20, seed, rule))
    while optimization.stop_reason(state) is None:
        candidates = optimization.ask(state)
        assert all(sum(candidate.position) == pytest.approx(1, abs=1e-11) for candidate in candidates)
        state = optimization.tell(
            state, {candidate.name: streams.uniform(seed, "score", candidate.name) for candidate in candidates}
        )


def test_standard_positions_stay_near_their_bound() -> None:
    state = optimization.start(Plan(4, 8, 30, 50, 3, Standard()))
    while optimization.stop_reason(state) is None:
        candidates = optimization.ask(state)
        assert all(abs(value) < 2.5 + 1.5 for candidate in candidates for value in candidate.position)
        state = optimization.tell(
            state, {candidate.name: max(candidate.position) for candidate in candidates}
        )  # pulls outwards for ever
    assert max(optimization.best(state).position) > 2.5  # type: ignore[union-attr]
