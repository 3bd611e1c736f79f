"""Elementwise sums of a tensor, in blocks that stay in the caches.

    tensor = sum_k coefficients[k] * basis[k]

over A and over B, as Data Swarms moves its particles (arXiv 2506.00741; Model Swarms arXiv 2410.11163). The update B A
is therefore quadratic in the coefficients.

Invariants: terms are added in basis order, each product rounded before it is added, so the sum is the same on every
machine, alone or beside others; a zero coefficient is no term at all, so a recipe of one adapter with coefficient 1 is
that adapter, bit for bit.

Several recipes are summed side by side, block by block: each block of the basis is read from memory once, and products
and sums never leave the caches. Sums are numpy's: torch fuses product and sum, which rounds once instead of twice, and
splits half a megabyte over all cores, whose threads spin for each other.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BLOCK = 32 * 1024
"""Numbers summed at once, per recipe: 128 KiB. More outgrow a core's caches, and torch would cast them in threads; with
fewer, calls cost more than sums (8 Ki: twice the time)."""

Numbers = NDArray[np.float32]
Coefficients = Sequence[Sequence[float]]
"""[recipes, basis]"""


def sums(coefficients: Coefficients, sources: Sequence[Tensor]) -> Iterator[tuple[int, Numbers]]:
    """Where each block starts in the tensor, and its sums [recipes, block], which the next one overwrites.

    `sources` are the flat tensors of the basis. What overflows is infinite: the caller's to find.
    """
    size = sources[0].numel()
    totals, products = (np.empty((len(coefficients), min(BLOCK, size)), np.float32) for _ in range(2))
    for start in range(0, size, BLOCK):
        length = min(BLOCK, size - start)
        blocks = [source[start : start + length].to(torch.float32).numpy() for source in sources]
        with np.errstate(over="ignore", invalid="ignore"):
            _add_up(coefficients, blocks, totals[:, :length], products[:, :length])
        yield start, totals[:, :length]


def _add_up(coefficients: Coefficients, blocks: Sequence[Numbers], totals: Numbers, products: Numbers) -> None:
    """Write the sums of all recipes into `totals`; at once if all have every term, for a call costs 1 µs."""
    weights = np.array(coefficients, np.float32)
    if np.all(coefficients):
        _terms(list(zip(blocks, weights.T[:, :, None], strict=True)), totals, products)
        return
    for row, total, product, wanted in zip(weights, totals, products, coefficients, strict=True):
        _terms(
            [term for term, coefficient in zip(zip(blocks, row, strict=True), wanted, strict=True) if coefficient],
            total,
            product,
        )


def _terms(terms: Sequence[tuple[Numbers, Numbers]], total: Numbers, product: Numbers) -> None:
    """Add the blocks, each times its weight, in order, into `total`."""
    if not terms:
        total.fill(0.0)
        return
    (block, weight), *others = terms
    np.multiply(block, weight, out=total)
    for block, weight in others:
        np.multiply(block, weight, out=product)
        np.add(total, product, out=total)
