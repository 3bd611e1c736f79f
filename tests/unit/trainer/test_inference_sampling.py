"""Sampling: uniform numbers without state, and tokens drawn by inverting the distribution."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from swarm_trainer.inference import sampling
from swarm_trainer.inference.stop_strings import truncate_at_stop


def draws(seed: int, count: int) -> np.ndarray:
    return np.concatenate([sampling.uniforms(sampling.wrap_seeds([seed]), position) for position in range(count)])


@given(st.lists(st.integers(-(2**70), 2**70), min_size=1, max_size=5), st.integers(0, 10_000))
def test_a_draw_depends_on_its_seed_and_position_alone(values: list[int], position: int) -> None:
    together = sampling.uniforms(sampling.wrap_seeds(values), position)
    alone = [sampling.uniforms(sampling.wrap_seeds([value]), position)[0] for value in values]
    assert together.tolist() == alone
    assert (together >= 0).all()
    assert (together < 1).all()


def test_splitmix_is_the_published_one() -> None:
    # The first output of splitmix64 seeded with 1234567, as its authors' reference program prints it.
    state = np.array([1234567 + 0x9E3779B97F4A7C15], dtype=np.uint64)
    assert int(sampling._mix(state)[0]) == 6457827717110365317


@pytest.mark.parametrize("axis", ["positions of one seed", "neighboring seeds"])
def test_draws_are_uniform_and_uncorrelated(axis: str) -> None:
    values = (
        draws(5, 4000)
        if axis == "positions of one seed"
        else sampling.uniforms(sampling.wrap_seeds(list(range(4000))), 0)
    )
    counts, _ = np.histogram(values, 20, (0, 1))
    assert ((counts - 200) ** 2 / 200).sum() < 43.8  # chi-squared, 19 degrees of freedom, 0.1 %
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.06


def test_neighboring_seeds_are_not_one_sequence_shifted() -> None:
    sequences = [set(draws(seed, 50).tolist()) for seed in range(20)]
    assert len(set.union(*sequences)) == 20 * 50


def test_tokens_come_as_often_as_they_are_likely() -> None:
    logits = torch.log(torch.tensor([0.5, 0.0, 0.3, 0.2]))
    count = 10_000
    u = torch.from_numpy(sampling.uniforms(sampling.wrap_seeds(list(range(count))), 3))
    tokens = sampling.sample_tokens(logits.expand(count, -1), torch.ones(count), u)
    shares = torch.bincount(tokens, minlength=4) / count
    torch.testing.assert_close(shares, torch.tensor([0.5, 0.0, 0.3, 0.2]), atol=0.02, rtol=0)
    assert shares[1] == 0


def test_temperature_zero_takes_the_likeliest_beside_rows_that_are_drawn() -> None:
    logits = torch.tensor([[0.0, 1.0, 0.0]]).expand(3, -1)
    tokens = sampling.sample_tokens(logits, torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.999, 0.999, 0.0]).double())
    assert tokens.tolist() == [1, 2, 1]


def test_a_low_temperature_sharpens() -> None:
    logits = torch.tensor([[1.0, 0.0]]).expand(2, -1)
    assert sampling.sample_tokens(logits, torch.tensor([1.0, 0.05]), torch.tensor([0.9, 0.9]).double()).tolist() == [
        1,
        0,
    ]


def test_the_edges_of_the_unit_interval_give_possible_tokens() -> None:
    logits = torch.log(torch.tensor([[0.0, 0.6, 0.4, 0.0]])).expand(2, -1)
    u = torch.tensor([0.0, np.nextafter(1.0, 0.0)], dtype=torch.float64)
    assert sampling.sample_tokens(logits, torch.ones(2), u).tolist() == [1, 2]


def test_a_nucleus_is_the_fewest_likeliest_tokens_that_reach_the_share() -> None:
    probabilities = torch.tensor([[0.2, 0.5, 0.0, 0.3]]).double().expand(5, -1)
    shares = torch.tensor([1e-9, 0.5, 0.51, 0.8, 0.81]).double()
    kept = sampling.drop_tail(probabilities, shares) > 0
    assert kept.tolist() == [
        [False, True, False, False],
        [False, True, False, False],
        [False, True, False, True],
        [False, True, False, True],
        [True, True, False, True],
    ]


def test_tokens_outside_the_nucleus_never_come_and_the_others_as_often_as_they_are_likely() -> None:
    logits = torch.log(torch.tensor([0.5, 0.1, 0.3, 0.1]))
    count = 10_000
    u = torch.from_numpy(sampling.uniforms(sampling.wrap_seeds(list(range(count))), 3))
    tokens = sampling.sample_tokens(logits.expand(count, -1), torch.ones(count), u, torch.full((count,), 0.7).double())
    shares = torch.bincount(tokens, minlength=4) / count
    torch.testing.assert_close(shares, torch.tensor([0.625, 0.0, 0.375, 0.0]), atol=0.02, rtol=0)
    assert shares[1] == shares[3] == 0


def test_a_row_without_a_nucleus_keeps_its_very_bits_beside_rows_with_one() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2000, 30, generator=generator)
    u = torch.from_numpy(sampling.uniforms(sampling.wrap_seeds(list(range(2000))), 0))
    top_p = torch.where(torch.arange(2000) % 2 == 0, 1.0, 0.5).double()
    probabilities = torch.softmax(logits.double(), -1)
    assert torch.equal(sampling.drop_tail(probabilities, top_p)[::2], probabilities[::2])
    plain = sampling.sample_tokens(logits, torch.ones(2000), u)
    assert torch.equal(sampling.sample_tokens(logits, torch.ones(2000), u, top_p)[::2], plain[::2])
    assert torch.equal(sampling.sample_tokens(logits, torch.ones(2000), u, torch.ones(2000).double()), plain)


def test_similar_models_under_one_seed_write_mostly_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(2000, 30, generator=generator)
    two = one + 0.01 * torch.randn(2000, 30, generator=generator)
    u = torch.from_numpy(sampling.uniforms(sampling.wrap_seeds(list(range(2000))), 0))
    same = sampling.sample_tokens(one, torch.ones(2000), u) == sampling.sample_tokens(two, torch.ones(2000), u)
    assert same.float().mean() > 0.9


@pytest.mark.parametrize(
    ("text", "stops", "wanted"),
    [
        pytest.param("abc", (), ("abc", False), id="no stops"),
        pytest.param("abc", ("x",), ("abc", False), id="none there"),
        pytest.param("abcabc", ("c", "b"), ("a", True), id="the first in the text, not in the list"),
        pytest.param("abc", ("a",), ("", True), id="at the very beginning"),
    ],
)
def test_a_text_ends_before_its_first_stop(text: str, stops: tuple[str, ...], wanted: tuple[str, bool]) -> None:
    assert truncate_at_stop(text, stops) == wanted
