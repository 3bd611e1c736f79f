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

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from swarm_trainer.lora.mapped import Mapped

BLOCK = 16 * 1024
"""Numbers summed at once, per recipe: 64 KiB. More outgrow the caches; with fewer, calls cost more than sums."""

Numbers = NDArray[np.float32]
Terms = list[tuple[Numbers, Numbers]]
"""Blocks and their weights, in basis order."""


def add_up(
    coefficients: Sequence[Sequence[float]], files: Sequence[Mapped], tensor: str, sums: Numbers, scratch: Numbers
) -> bool:
    """Write the sums of a whole tensor into `sums` [recipes, size]; whether all of them are finite.

    `coefficients` [recipes, basis]; `files` are the basis; `scratch` [recipes, BLOCK] is left with nothing of use.
    """
    weights, complete, finite = np.array(coefficients, np.float32), bool(np.all(coefficients)), True
    for start in range(0, sums.shape[1], BLOCK):
        total = sums[:, start : start + BLOCK]
        blocks = [file.flat(tensor, start, start + total.shape[1]) for file in files]
        product = scratch[:, : total.shape[1]]
        with np.errstate(over="ignore", invalid="ignore"):
            if complete:  # all recipes in one call, which saves a tenth
                _add_up(list(zip(blocks, weights.T[:, :, None], strict=True)), total, product)
            else:
                for index, row in enumerate(coefficients):
                    terms = [(blocks[k], weights[index, k]) for k, coefficient in enumerate(row) if coefficient]
                    _add_up(terms, total[index], product[index])
        finite = finite and bool(np.isfinite(total).all())
    return finite


def _add_up(terms: Terms, total: Numbers, product: Numbers) -> None:
    """Write the sum of the blocks, each times its weight, into `total`."""
    if not terms:
        total.fill(0.0)
        return
    (block, weight), *others = terms
    np.multiply(block, weight, out=total)
    for block, weight in others:
        np.multiply(block, weight, out=product)
        np.add(total, product, out=total)
