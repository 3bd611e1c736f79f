"""The rule for several objectives: its archive by hand, what is measured again, and what noise does to the front."""

import hashlib
import json
from dataclasses import replace
from statistics import fmean

import pytest

from swarm_core import streams
from swarm_core.errors import BadInputError
from swarm_core.optimizers import optimization, pareto_front, vector_estimates
from swarm_core.optimizers.candidate import Candidate, Fitness, Purpose, VectorScore
from swarm_core.optimizers.multi_objective import FrontState, MultiObjective
from swarm_core.optimizers.optimizer import Plan, SearchState, Stop
from swarm_core.optimizers.positions import Position
from swarm_core.optimizers.standard import Standard
from swarm_core.optimizers.vector_estimates import VectorEstimate

OPTIMA = ((-1.0, 1.0, 1.0, 0.0), (1.0, 0.5, -1.0, 0.5))
NOISE = 0.045
"""The standard deviation of a share near one half of 120 items."""


def plan(rule: MultiObjective | None = None, particles: int = 4, seed: int = 9, **more: int) -> Plan:
    return Plan(4, particles, more.pop("iterations", 8), more.pop("patience", 5), seed, rule or MultiObjective())


def start(rule: MultiObjective | None = None) -> FrontState:
    state = optimization.start(plan(rule))
    assert isinstance(state, FrontState)
    return state


def tell(state: SearchState, others: Fitness, **named: Fitness) -> FrontState:
    """Return the state after `others` for every candidate but those named."""
    after = optimization.tell(state, {one.name: others for one in optimization.ask(state)} | named)
    assert isinstance(after, FrontState)
    return after


def score(*values: float, error: float = 0.01) -> VectorScore:
    return VectorScore(values, (error,) * len(values))


def get_names(state: FrontState) -> set[str]:
    return {one.name for one in MultiObjective().select_archive(state)}


def find(state: FrontState, name: str) -> VectorEstimate:
    return next(one for one in state.known if one.name == name)


def test_the_archive_holds_what_no_position_dominates() -> None:
    state = tell(start(), score(0.1, 0.1), g00=score(0.9, 0.2), g01=score(0.2, 0.9), a00=score(0.6, 0.6))
    assert get_names(state) == {"g00", "g01", "a00"}
    state = tell(state, None, p00=score(0.7, 0.7))
    assert get_names(state) == {"g00", "g01", "p00-0001"}
    assert {one.name for one in state.known} >= {"a00", "g02", "g03"}


def test_the_leading_position_is_the_knee_and_the_search_attains_a_hypervolume() -> None:
    state = tell(start(), score(0.1, 0.1), g00=score(0.9, 0.2), g01=score(0.2, 0.9), a00=score(0.6, 0.6))
    best, initial = optimization.best(state), optimization.initial_best(state)
    assert best is not None
    assert initial is not None
    assert (best.name, best.value) == ("a00", pytest.approx(0.36))
    assert (initial.name, initial.value) == ("g00", pytest.approx(0.18))
    # strips of the stairs (0.9, 0.2), (0.6, 0.6), (0.2, 0.9)
    assert optimization.attained(state) == pytest.approx(0.9 * 0.2 + 0.6 * 0.4 + 0.2 * 0.3)
    assert optimization.initial_attained(state) == pytest.approx(0.9 * 0.2 + 0.2 * 0.7)


def test_a_lucky_newcomer_is_measured_again_and_what_it_dominated_returns() -> None:
    rule = MultiObjective(16, Standard(remeasured=1))
    steady = {"g00": score(0.9, 0.2), "g01": score(0.2, 0.9), "a00": score(0.6, 0.6)}
    state = tell(tell(start(rule), score(0.1, 0.1), **steady), None, p00=score(0.8, 0.8))
    assert get_names(state) == {"g00", "g01", "p00-0001"}
    truth = {find(state, name).position: value for name, value in {**steady, "p00-0001": score(0.3, 0.3)}.items()}
    for _ in range(6):
        asked = optimization.ask(state)
        state = tell(state, None, **{one.name: truth[one.position] for one in asked if one.position in truth})
    assert find(state, "p00-0001").count > 1
    assert get_names(state) == {"g00", "g01", "a00"}


def test_an_estimate_is_a_mean_and_its_error_shrinks_with_each_measurement() -> None:
    candidate = Candidate("p00", (1.0, 0.0), Purpose.EXPLORE)
    results = [((candidate, score(0.2, 0.4, error=0.3)),), ((candidate, score(0.6, 0.8, error=0.4)),)]
    known: dict[Position, VectorEstimate] = {}
    for iteration, result in enumerate(results, 3):
        known = vector_estimates.update_estimates(known.values(), result, iteration)
    (one,) = known.values()
    assert (one.name, one.iteration, one.count) == ("p00-0003", 3, 2)
    assert one.values == pytest.approx((0.4, 0.6))
    assert one.errors == pytest.approx((0.25, 0.25))  # sqrt(0.3^2 + 0.4^2) / 2


def test_members_measured_least_are_measured_again_and_then_positions_behind_the_archive() -> None:
    state = tell(start(), score(0.1, 0.1), g00=score(0.9, 0.2), g01=score(0.2, 0.9))
    state = replace(state, particles=())
    again = [one.position for one in optimization.ask(state) if one.purpose is Purpose.REMEASURE]
    ends = {find(state, "g00").position, find(state, "g01").position}
    assert set(again[:2]) == ends
    assert again[2] not in ends
    often = [replace(one, totals=(1.8, 0.4), count=2) if one.name == "g00" else one for one in state.known]
    (first, *_) = [one for one in optimization.ask(replace(state, known=tuple(often))) if one.name == "b00"]
    assert first.position == find(state, "g01").position


def test_the_archive_is_bounded_and_keeps_the_ends() -> None:
    rule = MultiObjective(4)
    scores = {f"s{index:02d}": score(0.2 + index / 100, 0.8 - index / 100) for index in range(40)}
    state = tell(start(rule), score(0.1, 0.1), **scores)
    names = [one.name for one in rule.select_archive(state)]
    assert len(names) == 4
    assert {"s00", "s39"} <= set(names)


def test_who_meets_all_floors_comes_before_who_does_not() -> None:
    state = tell(start(), score(-0.3, 9.0), g00=score(-0.1, 0.5), g01=score(-0.2, 5.0))
    assert get_names(state) == {"g00"}
    assert optimization.attained(state) == 0.0
    state = tell(state, None, p00=score(0.01, 0.01))
    assert get_names(state) == {"p00-0001"}


def test_patience_counts_iterations_in_which_the_front_grew_by_less_than_its_noise() -> None:
    state = tell(start(), score(0.1, 0.1), g00=score(0.9, 0.2), g01=score(0.2, 0.9))
    assert state.stale == 0
    state = tell(state, score(0.1, 0.1), p00=score(0.21, 0.89, error=0.2))
    assert state.stale == 1
    state = tell(state, score(0.1, 0.1), p01=score(0.7, 0.7))
    assert state.stale == 0


def test_below_the_floors_patience_counts_iterations_in_which_nothing_lacked_less() -> None:
    state = tell(start(), score(-0.3, 0.5))
    state = tell(state, score(-0.3, 0.5), p00=score(-0.2, 0.5))
    assert state.stale == 0
    state = tell(state, score(-0.3, 0.5))
    assert state.stale == 1


def test_growth_and_its_error_by_hand() -> None:
    old = VectorEstimate("g00", (1.0,), (0.5, 0.5), (0.0, 0.0), 1, 0)
    new = VectorEstimate("p00-0002", (0.0,), (1.0, 0.25), (0.01, 0.0), 1, 2)
    growth, error = vector_estimates.measure_growth([old, new], since=1)
    assert growth == pytest.approx(0.5 * 0.25)
    assert error == pytest.approx(0.1 * 0.25)  # the first value of the new position lowered by sqrt(0.01)
    assert vector_estimates.measure_growth([old, new], since=2)[0] == 0.0


def test_a_missing_score_changes_nothing() -> None:
    state = tell(start(), score(0.1, 0.1), g00=score(0.9, 0.2))
    after = tell(state, None)
    assert (after.known, after.stale) == (state.known, state.stale)


@pytest.mark.parametrize(
    ("fitness", "message"),
    [
        (0.5, "candidate g01 has one score, 0.5"),
        (score(0.5), "1 values and 1 errors"),
        (VectorScore((0.5, 0.5), (0.1,)), "2 values and 1 errors"),
        (score(0.5, float("nan")), "scores of candidate g01"),
        (score(0.5, 0.5, error=-1.0), "scores of candidate g01"),
        (score(0.5, 0.5, 0.5), r"candidates have \[2, 3\] objectives"),
    ],
    ids=["a number", "one objective", "an error short", "not finite", "negative error", "other objectives"],
)
def test_scores_that_cannot_be_are_refused(fitness: Fitness, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tell(start(), score(0.1, 0.1), g01=fitness)


def test_scores_on_several_objectives_are_refused_by_an_optimizer_for_one() -> None:
    state = optimization.start(Plan(4, 4, 8, 5, 9, Standard()))
    with pytest.raises(ValueError, match="candidate g00 has scores on 2 objectives"):
        optimization.tell(state, {one.name: score(0.1, 0.1) for one in optimization.ask(state)})


def test_an_archive_of_fewer_than_four_is_refused() -> None:
    with pytest.raises(BadInputError, match="MultiObjective: archive is 3"):
        MultiObjective(3)


def test_finalists_are_the_knee_the_archive_and_then_what_is_behind_it() -> None:
    scores = {"g00": score(0.9, 0.2), "g01": score(0.2, 0.9), "a00": score(0.6, 0.6), "a01": score(0.55, 0.55)}
    state = tell(start(), score(0.1, 0.1), **scores)
    names = [one.name for one in optimization.select_finalists(state, 4)]
    assert names[0] == "a00"
    assert set(names[1:3]) == {"g00", "g01"}
    assert names[3] == "a01"


def test_a_search_goes_on_from_its_json_as_if_nothing_had_happened() -> None:
    one = two = optimization.start(plan(iterations=6, patience=100))
    while optimization.stop_reason(one) is None:
        one = optimization.tell(one, measure(one, 3))
        two = optimization.from_json(optimization.to_json(optimization.tell(two, measure(two, 3))))
        assert two == one
    assert optimization.stop_reason(one) is Stop.ITERATIONS


def test_the_same_scores_lead_to_the_same_positions_as_ever() -> None:
    """Every candidate of a whole search, to the last bit."""
    state, every = optimization.start(plan(particles=6, iterations=6, patience=100)), []
    while optimization.stop_reason(state) is None:
        every.append([[value.hex() for value in one.position] for one in optimization.ask(state)])
        scores = [streams.uniform(1, "golden", state.iteration, axis) for axis in range(2 * len(every[-1]))]
        told = {one.name: score(*scores[2 * at : 2 * at + 2]) for at, one in enumerate(optimization.ask(state))}
        state = optimization.tell(state, told)
    assert hashlib.sha256(json.dumps(every).encode()).hexdigest()[:16] == "ce8ebaf1c6474bc4"


def compute_truth(position: Position) -> tuple[float, ...]:
    """Two peaks of height 0.8 whose flanks fall with the square of the distance."""
    distances = (sum((x - o) ** 2 for x, o in zip(position, optimum, strict=True)) for optimum in OPTIMA)
    return tuple(0.8 / (1 + distance / 3) for distance in distances)


def measure(state: SearchState, seed: int) -> dict[str, Fitness]:
    """The truth with noise of 120 items."""
    return {
        one.name: VectorScore(
            tuple(
                value + NOISE * streams.normal(seed, state.iteration, one.name, axis)
                for axis, value in enumerate(compute_truth(one.position))
            ),
            (NOISE, NOISE),
        )
        for one in optimization.ask(state)
    }


def search(rule: MultiObjective, particles: int, seed: int) -> tuple[float, float, float]:
    """Return the share of the archive that is truly on the front of all kept positions, the true hypervolume of the
    archive, and how much the archive overestimates it."""
    state = optimization.start(plan(rule, particles, seed, iterations=10, patience=100))
    while optimization.stop_reason(state) is None:
        state = optimization.tell(state, measure(state, seed))
    assert isinstance(state, FrontState)
    archive = [compute_truth(one.position) for one in rule.select_archive(state)]
    every = [compute_truth(one.position) for one in state.known]
    share = fmean(not any(pareto_front.dominates(other, one) for other in every) for one in archive)
    claimed, true = optimization.attained(state), pareto_front.measure_hypervolume(archive)
    assert claimed is not None
    return share, true, claimed - true


def test_an_archive_that_measures_again_keeps_more_of_the_true_front_than_one_that_believes_every_score() -> None:
    seeds = range(5)
    again, once = MultiObjective(16, Standard(remeasured=6)), MultiObjective(16, Standard(remeasured=0))
    assert optimization.budget(plan(again, 5)) == optimization.budget(plan(once, 11))
    ours = [search(again, 5, seed) for seed in seeds]
    naive = [search(once, 11, seed) for seed in seeds]
    share, true, excess = (fmean(one[part] for one in ours) for part in range(3))
    naive_share, naive_true, naive_excess = (fmean(one[part] for one in naive) for part in range(3))
    assert share > naive_share + 0.05
    assert true > naive_true - 0.02
    assert excess < 0.75 * naive_excess
