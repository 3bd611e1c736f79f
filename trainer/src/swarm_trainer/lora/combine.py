"""The tensors of a recipe: a float32 sum over the basis, one tensor at a time.

    tensor = sum_k coefficients[k] * basis[k]

elementwise over A and over B, as Data Swarms moves its particles (arXiv 2506.00741; Model Swarms arXiv 2410.11163). The
update B A is therefore quadratic in the coefficients.

Invariants: terms are added in basis order, each product rounded before it is added, so the sum is the same on every
machine; a zero coefficient is no term at all, so a recipe of one adapter with coefficient 1 is that adapter, bit for
bit. In memory are one source tensor, one product and one sum per recipe, whatever the size of the basis; its files are
mapped, so the system may count them as ours and take them back at will.

Sums are numpy's: torch splits half a megabyte over all cores, and its threads spin for each other. On cores shared with
other work that is tens of times slower than one thread.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor

from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest, Recipe
from swarm_trainer.lora import adapter, base, export
from swarm_trainer.lora import signature as signatures

Opened = Any
"""One tensor file, mapped; any number of threads may read it."""
Numbers = NDArray[np.float32]


def signature(folders: Sequence[Path]) -> signatures.Signature:
    """What the adapters in `folders`, at least one, have in common. Raises BadInputError if they cannot be added."""
    return signatures.agree((str(folder), adapter.read_signature(folder)) for folder in folders)


def combine(recipe: Recipe, folders: Sequence[Path]) -> Iterator[tuple[str, Tensor]]:
    """Name and tensor of every tensor of `recipe`, in name order, cast to its dtype; on the CPU.

    `folders` are those of `recipe.basis`, in its order. Raises BadInputError if they cannot be added, or a sum is not
    finite.
    """
    _check(recipe, folders)
    found = signature(folders)
    with _opened(folders) as files:
        yield from _sums(recipe, files, found)


def coefficients(recipe: Recipe, tensor: str) -> tuple[float, ...]:
    """The coefficients of the first group that `tensor` belongs to. Raises BadInputError if it belongs to none."""
    for group in recipe.groups:
        if not group.prefixes or tensor.startswith(group.prefixes):
            return group.coefficients
    prefixes = ", ".join(prefix for group in recipe.groups for prefix in group.prefixes)
    raise BadInputError(f"{tensor}: in no coefficient group ({prefixes}); add a group without prefixes for the rest")


def write(recipe: Recipe, folders: Sequence[Path], out: Path) -> Digest:
    """Write the recipe's tensors as a PEFT folder, or verify the one that is there; the sha256 of its tensor file.

    Raises BadInputError as `combine` does, CorruptError if `out` holds anything else.
    """
    return write_many((recipe,), folders, (out,))[0]


def write_many(recipes: Sequence[Recipe], folders: Sequence[Path], outs: Sequence[Path]) -> tuple[Digest, ...]:
    """`write` of recipes over one basis, side by side in threads; the folders get the same bytes as one by one.

    The basis is mapped once for all of them: they go through the same tensors at about the same time, so each is read
    from the cache of the first that wanted it. Raises as `write` does; folders of the other recipes may then be there.
    """
    for recipe in recipes:
        _check(recipe, folders)
    tasks = list(zip(recipes, outs, strict=True))
    found = signature(folders)

    def written(task: tuple[Recipe, Path]) -> Digest:
        recipe, out = task
        return export.save(out, _sums(recipe, files, found), found, recipe.dtype)

    with _opened(folders) as files, ThreadPoolExecutor(min(len(tasks), os.cpu_count() or 1)) as pool:
        return tuple(pool.map(written, tasks))


def _check(recipe: Recipe, folders: Sequence[Path]) -> None:
    if len(folders) != len(recipe.basis) or not folders:
        raise ValueError(f"{len(folders)} folders for a basis of {len(recipe.basis)} adapters")


@contextmanager
def _opened(folders: Sequence[Path]) -> Iterator[list[Opened]]:
    with ExitStack() as stack:
        yield [stack.enter_context(safe_open(folder / adapter.WEIGHTS, framework="pt")) for folder in folders]


def _sums(recipe: Recipe, files: Sequence[Opened], found: signatures.Signature) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of `recipe`, as `combine` gives them."""
    kind, of = base.element_type(recipe.dtype), f"recipe {recipe.name[:12]}"
    product: Numbers = np.empty((0, 0), np.float32)
    for name, shape in found.tensors.items():  # [rank, in] and [out, rank]
        total: Numbers | None = None
        product = product if product.shape == shape else np.empty(shape, np.float32)
        for file, weight in zip(files, coefficients(recipe, name), strict=True):
            if weight == 0.0:
                continue
            source = file.get_tensor(name).to(torch.float32).numpy()
            with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused below, by its name
                if total is None:
                    total = np.multiply(source, np.float32(weight))
                else:
                    total += np.multiply(source, np.float32(weight), out=product)
        summed = torch.zeros(shape) if total is None else torch.from_numpy(total)
        yield name, adapter.finite(f"{of}: {name}", summed.to(kind))
