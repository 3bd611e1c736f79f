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
from numpy.typing import NDArray

from swarm_trainer.lora.mapped import Mapped

BLOCK = 32 * 1024
"""Numbers summed at once, per recipe: 128 KiB. More outgrow the caches; with fewer, calls cost more than sums."""

Numbers = NDArray[np.float32]
Terms = list[tuple[Numbers, Numbers]]
"""Blocks and their weights, in basis order."""


class Blocks:
    """The arrays that one thread sums in, made once: fresh memory costs as much as a sum."""

    def __init__(self, recipes: int) -> None:
        self._totals, self._products = (np.empty((recipes, BLOCK), np.float32) for _ in range(2))
        self._finite = np.empty((recipes, BLOCK), np.bool_)

    def sums(
        self, coefficients: Sequence[Sequence[float]], files: Sequence[Mapped], tensor: str, size: int
    ) -> Iterator[tuple[int, Numbers]]:
        """Where each block starts in a tensor of `size` numbers, and its sums [recipes, block]; the next overwrites it.

        `coefficients` [recipes, basis]; `files` are the basis. What overflows is infinite: the caller's to find.
        """
        weights, complete = np.array(coefficients, np.float32), bool(np.all(coefficients))
        for start in range(0, size, BLOCK):
            length = min(BLOCK, size - start)
            blocks = [file.flat(tensor, start, start + length) for file in files]
            total, product = self._totals[:, :length], self._products[:, :length]
            with np.errstate(over="ignore", invalid="ignore"):
                if complete:  # all recipes in one call, which saves a tenth
                    _add_up(list(zip(blocks, weights.T[:, :, None], strict=True)), total, product)
                else:
                    for index, row in enumerate(coefficients):
                        terms = [(blocks[k], weights[index, k]) for k, coefficient in enumerate(row) if coefficient]
                        _add_up(terms, total[index], product[index])
            yield start, total

    def finite(self, totals: Numbers) -> bool:
        """Whether all `totals`, a block of these, are finite."""
        return bool(np.isfinite(totals, out=self._finite[:, : totals.shape[1]]).all())


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
