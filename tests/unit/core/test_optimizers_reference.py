"""The faults of the released code, one by one: what `compat: Reference` does and `Intended` does not."""

from dataclasses import replace
from typing import Any

import pytest

from swarm_core.errors import BadInputError
from swarm_core.optimizers import optimization, particle_swarm, positions, reference, schedule
from swarm_core.optimizers.candidate import Purpose
from swarm_core.optimizers.optimizer import Optimizer, Plan, SearchState
from swarm_core.optimizers.positions import Position
from swarm_core.optimizers.published import Compat, Published
from swarm_core.optimizers.reference import PublishedParticle, ScoreHistory
from swarm_core.optimizers.standard import Standard

INTENDED, REFERENCE = Published(), Published(compat=Compat.REFERENCE)


def plan(rule: Optimizer[Any], patience: int = 10, particles: int = 4) -> Plan:
    return Plan(4, particles, 60, patience, 9, rule)


def flat(swarm: SearchState, value: float | None = 0.5, **named: float | None) -> SearchState:
    """`swarm` told `value` for every candidate, but for those named."""
    return optimization.tell(swarm, {candidate.name: value for candidate in optimization.ask(swarm)} | named)


def substitute(plan: Plan, role: str) -> Position:
    return reference.draw_substitute(plan, optimization.ask(optimization.start(plan)), role)


def steps(swarm: SearchState) -> list[float]:
    """The share of its velocity by which each particle has just moved, from where it was told to move."""
    moved = flat(swarm, 0.5)
    origins = [
        reference.restart_if_due(reference.record_score(one, 0.5), REFERENCE.restart_patience).position
        for one in swarm.particles
    ]
    if swarm.plan.optimizer == INTENDED:
        origins = [one.position for one in swarm.particles]
    lengths = []
    for origin, particle in zip(origins, moved.particles, strict=True):
        axis = max(range(4), key=lambda k: abs(particle.velocity[k]))
        lengths.append((particle.position[axis] - origin[axis]) / particle.velocity[axis])
    return lengths


def test_b1_the_step_shrinks_from_particle_to_particle_and_four_times_an_iteration() -> None:
    intended, released = (flat(optimization.start(plan(rule)), 0.5, g00=0.9) for rule in (INTENDED, REFERENCE))
    assert steps(intended) == pytest.approx([0.7 * 0.95] * 4)
    assert steps(released) == pytest.approx([0.7 * 0.95**decays for decays in (4, 5, 6, 7)])


def test_b1_the_floor_is_reached_within_ten_iterations_and_not_after_thirty_nine() -> None:
    released = [REFERENCE.step(plan(REFERENCE), iteration, 0) for iteration in range(1, 60)]
    intended = [INTENDED.step(plan(INTENDED), iteration, 0) for iteration in range(1, 60)]
    assert (released.index(0.1), intended.index(0.1)) == (10, 38)


def rests_at_its_best(swarm: SearchState) -> list[bool]:
    """Of each particle, whether the move just made was a restart."""
    return [
        particle.history is not None and particle.history.cooldown == reference.COOLDOWN for particle in swarm.particles
    ]


def test_b2_every_particle_restarts_in_the_first_move_so_its_first_velocity_is_lost() -> None:
    drawn = particle_swarm.initial_particles(
        plan(REFERENCE), tuple((candidate, 0.5) for candidate in optimization.ask(optimization.start(plan(REFERENCE))))
    )
    assert all(any(particle.velocity) for particle in drawn)
    lost = replace(REFERENCE, cognitive=0, social=0, repel=0)
    assert [one.position for one in flat(optimization.start(plan(lost))).particles] == list(positions.vertices(4))
    kept = replace(INTENDED, cognitive=0, social=0, repel=0)
    assert all(
        one.position != vertex
        for one, vertex in zip(flat(optimization.start(plan(kept))).particles, positions.vertices(4), strict=True)
    )


def test_b2_whoever_is_not_above_its_first_score_restarts_every_fourth_move() -> None:
    swarm, moves = flat(optimization.start(plan(REFERENCE)), 0.5), []
    for move in range(1, 15):
        if all(rests_at_its_best(swarm)):
            moves.append(move)
        swarm = flat(swarm, 0.4)
    assert moves == [1, 5, 9, 13]


def test_b2_whoever_stays_above_its_first_score_never_restarts_however_old_its_best() -> None:
    released, intended = (flat(flat(optimization.start(plan(rule)), 0.2), 0.9) for rule in (REFERENCE, INTENDED))
    for _ in range(12):
        released, intended = flat(released, 0.3), flat(intended, 0.3)
        assert not any(rests_at_its_best(released))
    assert all(
        schedule.should_restart(INTENDED.restart_patience, 10, particle.stale) for particle in intended.particles
    )


@pytest.mark.parametrize(
    ("patience", "history", "due"),
    [
        (0.67, ScoreHistory(0.5, 0.5, 1), True),
        (0.67, ScoreHistory(0.5, 0.6, 2), False),
        (0.67, ScoreHistory(0.5, 0.4, 5), True),
        (0.67, ScoreHistory(0.5, 0.4, 5, cooldown=1), False),
        (0.0, ScoreHistory(0.5, 0.6, 2), False),
        (1.0, ScoreHistory(0.5, 0.5, 1), False),
        (1.0, ScoreHistory(0.5, 0.9, 2), True),
    ],
    ids=[
        "first of all",
        "above",
        "below",
        "resting",
        "ratio 0",
        "one score is not over 1",
        "latest is not above itself",
    ],
)
def test_b2_the_ratio_is_an_index(patience: float, history: ScoreHistory, due: bool) -> None:
    here, best = positions.vertex(4, 0), positions.vertex(4, 1)
    particle = PublishedParticle(here, (0.5, -0.5, 0.0, 0.0), best, history=history)
    after = reference.restart_if_due(particle, patience)
    assert (after.position, any(after.velocity)) == ((best, False) if due else (here, True))
    assert after.history is not None
    assert after.history.cooldown == (3 if due else max(0, history.cooldown - 1))


def test_b3_before_any_score_best_and_worst_are_particles_drawn_at_random() -> None:
    pulled = {"inertia": 0.0, "cognitive": 0.0, "repel": 0.0}
    intended, released = (
        flat(optimization.start(plan(replace(rule, **pulled))), None) for rule in (INTENDED, REFERENCE)
    )
    corners = positions.vertices(4)
    assert [one.position for one in intended.particles] == list(corners)
    target = substitute(plan(REFERENCE), "best")
    assert target in corners
    expected = [
        positions.combine([(1.0 - step, corner), (step, target)])
        for corner, step in zip(corners, (0.7 * 0.95**k for k in range(4)), strict=True)
    ]
    for particle, place in zip(released.particles, expected, strict=True):
        assert particle.position == pytest.approx(place)
    assert [one.best for one in released.particles] == list(corners)
    assert [one.best for one in intended.particles] == [None] * 4


def test_b3_the_copies_differ_between_roles_and_seeds_and_are_overwritten_by_the_first_scores() -> None:
    plans = [replace(plan(REFERENCE), seed=seed) for seed in range(20)]
    best, worst = ([substitute(one, role) for one in plans] for role in ("best", "worst"))
    assert set(best) == set(worst) == set(positions.vertices(4))
    assert best != worst
    swarm = flat(flat(optimization.start(plan(REFERENCE)), None), 0.1, p02=0.3)
    assert optimization.best(swarm).name == "p02-0001"  # type: ignore[union-attr]
    assert all(particle.best not in positions.vertices(4) for particle in swarm.particles)


@pytest.mark.parametrize(
    ("rule", "doubts"), [(REFERENCE, False), (INTENDED, False), (Standard(), True)], ids=["code", "rule", "ours"]
)
def test_b4_a_lucky_best_is_believed_for_ever_by_the_rule_and_the_code_alike(
    rule: Optimizer[Any], doubts: bool
) -> None:
    swarm = flat(optimization.start(plan(rule, patience=50)), 0.1, g00=0.9)
    for _ in range(8):
        swarm = flat(swarm, 0.1)
    assert (optimization.best(swarm).value < 0.9) == doubts  # type: ignore[union-attr]
    assert any(candidate.purpose is Purpose.REMEASURE for candidate in optimization.ask(swarm)) == doubts


@pytest.mark.parametrize(
    ("improves_at", "intended", "released"),
    [(1, 11, 11), (2, 12, 11), (3, 13, 12), (11, 21, 20)],
    ids=["the first measurement", "the second", "the third", "the eleventh"],
)
def test_b5_patience_looks_back_one_step_less_but_never_ends_before_measurement_eleven(
    improves_at: int, intended: int, released: int
) -> None:
    ends = []
    for rule in (INTENDED, REFERENCE):
        swarm = optimization.start(plan(rule))
        while optimization.stop_reason(swarm) is None:
            best = 0.9 if swarm.iteration + 1 == improves_at else 0.1
            first = optimization.ask(swarm)[0].name
            swarm = flat(swarm, 0.1, **{first: best})
        ends.append(swarm.iteration)
    assert ends == [intended, released]


def test_reference_takes_no_restart_patience_that_indexes_further_back() -> None:
    with pytest.raises(BadInputError, match="restart_patience is 2"):
        Published(restart_patience=2, compat=Compat.REFERENCE)
    assert Published(restart_patience=2).restart_patience == 2


def test_a_missing_score_leaves_no_trace_but_a_move_of_rest() -> None:
    swarm = flat(optimization.start(plan(REFERENCE)), 0.5)
    after = flat(swarm, None)
    for old, new in zip(swarm.particles, after.particles, strict=True):
        assert old.history is not None
        assert new.history == replace(old.history, cooldown=old.history.cooldown - 1)
