"""Where particles begin."""

from collections import Counter

import pytest

from swarm_core import streams
from swarm_core.errors import BadInputError
from swarm_core.optimizers import initial_positions, optimization, particle_swarm, positions, sampling
from swarm_core.optimizers.optimizer import Plan
from swarm_core.optimizers.published import Published
from swarm_core.optimizers.random_search import RandomSearch
from swarm_core.optimizers.standard import Standard


def plan(basis: int = 4, particles: int = 8, rule: Standard | Published | None = None, seed: int = 1) -> Plan:
    return Plan(basis, particles, 10, 5, seed, rule or Standard())


def kinds(asked: Plan) -> Counter[str]:
    return Counter(candidate.name[0] for candidate in optimization.ask(optimization.start(asked)))


def test_four_adapters_have_exactly_these_twelve_analogies() -> None:
    assert initial_positions.list_analogies(plan()) == (
        (1, 1, -1, 0), (1, 1, 0, -1), (1, -1, 1, 0), (1, 0, 1, -1), (1, -1, 0, 1), (1, 0, -1, 1),
        (-1, 1, 1, 0), (0, 1, 1, -1), (-1, 1, 0, 1), (0, 1, -1, 1), (-1, 0, 1, 1), (0, -1, 1, 1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (plan(4, 8), {"g": 4, "a": 12, "s": 66}),
        (plan(4, 4), {"g": 4, "a": 12, "s": 66}),
        (plan(10, 20), {"g": 10, "a": 40, "s": 66}),
        (plan(64, 4), {"g": 64, "a": 16, "s": 66}),
        (plan(3, 8), {"g": 3, "a": 3, "c": 2, "s": 66}),
        (plan(2, 8), {"g": 2, "c": 6, "s": 66}),
        (plan(4, 8, Standard(scattered=0)), {"g": 4, "a": 12}),
        (plan(4, 8, Standard(scattered=120)), {"g": 4, "a": 12, "s": 120}),
        (plan(4, 4, Standard(analogies=False, scattered=0)), {"g": 4}),
        (plan(4, 8, Standard(analogies=False)), {"g": 4, "c": 4, "s": 66}),
        (plan(4, 4, Published()), {"g": 4}),
        (plan(4, 10, Published()), {"g": 4, "c": 6}),
        (plan(10, 4, Published()), {"g": 10}),
    ],
    ids=lambda value: f"{value.basis} adapters {value.particles} particles" if isinstance(value, Plan) else "",
)
def test_the_start_measures_every_initial_adapter_and_what_the_rule_adds(asked: Plan, expected: dict[str, int]) -> None:
    assert kinds(asked) == expected


@pytest.mark.parametrize("basis", [2, 3, 5, 12])
@pytest.mark.parametrize("rule", [Standard(), Published()], ids=["standard", "published"])
def test_every_start_sums_to_one_and_is_distinct(basis: int, rule: Standard | Published) -> None:
    candidates = optimization.ask(optimization.start(plan(basis, 9, rule)))
    assert all(sum(candidate.position) == pytest.approx(1, abs=1e-12) for candidate in candidates)
    assert (
        len({candidate.position for candidate in candidates})
        == len({candidate.name for candidate in candidates})
        == len(candidates)
    )


def test_sampled_analogies_depend_on_the_seed() -> None:
    assert initial_positions.list_analogies(plan(10, seed=1)) != initial_positions.list_analogies(plan(10, seed=2))


def test_a_child_lies_on_the_line_through_two_adapters_up_to_one_length_beyond_the_first() -> None:
    children = [initial_positions.draw_child(plan(4), index) for index in range(200)]
    weights = [streams.uniform(1, "child", index) * 2 for index in range(200)]
    for child, weight in zip(children, weights, strict=True):
        assert sorted(child) == sorted([weight, 1 - weight, 0.0, 0.0])
    assert any(max(child) > 1.5 for child in children)
    assert {child.index(0.0) for child in children} >= {0, 1}


@pytest.mark.parametrize(
    ("best", "order"),
    [
        ({"a05": 0.9, "g02": 0.8, "a01": 0.7}, ["g02", "a01", "a05"]),
        ({"s05": 0.9, "g02": 0.8, "s21": 0.7}, ["g02", "s05", "s21"]),
    ],
    ids=["an analogy", "a random place"],
)
def test_the_best_start_positions_become_particles_in_the_order_asked(best: dict[str, float], order: list[str]) -> None:
    swarm = optimization.start(plan(4, 3))
    swarm = optimization.tell(swarm, {candidate.name: 0.1 for candidate in optimization.ask(swarm)} | best)
    found = {record.position: record.name for record in swarm.estimates}
    assert [found[particle.best] for particle in swarm.particles if particle.best] == order


def test_random_places_are_those_of_a_random_search_that_none_draws() -> None:
    places = [
        candidate.position for candidate in optimization.ask(optimization.start(plan())) if candidate.name[0] == "s"
    ]
    assert len(set(places)) == 66
    assert max(max(place) - min(place) for place in places) <= 3.0 + 1e-12
    assert places[:5] == list(sampling.uniform_positions(plan().seed, plan().basis, 0, 5, RandomSearch().half_width))
    assert not set(places) & set(sampling.uniform_positions(plan().seed, plan().basis, 1, 66))


def test_unscored_starts_become_particles_only_where_scores_are_too_few() -> None:
    first = plan(4, 3)
    results = tuple(
        (candidate, {"a01": 0.1, "a03": 0.0}.get(candidate.name))
        for candidate in optimization.ask(optimization.start(first))
    )
    bests = [particle.best for particle in particle_swarm.initial_particles(first, results)]
    assert [best is None for best in bests] == [True, False, False]


def test_the_first_velocity_leads_to_another_particle() -> None:
    asked = plan(4, 6)
    particles = particle_swarm.initial_particles(
        asked, tuple((candidate, 0.5) for candidate in optimization.ask(optimization.start(asked)))
    )
    places = [particle.position for particle in particles]
    for particle in particles:
        target = positions.combine([(1.0, particle.position), (1.0, particle.velocity)])
        assert target in places
        assert target != particle.position


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: plan(basis=1), "1 generators"),
        (lambda: plan(particles=1), "swarm particles is 1"),
        (lambda: Plan(4, 4, 0, 5, 1, Standard()), "iterations is 0"),
        (lambda: Plan(4, 4, 5, 0, 1, Standard()), "patience is 0"),
        (lambda: Standard(inertia=float("nan")), "inertia is nan"),
        (lambda: Standard(scattered=-1), "scattered is -1: it must be at least 0"),
        (lambda: Standard(max_velocity=0.0), "max_velocity is 0.0: it must be above 0"),
        (lambda: Standard(max_position=0.5), "max_position"),
        (lambda: Published(step_factor=1.1), "step_factor is 1.1: it must be above 0 and at most 1"),
        (lambda: Published(step_length=0.05), "step_length"),
        (lambda: Published(inertia=0, cognitive=0, social=0, repel=0), "sum of"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_that_cannot_work_are_refused_by_name(make: object, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        make()  # type: ignore[operator]
