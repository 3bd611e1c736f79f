"""A recipe's name says exactly what it is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core.recipe import Digest, Group, Recipe, canonical_json, digest_bytes, mixture, single

BASE, ONE, TWO = (digest_bytes(text) for text in (b"base", b"one", b"two"))
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.tuples(finite, finite), st.tuples(finite, finite))
def test_two_mixtures_share_a_name_exactly_when_their_coefficients_do(
    left: tuple[float, float], right: tuple[float, float]
) -> None:
    # repr tells 0.0 from -0.0, which are equal numbers but other bytes once multiplied.
    same = repr(left) == repr(right)
    assert (mixture(BASE, (ONE, TWO), left).name == mixture(BASE, (ONE, TWO), right).name) is same


@pytest.mark.parametrize(
    "other",
    [
        single(BASE),
        single(ONE, TWO),
        single(BASE, TWO),
        single(BASE, ONE, "bfloat16"),
        mixture(BASE, (ONE, TWO), (1.0, 0.0)),
        Recipe(BASE, (ONE,), (Group((1.0,), ("model.layers.0",)),)),
    ],
    ids=["bare base", "other base", "other adapter", "other dtype", "longer basis", "other group"],
)
def test_whatever_differs_changes_the_name(other: Recipe) -> None:
    assert other.name != single(BASE, ONE).name


def test_a_name_is_a_digest() -> None:
    assert len(single(BASE).name) == 64
    assert set(single(BASE).name) <= set("0123456789abcdef")


def test_coefficients_must_match_the_basis() -> None:
    with pytest.raises(ValueError, match="1 coefficients for a basis of 2"):
        Recipe(BASE, (ONE, TWO), (Group((1.0,)),))


def test_what_is_not_a_number_has_no_canonical_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": float("nan")})


def test_the_order_of_keys_does_not_change_canonical_json() -> None:
    assert canonical_json({"b": 1, "a": Digest("é")}) == canonical_json({"a": Digest("é"), "b": 1})


@given(st.tuples(finite, finite))
def test_a_recipe_read_back_is_the_same_recipe(coefficients: tuple[float, float]) -> None:
    groups = (Group(coefficients, ("model.layers.0.", "model.layers.1.")), Group(coefficients))
    for recipe in (single(BASE), single(BASE, ONE, "bfloat16"), Recipe(BASE, (ONE, TWO), groups)):
        again = Recipe.from_bytes(recipe.to_bytes())
        assert again == recipe
        assert again.name == recipe.name


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"null", b'{"base": "b", "groups": [1]}', b'{"groups": [], "x": 1}']
)
def test_what_is_no_recipe_is_not_read_as_one(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"recipe|Expecting"):
        Recipe.from_bytes(data)
