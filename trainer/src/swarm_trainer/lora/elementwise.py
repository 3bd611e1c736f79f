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
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swarm_trainer.lora.adapter import Float32Array
from swarm_trainer.lora.mapped_file import MappedTensorFile

BLOCK = 32 * 1024
"""Numbers summed at once, of one recipe: 128 KiB. With fewer, calls cost more than sums."""
BLOCKS = 4 * BLOCK
"""Of all recipes together: half a megabyte of sums and as much of products, which stay in the second or third cache."""


@dataclass(frozen=True, slots=True)
class Block:
    """Where one block of a tensor is summed."""

    start: int
    """The first number's place in the tensor."""
    read: tuple[Float32Array, ...]
    """[numbers], of every adapter of the basis."""
    total: Float32Array
    """[recipes, numbers], contiguous: one run over memory for all recipes."""
    product: Float32Array
    finite: NDArray[np.bool_]

    @property
    def all_finite(self) -> bool:
        np.isfinite(self.total, self.finite)
        return int(np.count_nonzero(self.finite)) == self.total.size


class SumBuffer:
    """One tensor of every recipe, in memory that is made once: fresh memory costs as much as a sum.

    One thread's. Between two sums nothing is made that can be kept: other threads wait for Python meanwhile.
    """

    def __init__(self, recipes: int, basis: int, largest: int) -> None:
        """For tensors of at most `largest` numbers."""
        self._recipes, self._length = recipes, min(BLOCK, max(1, BLOCKS // recipes), max(1, largest))
        self._sums = np.empty(recipes * largest, np.float32)
        self._read = tuple(np.empty(self._length, np.float32) for _ in range(basis))
        self._product = np.empty(recipes * self._length, np.float32)
        self._finite = np.empty(recipes * self._length, np.bool_)
        self._split: dict[int, tuple[list[Block], list[list[Float32Array]]]] = {}

    def add_up(
        self, coefficients: Sequence[Sequence[float]], files: Sequence[MappedTensorFile], tensor: str, size: int
    ) -> bool:
        """Sum a tensor of `size` numbers; whether all sums are finite. `coefficients` [recipes, basis]."""
        weights, no_zeros, finite = np.array(coefficients, np.float32), bool(np.all(coefficients)), True
        columns = [np.ascontiguousarray(column)[:, None] for column in weights.T]
        blocks, _ = self._blocks(size)
        with np.errstate(over="ignore", invalid="ignore"):
            for block in blocks:
                for file, buffer in zip(files, block.read, strict=True):
                    file.read(tensor, block.start, buffer)
                if no_zeros:  # all recipes in one call
                    _add_up(block.read, columns, block.total, block.product)
                else:
                    _add_up_each_recipe(coefficients, weights, block)
                finite = block.all_finite and finite
        return finite

    def pieces(self, recipe: int, size: int) -> list[Float32Array]:
        """The sums of a recipe: flat pieces, in order, that the next `add_up` writes over."""
        return self._blocks(size)[1][recipe]

    def _blocks(self, size: int) -> tuple[list[Block], list[list[Float32Array]]]:
        """The blocks of a tensor, and the pieces of each recipe."""
        if size not in self._split:
            blocks = [self._block(start, min(start + self._length, size)) for start in range(0, size, self._length)]
            self._split[size] = blocks, [[block.total[k] for block in blocks] for k in range(self._recipes)]
        return self._split[size]

    def _block(self, start: int, end: int) -> Block:
        shape, used = (self._recipes, end - start), slice(self._recipes * (end - start))
        return Block(
            start,
            tuple(read[: end - start] for read in self._read),
            self._sums[self._recipes * start : self._recipes * end].reshape(shape),
            self._product[used].reshape(shape),
            self._finite[used].reshape(shape),
        )


def _add_up_each_recipe(coefficients: Sequence[Sequence[float]], weights: Float32Array, block: Block) -> None:
    """The sums of every recipe, without the terms that are none."""
    for index, row in enumerate(coefficients):
        terms = [k for k, coefficient in enumerate(row) if coefficient]
        read, used = [block.read[k] for k in terms], [weights[index, k] for k in terms]
        _add_up(read, used, block.total[index], block.product[index])


def _add_up(
    read: Sequence[Float32Array], weights: Sequence[Float32Array], total: Float32Array, product: Float32Array
) -> None:
    """Write the sum of what was read, each times its weight, in this order, into `total`."""
    if not read:
        total.fill(0.0)
        return
    np.multiply(read[0], weights[0], total)
    for k in range(1, len(read)):
        np.multiply(read[k], weights[k], product)
        np.add(total, product, total)
