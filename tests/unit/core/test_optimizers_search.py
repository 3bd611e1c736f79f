"""Ask and tell: what is remembered, what is measured again, when it ends."""

import json
from dataclasses import replace
from typing import Any

import pytest
from every_optimizer import EVERY, tell_numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core import streams
from swarm_core.optimizers import estimates, optimization, positions
from swarm_core.optimizers.candidate import Purpose
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.multi_objective import FrontState
from swarm_core.optimizers.optimizer import Optimizer, Plan, SearchState, Stop
from swarm_core.optimizers.particle_swarm import Particle, SwarmState
from swarm_core.optimizers.published import Published
from swarm_core.optimizers.standard import Standard

RULES = pytest.mark.parametrize("rule", EVERY.values(), ids=EVERY)


def plan(rule: Optimizer[Any] | None = None, iterations: int = 10, patience: int = 5, particles: int = 4) -> Plan:
    return Plan(4, particles, iterations, patience, 9, rule or Standard())


def flat(swarm: SearchState, value: float | None = 0.5, **named: float | None) -> SearchState:
    """`swarm` told `value` for every candidate, but for those named."""
    return tell_numbers(swarm, {candidate.name: value for candidate in optimization.ask(swarm)} | named)


def told(swarm: SearchState, value: float, **known: float) -> SearchState:
    """`swarm` told `value` for every candidate, but for positions known by name, whichever candidate asks for them."""
    named = {record(swarm, name).position: score for name, score in known.items()}
    return tell_numbers(
        swarm, {candidate.name: named.get(candidate.position, value) for candidate in optimization.ask(swarm)}
    )


def noisy(swarm: SearchState, rounds: int) -> SearchState:
    for _ in range(rounds):
        scores = {p.name: streams.uniform(1, "noise", swarm.iteration, p.name) for p in optimization.ask(swarm)}
        swarm = tell_numbers(swarm, scores)
    return swarm


def particles_of(swarm: SearchState) -> tuple[Particle, ...]:
    """None where no particles move."""
    return swarm.particles if isinstance(swarm, SwarmState) else ()


def record(swarm: SearchState, name: str) -> Estimate:
    return next(record for record in swarm.estimates if record.name == name)


@RULES
def test_names_are_unique_path_safe_and_tell_the_purpose(rule: Optimizer[Any]) -> None:
    swarm = optimization.start(plan(rule, particles=8))
    for _ in range(3):
        candidates = optimization.ask(swarm)
        assert len({candidate.name for candidate in candidates}) == len(candidates)
        letters = {Purpose.START: "gacs", Purpose.EXPLORE: "p", Purpose.REMEASURE: "b"}
        assert all(
            candidate.name[0] in letters[candidate.purpose] and candidate.name.isalnum() for candidate in candidates
        )
        swarm = noisy(swarm, 1)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [(Standard(), ["b00", "b01", "b02"]), (Standard(remeasured=0), []), (Published(), [])],
    ids=["standard", "standard without", "published"],
)
def test_standard_measures_the_leading_positions_again_best_first(rule: Optimizer[Any], expected: list[str]) -> None:
    swarm = noisy(optimization.start(plan(rule)), 6)
    standing = {particle.position for particle in swarm.particles}
    leaders = [one.position for one in estimates.rank(swarm.estimates) if one.position not in standing]
    again = [candidate for candidate in optimization.ask(swarm) if candidate.purpose is Purpose.REMEASURE]
    assert [candidate.name for candidate in again] == expected
    assert [candidate.position for candidate in again] == leaders[: len(expected)]


def test_a_lucky_score_sinks_as_it_is_measured_again() -> None:
    swarm = flat(optimization.start(plan()), g00=0.9, g01=0.6)
    assert optimization.best(swarm).name == "g00"  # type: ignore[union-attr]
    swarm = told(swarm, 0.1, g00=0.2, g01=0.62)
    lucky, steady = record(swarm, "g00"), record(swarm, "g01")
    assert (lucky.value, lucky.count) == (pytest.approx(0.55), 2)
    assert (steady.value, steady.count) == (pytest.approx(0.61), 2)
    assert optimization.best(swarm).name == "g01"  # type: ignore[union-attr]


def test_published_believes_its_best_for_ever() -> None:
    swarm = flat(optimization.start(plan(Published())), g00=0.9)
    for _ in range(5):
        swarm = flat(swarm, 0.1)
    assert optimization.best(swarm) == Estimate("g00", (1.0, 0.0, 0.0, 0.0), 0.9, 1, 0)


def test_a_good_mean_displaced_by_one_lucky_score_is_found_again() -> None:
    swarm = noisy(optimization.start(plan(particles=2)), 3)
    steady = swarm.particles[0].best
    assert steady is not None
    (good,) = [one for one in swarm.estimates if one.position == steady]
    swarm = flat(swarm, 0.0, p00=2.0)
    assert swarm.particles[0].best != steady
    for _ in range(6):
        swarm = told(swarm, 0.0, **{good.name: 1.0})
    assert optimization.best(swarm).name == good.name  # type: ignore[union-attr]


def test_a_position_where_particles_meet_is_one_candidate_and_one_measurement() -> None:
    swarm = flat(optimization.start(plan()), g00=0.9, g01=0.5)
    corner = positions.vertex(4, 0)
    resting = [replace(particle, position=corner) for particle in swarm.particles[:2]]
    swarm = replace(swarm, particles=(*resting, *swarm.particles[2:]))
    asked = optimization.ask(swarm)
    assert [candidate.name for candidate in asked if candidate.position == corner] == ["p00"]
    assert "p01" not in {candidate.name for candidate in asked}
    swarm = flat(swarm, 0.1, p00=0.7)
    assert (record(swarm, "g00").count, record(swarm, "g00").value) == (2, pytest.approx(0.8))
    assert [particle.best for particle in swarm.particles[:2]] == [corner, corner]


def test_equal_scores_keep_the_earlier_best() -> None:
    swarm = flat(flat(optimization.start(plan(Published()))))
    assert [particle.best for particle in swarm.particles] == list(positions.vertices(4))
    assert [particle.stale for particle in swarm.particles] == [1] * 4


def test_the_worst_is_the_lowest_score_ever_measured() -> None:
    swarm = flat(optimization.start(plan(Published())), g02=0.2)
    swarm = flat(flat(swarm, 0.3, p01=0.1), 0.4)
    assert swarm.worst is not None
    assert (swarm.worst.value, swarm.worst.iteration) == (0.1, 1)


@pytest.mark.parametrize("rule", [Standard(remeasured=0), Published()], ids=["standard", "published"])
@pytest.mark.parametrize(
    ("leads", "ends", "stop"),
    [
        ([0.2] * 8, 4, Stop.PATIENCE),
        ([0.2, 0.2, 0.9] + [0.2] * 5, 7, Stop.PATIENCE),
        ([0.2, 0.2, 0.9] + [0.9] * 5, 7, Stop.PATIENCE),
        ([0.6, 0.7, 0.8, 0.9, 0.95, 0.96, 0.97, 0.98], 8, Stop.ITERATIONS),
    ],
    ids=["never better", "better once", "equal is not better", "always better"],
)
def test_patience_counts_iterations_without_a_new_leader(
    rule: Optimizer[Any], leads: list[float], ends: int, stop: Stop
) -> None:
    # Patience 4 of 8 iterations; `leads` are the scores of one particle, all others have 0.2.
    swarm = flat(optimization.start(plan(rule, iterations=8, patience=4)), 0.2, g00=0.55)
    for lead in leads:
        if optimization.stop_reason(swarm) is None:
            swarm = flat(swarm, 0.2, p01=lead)
    assert (swarm.iteration - 1, optimization.stop_reason(swarm)) == (ends, stop)


@RULES
def test_one_score_among_missing_ones_is_enough_to_cost_patience(rule: Optimizer[Any]) -> None:
    swarm = flat(optimization.start(plan(rule)), 0.5)
    assert flat(swarm, None, p00=0.1).stale == 1
    assert flat(swarm, None, p00=0.9).stale == 0


def test_averaging_the_leader_down_or_another_up_is_no_improvement() -> None:
    swarm = flat(optimization.start(plan()), 0.1, g00=0.9, g01=0.6)
    swarm = told(swarm, 0.1, g00=0.1, g01=0.7)
    assert (optimization.best(swarm).name, swarm.stale) == ("g01", 1)  # type: ignore[union-attr]
    swarm = told(swarm, 0.1, g00=3.0)
    assert (optimization.best(swarm).name, swarm.stale) == ("g00", 2)  # type: ignore[union-attr]
    swarm = flat(swarm, 0.1, p02=5.0)
    assert (optimization.best(swarm).name, swarm.stale) == ("p02-0003", 0)  # type: ignore[union-attr]


@RULES
def test_an_iteration_without_any_score_changes_no_best_and_costs_no_patience(rule: Optimizer[Any]) -> None:
    before = noisy(optimization.start(plan(rule)), 3)
    after = flat(before, None)
    for name in ("estimates", "worst", "stale", "known"):
        assert getattr(after, name, None) == getattr(before, name, None)
    assert [(p.best, p.stale) for p in particles_of(after)] == [(p.best, p.stale) for p in particles_of(before)]
    here, there = (
        {candidate.position for candidate in optimization.ask(at) if candidate.name[0] == "p"} for at in (before, after)
    )
    assert here.isdisjoint(there)


@RULES
def test_a_search_that_is_never_scored_ends_with_nothing_found(rule: Optimizer[Any]) -> None:
    swarm = optimization.start(plan(rule))
    while optimization.stop_reason(swarm) is None:
        swarm = flat(swarm, None)
    assert (optimization.stop_reason(swarm), optimization.best(swarm), optimization.initial_best(swarm)) == (
        Stop.ITERATIONS,
        None,
        None,
    )
    assert optimization.select_finalists(swarm, 8) == ()


@settings(max_examples=50, deadline=None)
@given(st.data(), st.sampled_from(list(EVERY.values())))
def test_any_pattern_of_missing_scores_keeps_the_books_straight(data: st.DataObject, rule: Optimizer[Any]) -> None:
    swarm = optimization.start(plan(rule, iterations=6, patience=7))
    while optimization.stop_reason(swarm) is None:
        candidates = optimization.ask(swarm)
        told = data.draw(st.lists(st.none() | st.floats(0, 1), min_size=len(candidates), max_size=len(candidates)))
        scores = dict(zip((candidate.name for candidate in candidates), told, strict=True))
        before, swarm = swarm, tell_numbers(swarm, scores)
        kept = swarm.known if isinstance(swarm, FrontState) else swarm.estimates
        known = {record.position for record in kept}
        assert len(known) == len(kept)
        for particle, old in zip(particles_of(swarm), particles_of(before), strict=False):
            assert (
                particle.best in known
                or particle.best is None
                or (rule == EVERY["Reference"] and particle.history is None)
            )
            heard = {candidate.position for candidate in candidates if scores[candidate.name] is not None}
            assert old.position in heard or (particle.best, particle.stale) == (old.best, old.stale)
        assert len(particles_of(swarm)) == (swarm.plan.particles if rule.is_particle_rule else 0)
        assert optimization.from_json(optimization.to_json(swarm)) == swarm


@RULES
def test_the_order_in_which_scores_are_told_changes_nothing(rule: Optimizer[Any]) -> None:
    swarm = noisy(optimization.start(plan(rule)), 4)
    scores = {candidate.name: streams.uniform(2, candidate.name) for candidate in optimization.ask(swarm)}
    backwards = dict(reversed(scores.items()))
    assert optimization.to_json(tell_numbers(swarm, scores)) == optimization.to_json(tell_numbers(swarm, backwards))


@RULES
def test_the_same_plan_and_scores_give_the_same_swarm_and_another_seed_does_not(rule: Optimizer[Any]) -> None:
    first, second = (noisy(optimization.start(plan(rule)), 5) for _ in range(2))
    other = noisy(optimization.start(replace(plan(rule), seed=10)), 5)
    assert optimization.to_json(first) == optimization.to_json(second)
    assert optimization.ask(first) != optimization.ask(other)


@RULES
def test_json_is_exact_and_a_search_goes_on_from_it_as_if_nothing_had_happened(rule: Optimizer[Any]) -> None:
    swarm = noisy(optimization.start(plan(rule)), 3)
    text = optimization.to_json(swarm)
    assert optimization.from_json(text) == swarm
    assert optimization.to_json(optimization.from_json(text)) == text
    assert optimization.to_json(noisy(optimization.from_json(text), 3)) == optimization.to_json(noisy(swarm, 3))
    assert optimization.from_json(optimization.to_json(optimization.start(plan(rule)))) == optimization.start(
        plan(rule)
    )


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4))
def test_json_keeps_every_float_bit_for_bit(values: list[float]) -> None:
    swarm = replace(optimization.start(plan()), estimates=(Estimate("x", tuple(values), values[0], 3, 1),))
    (back,) = optimization.from_json(optimization.to_json(swarm)).estimates
    assert [value.hex() for value in (*back.position, back.total)] == [value.hex() for value in (*values, values[0])]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"plan": {}}', json.dumps({"plan": 1, "worst": None})])
def test_what_is_not_a_swarm_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a search state"):
        optimization.from_json(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"g01": float("nan")}, "candidate g01 is nan"),
        ({"a02": float("-inf")}, "candidate a02 is -inf"),
        ({"zz": 0.5}, "candidate zz was not asked"),
    ],
    ids=["not a number", "infinite", "unknown"],
)
def test_scores_that_cannot_be_are_refused_by_name(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        flat(optimization.start(plan()), **change)


def test_a_candidate_left_out_is_refused_by_name() -> None:
    swarm = optimization.start(plan())
    scores = {candidate.name: 0.5 for candidate in optimization.ask(swarm) if candidate.name != "g03"}
    with pytest.raises(ValueError, match="candidate g03 has no entry"):
        tell_numbers(swarm, scores)


def test_finalists_are_distinct_best_first_with_the_best_initial_generator_among_them() -> None:
    named = {f"a{index:02d}": 0.6 + index / 100 for index in range(12)}
    swarm = flat(optimization.start(plan(particles=8)), 0.1, g02=0.3, **named)
    chosen = optimization.select_finalists(swarm, 5)
    assert [candidate.name for candidate in chosen] == ["a11", "a10", "a09", "a08", "g02"]
    assert [candidate.value for candidate in chosen] == sorted((c.value for c in chosen), reverse=True)
    assert len({candidate.position for candidate in optimization.select_finalists(swarm, 50)}) == 16
    assert chosen[0] == optimization.best(swarm)
    assert chosen[-1] == optimization.initial_best(swarm)


def test_the_best_initial_generator_takes_nobodys_place_when_it_is_good_enough() -> None:
    swarm = flat(optimization.start(plan()), 0.1, g02=0.9, a01=0.8, a02=0.7)
    assert [candidate.name for candidate in optimization.select_finalists(swarm, 3)] == ["g02", "a01", "a02"]


def test_one_finalist_is_no_choice() -> None:
    with pytest.raises(ValueError, match="count=1"):
        optimization.select_finalists(optimization.start(plan()), 1)


@pytest.mark.parametrize("particles", [2, 4, 8, 20])
@RULES
def test_the_budget_is_what_a_full_search_asks_unless_particles_meet(rule: Optimizer[Any], particles: int) -> None:
    whole = plan(rule, iterations=6, patience=100, particles=particles)
    swarm, asked, met = optimization.start(whole), 0, 0
    while optimization.stop_reason(swarm) is None:
        asked += len(optimization.ask(swarm))
        standing = particles_of(swarm)
        met += len(standing) - len({particle.position for particle in standing})
        swarm = noisy(swarm, 1)
    assert asked + met == optimization.budget(whole)


@RULES
def test_the_state_stays_small_however_long_the_search(rule: Optimizer[Any]) -> None:
    swarm = noisy(optimization.start(plan(rule, iterations=200, patience=500, particles=8)), 60)
    assert len(swarm.known if isinstance(swarm, FrontState) else swarm.estimates) <= 4 + 8 + 16
    assert len(optimization.to_json(swarm)) < 12_000


def test_leaders_are_ordered_by_mean_and_then_by_age() -> None:
    records = [Estimate(name, (value,), value * count, count, 0) for name, value, count in
               (("first", 0.5, 1), ("second", 0.5, 2), ("third", 0.75, 4))]  # fmt: skip
    assert [one.name for one in estimates.rank(records)] == ["third", "first", "second"]
