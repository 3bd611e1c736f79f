"""Draws depend on seed and key alone, and look random."""

import hashlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core import streams

keys = st.lists(st.one_of(st.text(max_size=5), st.integers(-5, 5)), max_size=3)


def test_a_draw_is_the_first_bits_of_a_sha256_of_seed_and_key() -> None:
    digest = hashlib.sha256(b'[42,"move",3,"3"]').hexdigest()
    assert streams.uniform(42, "move", 3, "3") == int(digest[:14], 16) // 8 / 2**53
    assert streams.derive_seed(42, "move", 3, "3") == int(digest[:16], 16) // 2


def test_the_order_of_calls_changes_nothing() -> None:
    forward = [streams.uniform(7, "a", index) for index in range(20)]
    backward = [streams.uniform(7, "a", index) for index in reversed(range(20))]
    assert forward == backward[::-1]


@settings(deadline=None)
@given(keys, keys)
def test_different_keys_are_different_streams(first: list[str | int], second: list[str | int]) -> None:
    assert (streams.uniform(1, *first) == streams.uniform(1, *second)) is (first == second)


def test_different_seeds_are_different_streams() -> None:
    assert len({streams.uniform(seed, "x") for seed in range(1000)}) == 1000


def test_uniform_numbers_fill_the_unit_interval_evenly() -> None:
    drawn = [streams.uniform(5, "even", index) for index in range(10_000)]
    tenths = Counter(int(value * 10) for value in drawn)
    assert set(tenths) == set(range(10))
    # Chi-squared with 9 degrees of freedom exceeds 27.9 once in a thousand.
    assert sum((count - 1000) ** 2 / 1000 for count in tenths.values()) < 27.9
    assert abs(sum(drawn) / len(drawn) - 0.5) < 0.01


def test_integers_are_even_and_in_range() -> None:
    counts = Counter(streams.integers(3, 6, 6000, "dice"))
    assert set(counts) == set(range(6))
    assert all(abs(count - 1000) < 120 for count in counts.values())


@settings(deadline=None)
@given(st.integers(0, 2**62), st.integers(0, 30), st.integers(0, 30))
def test_a_sample_is_distinct_and_in_range(seed: int, population: int, count: int) -> None:
    count = min(count, population)
    drawn = streams.sample(seed, population, count, "s")
    assert len(set(drawn)) == len(drawn) == count
    assert set(drawn) <= set(range(population))


def test_every_sample_is_about_equally_likely() -> None:
    counts = Counter(streams.sample(seed, 4, 2, "pairs") for seed in range(6000))
    assert len(counts) == 12
    assert all(abs(count - 500) < 100 for count in counts.values())


@settings(deadline=None)
@given(st.integers(), st.lists(st.integers()))
def test_a_shuffle_keeps_the_items_and_leaves_its_argument(seed: int, items: list[int]) -> None:
    before = list(items)
    assert sorted(streams.shuffle(seed, items, "deck")) == sorted(items)
    assert items == before


def test_a_seed_fits_a_signed_64_bit_integer() -> None:
    assert all(0 <= streams.derive_seed(seed, "s") < 2**63 for seed in range(200))


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: streams.sample(1, 2, 3, "k"), "count=3"),
        (lambda: streams.integers(1, 0, 1, "k"), "below=0"),
    ],
    ids=["more than there are", "nothing below zero"],
)
def test_what_cannot_be_drawn_is_refused(draw: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw()  # type: ignore[operator]
