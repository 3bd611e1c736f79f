"""Sampling without state: every token is drawn with one uniform number that depends on the seed and the position alone.

The number u of position t is a hash of (seed, t) by a counter-based generator, splitmix64 (Steele, Lea, Flood 2014). So
no state passes from token to token, and no request's draws depend on another's. The token is the inverse of the
cumulative distribution at u, in the vocabulary's order. Under one seed, models with similar distributions mostly draw
the same token (common random numbers). So a difference between them comes from the models and not from chance.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_GOLDEN_GAMMA = 0x9E3779B97F4A7C15
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_WORD = 2**64


def wrap_seeds(values: list[int]) -> NDArray[np.uint64]:
    """Seeds as 64-bit words, [rows]. Seeds that are equal modulo 2^64 are one seed."""
    return np.array([value % _WORD for value in values], dtype=np.uint64)


def uniforms(seeds: NDArray[np.uint64], position: int) -> NDArray[np.float64]:
    """One number in [0, 1) with 53 bits for each seed [rows] at `position`.

    The seed is mixed before the position is added, and the sum is mixed again. Otherwise neighboring seeds would give
    the same sequence, shifted.
    """
    step = np.uint64(_GOLDEN_GAMMA * (position + 1) % _WORD)
    return (_mix(_mix(seeds) + step) >> np.uint64(11)).astype(np.float64) / 2.0**53


def sample_tokens(logits: Tensor, temperatures: Tensor, u: Tensor, top_p: Tensor | None = None) -> Tensor:
    """The token of each row [rows] of `logits` [rows, vocabulary]: the likeliest at temperature 0, otherwise drawn with
    `u`.

    `temperatures`, `u` and `top_p` are [rows]; None means top_p 1 for every row. The sum is in float64, so that its
    rounding does not decide between tokens. A row with NaN gets an arbitrary token.
    """
    likeliest = logits.argmax(-1)
    if not bool(temperatures.any()):
        return likeliest
    warm = torch.where(temperatures > 0, temperatures, 1.0)
    probabilities = torch.softmax(logits.double() / warm[:, None], -1)
    if top_p is not None:
        probabilities = drop_tail(probabilities, top_p)
    cumulative = probabilities.cumsum(-1)
    drawn = torch.searchsorted(cumulative, (u * cumulative[:, -1])[:, None], right=True)[:, 0]
    return torch.where(temperatures > 0, drawn.clamp(max=logits.shape[-1] - 1), likeliest)


def drop_tail(probabilities: Tensor, top_p: Tensor) -> Tensor:
    """`probabilities` [rows, vocabulary] with 0 for every token outside the nucleus of its row (arXiv 1904.09751).

    The nucleus is the smallest set of likeliest tokens whose probabilities sum to at least `top_p` [rows]. A row with
    top_p 1 keeps its exact bits. The rows of the result do not sum to 1.
    """
    ordered, tokens = probabilities.sort(dim=-1, descending=True, stable=True)
    # The sum over all likelier tokens. It is 0 for the likeliest, so every row keeps one.
    before = nn.functional.pad(ordered.cumsum(-1)[:, :-1], (1, 0))
    outside = torch.zeros_like(probabilities, dtype=torch.bool).scatter(-1, tokens, before >= top_p[:, None])
    return probabilities.masked_fill(outside & (top_p < 1.0)[:, None], 0.0)


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of splitmix64; arithmetic modulo 2^64."""
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    return words ^ (words >> np.uint64(31))
