"""Computes elementwise sums of a tensor, in blocks that fit in the CPU caches.

    tensor = sum_k coefficients[k] * basis[k]

The sum is taken over A and over B separately, as Data Swarms moves its particles (arXiv 2506.00741; Model Swarms arXiv
2410.11163). The update B A is therefore quadratic in the coefficients.

Invariants: terms are added in basis order, and each product is rounded before it is added. So a sum is the same on
every machine, whether it is computed alone or with other recipes. A zero coefficient adds no term, so a recipe of one
adapter with coefficient 1 equals that adapter bit for bit.

Several recipes are summed together, block by block. Each block of the basis is read from memory once, and products and
sums stay in the caches. The sums use numpy, not torch: torch fuses the product and the sum, which rounds once instead
of twice, and it splits half a megabyte over all cores, whose threads then wait for each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swarm_trainer.lora.adapter import Float32Array
from swarm_trainer.lora.mapped_file import MappedTensorFile

BLOCK = 32 * 1024
"""Elements of one recipe that are summed at once: 128 KiB. With smaller blocks, numpy calls cost more than the sums."""
BLOCKS = 4 * BLOCK
"""Elements of all recipes that are summed at once: 512 KiB of sums and of products, which fit in the L2 or L3 cache."""


@dataclass(frozen=True, slots=True)
class Block:
    """The arrays for one block of a tensor."""

    start: int
    """The index of the block's first element in the flat tensor."""
    read: tuple[Float32Array, ...]
    """One array [elements] for each adapter of the basis."""
    total: Float32Array
    """The sums, [recipes, elements]. Contiguous, so that one numpy call covers all recipes."""
    product: Float32Array
    """The products of one adapter, [recipes, elements]."""
    finite: NDArray[np.bool_]
    """Whether each sum is finite, [recipes, elements]."""

    @property
    def all_finite(self) -> bool:
        """Whether all sums of the block are finite."""
        np.isfinite(self.total, self.finite)
        return int(np.count_nonzero(self.finite)) == self.total.size


class SumBuffer:
    """Memory for one tensor of each recipe, allocated once, because new memory costs as much time as a sum.

    For one thread only. Views are cached and reused: creating Python objects holds the global lock, and other threads
    wait for it.
    """

    def __init__(self, recipes: int, basis: int, largest: int) -> None:
        """Allocate memory for tensors of at most `largest` elements."""
        self._recipes, self._length = recipes, min(BLOCK, max(1, BLOCKS // recipes), max(1, largest))
        self._sums = np.empty(recipes * largest, np.float32)
        self._read = tuple(np.empty(self._length, np.float32) for _ in range(basis))
        self._product = np.empty(recipes * self._length, np.float32)
        self._finite = np.empty(recipes * self._length, np.bool_)
        self._split: dict[int, tuple[list[Block], list[list[Float32Array]]]] = {}

    def add_up(
        self, coefficients: Sequence[Sequence[float]], files: Sequence[MappedTensorFile], tensor: str, size: int
    ) -> bool:
        """Sum a tensor of `size` elements for all recipes; return whether all sums are finite.

        `coefficients`: [recipes, basis]. `files`: one for each adapter of the basis. Raises OSError if a file became
        shorter.
        """
        weights, no_zeros, finite = np.array(coefficients, np.float32), bool(np.all(coefficients)), True
        columns = [np.ascontiguousarray(column)[:, None] for column in weights.T]  # [recipes, 1] for each adapter
        blocks, _ = self._blocks(size)
        with np.errstate(over="ignore", invalid="ignore"):
            for block in blocks:
                for file, buffer in zip(files, block.read, strict=True):
                    file.read(tensor, block.start, buffer)
                if no_zeros:  # every recipe has every term, so one call serves all recipes
                    _add_up(block.read, columns, block.total, block.product)
                else:
                    _add_up_each_recipe(coefficients, weights, block)
                finite = block.all_finite and finite
        return finite

    def pieces(self, recipe: int, size: int) -> list[Float32Array]:
        """Return the sums of a recipe as flat pieces in order. The next `add_up` overwrites them."""
        return self._blocks(size)[1][recipe]

    def _blocks(self, size: int) -> tuple[list[Block], list[list[Float32Array]]]:
        """Return the blocks of a tensor of `size` elements, and the pieces of each recipe."""
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
    """Sum a block for each recipe separately, without the terms whose coefficient is 0."""
    for index, row in enumerate(coefficients):
        terms = [k for k, coefficient in enumerate(row) if coefficient]
        read, used = [block.read[k] for k in terms], [weights[index, k] for k in terms]
        _add_up(read, used, block.total[index], block.product[index])


def _add_up(
    read: Sequence[Float32Array], weights: Sequence[Float32Array], total: Float32Array, product: Float32Array
) -> None:
    """Write sum_k weights[k] * read[k] into `total`, added in this order. `product` is scratch memory."""
    if not read:
        total.fill(0.0)
        return
    np.multiply(read[0], weights[0], total)
    for k in range(1, len(read)):
        np.multiply(read[k], weights[k], product)
        np.add(total, product, total)
