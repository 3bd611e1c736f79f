"""Dominance, crowding, hypervolume and knee: by hand, and the laws of the hypervolume."""

from math import inf, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core.optimizers import pareto_front
from swarm_core.optimizers.pareto_front import Vector

STAIRS: list[Vector] = [(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((2.0, 2.0), (1.0, 2.0), True),
        ((2.0, 2.0), (2.0, 2.0), False),
        ((3.0, 1.0), (1.0, 3.0), False),
        ((0.1, 0.1), (9.0, -0.1), True),
        ((9.0, -0.1), (0.1, 0.1), False),
        ((-0.1, 0.0), (9.0, -0.2), True),
        ((-0.1, -0.1), (-0.2, 5.0), False),
    ],
    ids=[
        "better in one", "equal", "a trade", "acceptable beats unacceptable", "and never the reverse", "lacks less",
        "lacks as much",
    ],
)  # fmt: skip
def test_dominance_by_hand(first: Vector, second: Vector, expected: bool) -> None:
    assert pareto_front.dominates(first, second) is expected


def test_fronts_by_hand() -> None:
    vectors: list[Vector] = [(1.0, 1.0), *STAIRS, (2.0, 1.0), (2.0, 2.0), (5.0, -1.0)]
    assert pareto_front.list_front(vectors) == [1, 2, 3, 5]
    assert pareto_front.list_fronts(vectors) == [[1, 2, 3, 5], [4], [0], [6]]


def test_crowding_by_hand() -> None:
    front: list[Vector] = [(0.0, 10.0), (1.0, 6.0), (4.0, 5.0), (10.0, 0.0)]
    # (4 - 0) / 10 + (10 - 5) / 10 and (10 - 1) / 10 + (6 - 0) / 10
    assert pareto_front.measure_crowding(front) == [inf, pytest.approx(0.9), pytest.approx(1.5), inf]
    assert pareto_front.measure_crowding([(1.0, 1.0)]) == [inf]
    assert pareto_front.measure_crowding([]) == []


def test_a_front_is_thinned_from_its_crowded_part() -> None:
    front: list[Vector] = [(0.0, 10.0), (4.0, 5.2), (4.2, 5.0), (4.4, 4.8), (10.0, 0.0)]
    order = pareto_front.order_front(front)
    assert sorted(order[:3]) == [0, 2, 4] or sorted(order[:3]) == [0, 1, 4] or sorted(order[:3]) == [0, 3, 4]
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert set(order[:2]) == {0, 4}


def test_positions_rank_by_front_and_then_by_crowding() -> None:
    vectors: list[Vector] = [(0.5, 0.5), (1.0, 3.0), (2.0, 2.0), (2.1, 1.9), (3.0, 1.0)]
    assert pareto_front.rank(vectors)[:2] == [1, 4]
    assert pareto_front.rank(vectors)[-1] == 0


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        ([], 0.0),
        ([(2.0, 3.0)], 6.0),
        ([(2.0, 0.0)], 0.0),
        ([(2.0, -1.0), (1.0, 1.0)], 1.0),
        (STAIRS, 6.0),
        ([(0.5,), (2.0,)], 2.0),
        ([(1.0, 2.0, 3.0)], 6.0),
        # 2*2*1 + 1*1*3 - 1*1*1
        ([(2.0, 2.0, 1.0), (1.0, 1.0, 3.0)], 6.0),
        # three boxes of volume 2 that share the unit cube
        ([(2.0, 1.0, 1.0), (1.0, 2.0, 1.0), (1.0, 1.0, 2.0)], 4.0),
        ([(2.0, 1.0, 1.0, 1.0), (1.0, 2.0, 1.0, 1.0), (1.0, 1.0, 2.0, 1.0), (1.0, 1.0, 1.0, 2.0)], 5.0),
    ],
    ids=[
        "nothing", "a box", "flat", "one unacceptable", "stairs", "one objective", "a cuboid", "two cuboids",
        "three cuboids", "four dimensions",
    ],
)  # fmt: skip
def test_hypervolumes_by_hand(vectors: list[Vector], expected: float) -> None:
    assert pareto_front.measure_hypervolume(vectors) == pytest.approx(expected)


def fronts(objectives: int) -> st.SearchStrategy[list[Vector]]:
    value = st.integers(-1, 8).map(lambda eighth: eighth / 8)
    return st.lists(st.tuples(*[value] * objectives), max_size=7)


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 4).flatmap(lambda k: st.tuples(fronts(k), st.tuples(*[st.integers(-1, 8)] * k))))
def test_one_more_vector_never_lowers_a_hypervolume_and_a_dominated_one_never_changes_it(
    drawn: tuple[list[Vector], tuple[int, ...]],
) -> None:
    vectors, eighths = drawn
    added = tuple(one / 8 for one in eighths)
    before, after = (pareto_front.measure_hypervolume(some) for some in (vectors, [*vectors, added]))
    assert after >= before - 1e-12
    if any(pareto_front.dominates(one, added) and min(one) >= 0 for one in vectors):
        assert after == before


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 4).flatmap(fronts))
def test_a_hypervolume_is_the_sum_over_inclusions_and_exclusions(vectors: list[Vector]) -> None:
    total = 0.0
    for chosen in range(1, 1 << len(vectors)):
        inside = [one for index, one in enumerate(vectors) if chosen >> index & 1]
        shared = prod(max(0.0, min(values)) for values in zip(*inside, strict=True))
        total += shared if len(inside) % 2 else -shared
    assert pareto_front.measure_hypervolume(vectors) == pytest.approx(total, abs=1e-9)


def test_the_ends_and_the_knee_by_hand() -> None:
    # Scaled by the ends to (0, 1), (0.25, 0.75), (0.75, 0.625), (1, 0): the third is farthest above sum = 1.
    front: list[Vector] = [(1.0, 9.0), (2.0, 7.0), (4.0, 6.0), (5.0, 1.0)]
    assert pareto_front.list_ends(front) == [3, 0]
    assert pareto_front.find_knee(front) == 2
    assert pareto_front.find_knee([(1.0, 1.0)]) == 0
    assert pareto_front.find_knee([(1.0, 2.0), (1.0, 2.0)]) == 0


def test_an_end_with_an_equal_value_is_the_one_that_is_better_elsewhere() -> None:
    assert pareto_front.list_ends([(3.0, 1.0), (3.0, 2.0), (1.0, 5.0)]) == [1, 2]


def test_the_knee_does_not_depend_on_the_units() -> None:
    front = [(1.0, 9.0), (2.0, 7.0), (4.0, 6.0), (5.0, 1.0)]
    stretched = [(100 * a + 3, b / 50) for a, b in front]
    assert pareto_front.find_knee(stretched) == pareto_front.find_knee(front)
