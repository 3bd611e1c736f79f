"""A recipe's name says exactly what it is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core.recipe import (
    Digest,
    Merge,
    Recipe,
    TensorGroup,
    build_mixture,
    build_single,
    canonical_json,
    digest_bytes,
)

BASE, ONE, TWO = (digest_bytes(text) for text in (b"base", b"one", b"two"))
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.tuples(finite, finite), st.tuples(finite, finite))
def test_two_mixtures_share_a_name_exactly_when_their_coefficients_do(
    left: tuple[float, float], right: tuple[float, float]
) -> None:
    # repr tells 0.0 from -0.0, which are equal numbers but other bytes once multiplied.
    same = repr(left) == repr(right)
    assert (build_mixture(BASE, (ONE, TWO), left).name == build_mixture(BASE, (ONE, TWO), right).name) is same


@pytest.mark.parametrize(
    "other",
    [
        build_single(BASE),
        build_single(ONE, TWO),
        build_single(BASE, TWO),
        build_single(BASE, ONE, "bfloat16"),
        build_mixture(BASE, (ONE, TWO), (1.0, 0.0)),
        Recipe(BASE, (ONE,), (TensorGroup((1.0,), ("model.layers.0",)),)),
        Recipe(BASE, (ONE,), (TensorGroup((1.0,)),), merge=Merge.EXACT),
    ],
    ids=["bare base", "other base", "other adapter", "other dtype", "longer basis", "other group", "other merge"],
)
def test_whatever_differs_changes_the_name(other: Recipe) -> None:
    assert other.name != build_single(BASE, ONE).name


def test_a_name_is_a_digest() -> None:
    assert len(build_single(BASE).name) == 64
    assert set(build_single(BASE).name) <= set("0123456789abcdef")


def test_the_rank_that_an_exact_merge_is_cut_to_is_part_of_its_name() -> None:
    names = [Recipe(BASE, (ONE,), (TensorGroup((1.0,)),), "float32", Merge.EXACT, rank).name for rank in (None, 8, 16)]
    assert len(set(names)) == 3


def test_the_name_of_an_elementwise_recipe_says_nothing_of_its_merge() -> None:
    plain = [BASE, [ONE, TWO], [[["model."], [0.5, -1.0]]], "bfloat16"]
    recipe = Recipe(BASE, (ONE, TWO), (TensorGroup((0.5, -1.0), ("model.",)),), "bfloat16")
    assert recipe.name == digest_bytes(canonical_json(plain))
    assert recipe.merge is Merge.ELEMENTWISE


@pytest.mark.parametrize(
    ("merge", "rank", "message"),
    [(Merge.ELEMENTWISE, 8, "max_rank 8: only an Exact"), (Merge.EXACT, 0, "max_rank 0: it must be at least 1")],
)
def test_a_rank_that_would_cut_nothing_or_everything_is_refused(merge: Merge, rank: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe(BASE, (ONE,), (TensorGroup((1.0,)),), merge=merge, max_rank=rank)


def test_coefficients_must_match_the_basis() -> None:
    with pytest.raises(ValueError, match="1 coefficients for a basis of 2"):
        Recipe(BASE, (ONE, TWO), (TensorGroup((1.0,)),))


def test_what_is_not_a_number_has_no_canonical_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": float("nan")})


def test_the_order_of_keys_does_not_change_canonical_json() -> None:
    assert canonical_json({"b": 1, "a": Digest("é")}) == canonical_json({"a": Digest("é"), "b": 1})


@given(st.tuples(finite, finite))
def test_a_recipe_read_back_is_the_same_recipe(coefficients: tuple[float, float]) -> None:
    groups = (TensorGroup(coefficients, ("model.layers.0.", "model.layers.1.")), TensorGroup(coefficients))
    exact = Recipe(BASE, (ONE, TWO), groups, merge=Merge.EXACT, max_rank=8)
    for recipe in (build_single(BASE), build_single(BASE, ONE, "bfloat16"), Recipe(BASE, (ONE, TWO), groups), exact):
        again = Recipe.from_bytes(recipe.to_bytes())
        assert again == recipe
        assert again.name == recipe.name
        assert again.merge is recipe.merge


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"null", b'{"base": "b", "groups": [1]}', b'{"groups": [], "x": 1}']
)
def test_what_is_no_recipe_is_not_read_as_one(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"recipe|Expecting"):
        Recipe.from_bytes(data)
