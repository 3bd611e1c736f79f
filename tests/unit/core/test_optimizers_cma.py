"""CMA-ES, step by step, against the `cmaes` package told the same candidates in the same order."""

import math
import random

import numpy as np
import pytest
from cmaes import CMA
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core import portable_math
from swarm_core.optimizers import cma_distribution, cma_parameters, hyperplane, matrices
from swarm_core.optimizers.matrices import Matrix, Vector


def normals(chance: random.Random, count: int, size: int) -> list[Vector]:
    return [tuple(chance.gauss(0, 1) for _ in range(size)) for _ in range(count)]


def ellipsoid(point: Vector) -> float:
    return sum(10**axis * (value - 0.3) ** 2 for axis, value in enumerate(point))


@pytest.mark.parametrize(("size", "candidates"), [(3, 8), (1, 6), (3, 4), (5, 20), (9, 11)], ids=str)
@pytest.mark.parametrize("noise", [0.0, 50.0], ids=["ellipsoid", "noise"])
def test_forty_updates_are_those_of_the_package(size: int, candidates: int, noise: float) -> None:
    chance = random.Random(size)
    mean = tuple(chance.uniform(-1, 1) for _ in range(size))
    theirs, ours = (
        CMA(np.array(mean), 0.5, population_size=candidates),
        cma_distribution.initial_distribution(mean, 0.5),
    )
    for _ in range(40):
        drawn = cma_distribution.sample(ours, normals(chance, candidates, size))
        ranked = sorted(drawn, key=lambda point: ellipsoid(point) + noise * chance.random())
        ours = cma_distribution.update(ours, ranked)
        theirs.tell([(np.array(point), float(rank)) for rank, point in enumerate(ranked)])
        assert ours.mean == pytest.approx(theirs.mean, rel=1e-5, abs=1e-7)
        assert ours.sigma == pytest.approx(theirs._sigma, rel=1e-5)
        assert np.array(ours.covariance) == pytest.approx(theirs._C, rel=1e-4, abs=1e-6)
        assert ours.p_sigma == pytest.approx(theirs._p_sigma, rel=1e-4, abs=1e-6)
        assert ours.p_c == pytest.approx(theirs._pc, rel=1e-4, abs=1e-6)


def test_candidates_are_drawn_from_the_distribution() -> None:
    chance = random.Random(2)
    covariance = ((2.0, 0.6, 0.0), (0.6, 1.0, -0.3), (0.0, -0.3, 0.5))
    told = cma_distribution.initial_distribution((1.0, 2.0, 3.0), 0.5)
    told = type(told)(told.mean, told.sigma, covariance, told.p_sigma, told.p_c)
    drawn = np.array(cma_distribution.sample(told, normals(chance, 6000, 3)))
    assert drawn.mean(0) == pytest.approx((1, 2, 3), abs=0.05)
    assert np.cov(drawn.T) == pytest.approx(0.25 * np.array(covariance), abs=0.04)


@pytest.mark.parametrize("candidates", [2, 3, 4, 64])
@pytest.mark.parametrize("size", [1, 3, 63])
def test_the_constants_leave_every_covariance_something_of_the_last(size: int, candidates: int) -> None:
    found = cma_parameters.strategy_parameters(size, candidates)
    assert sum(found.weights[: found.mu]) == pytest.approx(1)
    assert all(weight <= 0 for weight in found.weights[(candidates + 1) // 2 :])
    assert list(found.weights) == sorted(found.weights, reverse=True)
    assert 0 < found.c_1 <= 1 - found.c_mu <= 1
    assert 1 - found.c_1 - found.c_mu * sum(found.weights) > 0
    assert 0 < found.c_sigma < 1


@pytest.mark.parametrize("ranked", [(), ((0.5, 0.5),)], ids=["none", "one"])
def test_fewer_than_two_candidates_teach_nothing(ranked: tuple[Vector, ...]) -> None:
    start = cma_distribution.initial_distribution((0.0, 0.0), 0.5)
    assert cma_distribution.update(start, ranked) == start


def test_a_step_never_falls_below_the_finest() -> None:
    told = cma_distribution.initial_distribution((0.0, 0.0), 2e-6)
    for _ in range(30):
        told = cma_distribution.update(told, [(0.0, 0.0)] * 4)
    assert told.sigma == cma_distribution.LEAST_SIGMA


@st.composite
def positive_definite(draw: st.DrawFn) -> Matrix:
    size = draw(st.integers(1, 6))
    entries = st.floats(-3, 3).map(lambda value: round(value, 3))
    rows = np.array(draw(st.lists(st.lists(entries, min_size=size, max_size=size), min_size=size, max_size=size)))
    return tuple(map(tuple, (rows @ rows.T + 0.01 * np.eye(size)).tolist()))


@settings(deadline=None, max_examples=60)
@given(positive_definite())
def test_eigenvalues_and_roots_are_those_of_numpy(matrix: Matrix) -> None:
    found, array = matrices.eigen(matrix), np.array(matrix)
    vectors = np.array(found.vectors)
    assert sorted(found.values) == pytest.approx(np.linalg.eigvalsh(array), rel=1e-9, abs=1e-12)
    assert vectors @ vectors.T == pytest.approx(np.eye(len(matrix)), abs=1e-12)
    assert vectors.T @ np.diag(found.values) @ vectors == pytest.approx(array, abs=1e-10)
    vector = tuple(float(axis + 1) for axis in range(len(matrix)))
    there = found.apply_root(vector, inverse=False)
    assert found.apply_root(there, inverse=True) == pytest.approx(vector, rel=1e-9)
    assert found.apply_root(there, inverse=False) == pytest.approx(array @ vector, rel=1e-9, abs=1e-9)
    assert matrices.norm(found.scale_and_rotate(vector)) ** 2 == pytest.approx(
        sum(value * part**2 for value, part in zip(found.values, vector, strict=True))
    )


def test_eigenvalues_that_rounding_made_negative_are_raised() -> None:
    found = matrices.eigen(((1.0, 1.0), (1.0, 1.0 - 1e-16)))
    assert min(found.values) == pytest.approx(2 / matrices.CONDITION)


@pytest.mark.parametrize("basis", [2, 3, 4, 10, 64])
def test_the_hyperplane_has_orthonormal_directions_that_sum_to_zero(basis: int) -> None:
    directions = np.array(hyperplane.directions(basis))
    assert directions.shape == (basis - 1, basis)
    assert directions @ directions.T == pytest.approx(np.eye(basis - 1), abs=1e-14)
    assert directions.sum(1) == pytest.approx(np.zeros(basis - 1), abs=1e-14)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=9))
def test_a_point_of_the_hyperplane_is_found_again(point: list[float]) -> None:
    place = hyperplane.to_position(tuple(point))
    assert sum(place) == pytest.approx(1, abs=1e-12)
    assert hyperplane.to_coordinates(place) == pytest.approx(point, abs=1e-13)


@given(st.floats(1e-300, 1e300))
def test_ln_and_exp_are_those_of_the_math_library_to_the_last_digit_but_one(value: float) -> None:
    assert portable_math.ln(value) == pytest.approx(math.log(value), rel=1e-15, abs=1e-16)
    assert portable_math.exp(portable_math.ln(value)) == pytest.approx(value, rel=1e-12)
    assert portable_math.exp(-1 / value) == pytest.approx(math.exp(-1 / value), rel=1e-15)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_what_has_no_logarithm_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="ln of"):
        portable_math.ln(value)
