"""The tensors of a recipe, from the adapters of its basis: in memory, or written as PEFT folders.

How tensors are summed is `elementwise`'s and `exact`'s; here they are read, shared out to threads and handed on. In
memory, per thread, is one tensor of every recipe. Merging exactly, it is one layer of the whole basis and of a recipe,
and the basis is mapped, so the system may count it as ours and take it back at will.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swarm_core.errors import BadInputError
from swarm_core.recipe import Merge, Recipe
from swarm_trainer.lora import adapter, base, elementwise, exact, export
from swarm_trainer.lora import signature as signatures
from swarm_trainer.lora.mapped_file import MappedTensorFile
from swarm_trainer.lora.signature import Signature, tensor_name

THREADS = 4
"""More only wait: for the page cache, and for Python between two blocks."""


@dataclass(frozen=True, slots=True)
class BasisLayer:
    """One layer of the basis."""

    module: str
    a: str
    b: str
    """The names of its two sides."""
    sizes: tuple[int, int]
    """How many numbers each holds, in one adapter."""


SummedTensor = tuple[int, str, Sequence[NDArray[np.float32]]]
"""Which recipe, which tensor, and its numbers, flat pieces in order, finite; the next may overwrite them."""


def compute_signature(recipe: Recipe, folders: Sequence[Path]) -> Signature:
    """That of the recipe's tensors, from the folders of its basis. Raises BadInputError if those do not agree."""
    _check_basis(recipe, folders)
    return _merged_signature(recipe, _common_signature(folders))


def combine_tensors(recipe: Recipe, folders: Sequence[Path]) -> Iterator[tuple[str, Tensor]]:
    """Name and tensor of every tensor of `recipe`, layer by layer, cast to its dtype; on the CPU.

    `folders` are those of `recipe.basis`, in its order. Raises BadInputError if they cannot be merged, or a sum is not
    finite.
    """
    _check_basis(recipe, folders)
    common = _common_signature(folders)
    shapes, dtype = _merged_signature(recipe, common).tensors, base.parse_dtype(recipe.dtype)
    files = [MappedTensorFile(folder) for folder in folders]
    for _, name, pieces in _sum_layers((recipe,), files, _list_layers(common)):
        tensor = torch.from_numpy(np.concatenate(pieces)).view(shapes[name]).to(dtype)
        yield name, adapter.require_finite(_error_prefix(recipe) + name, tensor)


def find_coefficients(recipe: Recipe, tensor: str) -> tuple[float, ...]:
    """The coefficients of the first group that `tensor` belongs to. Raises BadInputError if it belongs to none."""
    for group in recipe.groups:
        if not group.prefixes or tensor.startswith(group.prefixes):
            return group.coefficients
    prefixes = ", ".join(prefix for group in recipe.groups for prefix in group.prefixes)
    raise BadInputError(f"{tensor}: in no coefficient group ({prefixes}); add a group without prefixes for the rest")


def write(recipe: Recipe, folders: Sequence[Path], out: Path) -> None:
    """Write the recipe's tensors as a PEFT folder, or verify the one that is there.

    Raises BadInputError as `combine_tensors` does, CorruptError if `out` holds anything else.
    """
    write_many((recipe,), folders, (out,))


def write_many(recipes: Sequence[Recipe], folders: Sequence[Path], outs: Sequence[Path]) -> None:
    """`write` of recipes over one basis, side by side; the folders get the same bytes as one by one.

    Threads share out the layers; each sums and writes its layers of all recipes. Recipes are merged in one way. Raises
    as `write` does, and then has written none of the folders.
    """
    for recipe in recipes:
        _check_basis(recipe, folders)
    if len({(recipe.merge, recipe.max_rank) for recipe in recipes}) > 1:
        raise ValueError("recipes of more than one merge; write those of each apart")
    tasks, common = list(zip(recipes, outs, strict=True)), _common_signature(folders)
    files, labels = [MappedTensorFile(folder) for folder in folders], [_error_prefix(recipe) for recipe in recipes]
    with ExitStack() as stack:
        targets = [
            stack.enter_context(export.open_tensor_file(out, _merged_signature(recipe, common), recipe.dtype))
            for recipe, out in tasks
        ]

        threads, layers = min(THREADS, os.cpu_count() or 1), _list_layers(common)

        def write_share(share: int) -> None:
            # A file takes one writer at a time: every thread begins with another.
            order = sorted(range(len(tasks)), key=lambda k: (k - share * len(tasks) // threads) % len(tasks))
            for position, name, pieces in _sum_layers([recipes[k] for k in order], files, layers[share::threads]):
                targets[order[position]].put(name, pieces, labels[order[position]])

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(write_share, range(threads)))


def _check_basis(recipe: Recipe, folders: Sequence[Path]) -> None:
    if len(folders) != len(recipe.basis) or not folders:
        raise ValueError(f"{len(folders)} folders for a basis of {len(recipe.basis)} adapters")


def _common_signature(folders: Sequence[Path]) -> Signature:
    return signatures.require_common((str(folder), adapter.read_signature(folder)) for folder in folders)


def _merged_signature(recipe: Recipe, common: Signature) -> Signature:
    if recipe.merge is Merge.EXACT:
        return exact.compute_signature(common, len(recipe.basis), recipe.max_rank)
    return common


def _list_layers(common: Signature) -> list[BasisLayer]:
    return [
        BasisLayer(
            module, tensor_name(module, "A"), tensor_name(module, "B"), (common.rank * inputs, outputs * common.rank)
        )
        for module, (outputs, inputs) in common.shapes
    ]


def _error_prefix(recipe: Recipe) -> str:
    return f"recipe {recipe.name[:12]}: "


def _sum_layers(
    recipes: Sequence[Recipe], files: Sequence[MappedTensorFile], layers: Sequence[BasisLayer]
) -> Iterator[SummedTensor]:
    """The tensors of these layers of every recipe. Raises BadInputError on one that is not finite."""
    return (_sum_exactly if recipes[0].merge is Merge.EXACT else _sum_elementwise)(recipes, files, layers)


def _sum_elementwise(
    recipes: Sequence[Recipe], files: Sequence[MappedTensorFile], layers: Sequence[BasisLayer]
) -> Iterator[SummedTensor]:
    largest = max((max(layer.sizes) for layer in layers), default=0)
    sums = elementwise.SumBuffer(len(recipes), len(files), largest)
    for layer in layers:
        for name, size in zip((layer.a, layer.b), layer.sizes, strict=True):
            finite = sums.add_up([find_coefficients(recipe, name) for recipe in recipes], files, name, size)
            for index, recipe in enumerate(recipes):
                pieces = sums.pieces(index, size)
                if not finite:
                    adapter.check_finite(_error_prefix(recipe) + name, np.concatenate(pieces))
                yield index, name, pieces


def _sum_exactly(
    recipes: Sequence[Recipe], files: Sequence[MappedTensorFile], layers: Sequence[BasisLayer]
) -> Iterator[SummedTensor]:
    for layer in layers:
        weights = [_find_layer_coefficients(recipe, layer) for recipe in recipes]
        a, b = ([file.whole(name) for file in files] for name in (layer.a, layer.b))
        for index, factors in enumerate(
            exact.compute_sums(exact.LayerFactors(layer.module, a, b), weights, recipes[0].max_rank)
        ):
            for name, numbers in zip((layer.a, layer.b), factors, strict=True):
                adapter.check_finite(_error_prefix(recipes[index]) + name, numbers)
                yield index, name, [numbers.reshape(-1)]


def _find_layer_coefficients(recipe: Recipe, layer: BasisLayer) -> tuple[float, ...]:
    """The coefficients of a layer as one. Raises BadInputError if its sides are in different groups."""
    coefficients = find_coefficients(recipe, layer.b)
    if find_coefficients(recipe, layer.a) != coefficients:
        raise BadInputError(f"{layer.a}: in another coefficient group than its B; an exact merge weighs a layer as one")
    return coefficients
