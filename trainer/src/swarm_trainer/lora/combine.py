"""Computes the tensors of a recipe from the adapters of its basis, in memory or written as PEFT folders.

`elementwise` and `exact` compute the sums. This module reads the adapters, divides the layers among threads and passes
the sums on. An elementwise merge holds, per thread, one tensor of each recipe in memory. An exact merge holds one layer
of the whole basis and of one recipe. The basis is memory-mapped: the operating system may count its pages as memory of
this process, but can reclaim them at any time.
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
"""The maximum number of threads. More threads only wait for the page cache and for Python's global lock."""


@dataclass(frozen=True, slots=True)
class BasisLayer:
    """The names and sizes of one layer's factors in the adapters of the basis."""

    module: str
    a: str
    b: str
    """The tensor names of the factors A and B."""
    sizes: tuple[int, int]
    """The numbers of elements of A and of B in one adapter."""


SummedTensor = tuple[int, str, Sequence[NDArray[np.float32]]]
"""The index of a recipe, the name of a tensor, and its finite numbers as flat pieces in order. The next value of the
iterator may overwrite the pieces."""


def compute_signature(recipe: Recipe, folders: Sequence[Path]) -> Signature:
    """Return the signature of the recipe's tensors, from the folders of its basis.

    Raises BadInputError if the adapters cannot be added to each other.
    """
    _check_basis(recipe, folders)
    return _merged_signature(recipe, _common_signature(folders))


def combine_tensors(recipe: Recipe, folders: Sequence[Path]) -> Iterator[tuple[str, Tensor]]:
    """Yield the name and the tensor of each tensor of `recipe`, layer by layer, in the recipe's dtype on the CPU.

    A is [rank, in] and B is [out, rank]. `folders` are those of `recipe.basis`, in its order. Raises BadInputError if
    the adapters cannot be merged or a sum is not finite.
    """
    _check_basis(recipe, folders)
    common = _common_signature(folders)
    shapes, dtype = _merged_signature(recipe, common).tensors, base.parse_dtype(recipe.dtype)
    files = [MappedTensorFile(folder) for folder in folders]
    for _, name, pieces in _sum_layers((recipe,), files, _list_layers(common)):
        tensor = torch.from_numpy(np.concatenate(pieces)).view(shapes[name]).to(dtype)
        yield name, adapter.require_finite(_error_prefix(recipe) + name, tensor)


def find_coefficients(recipe: Recipe, tensor: str) -> tuple[float, ...]:
    """Return the coefficients [basis] of the first group that contains `tensor`. Raises BadInputError if none does."""
    for group in recipe.groups:
        if not group.prefixes or tensor.startswith(group.prefixes):
            return group.coefficients
    prefixes = ", ".join(prefix for group in recipe.groups for prefix in group.prefixes)
    raise BadInputError(
        f"{tensor} is in no coefficient group ({prefixes}); add a group without prefixes for the other tensors"
    )


def write(recipe: Recipe, folders: Sequence[Path], out: Path) -> None:
    """Write the recipe's tensors as a PEFT folder, or verify an existing folder.

    Raises BadInputError as `combine_tensors` does, CorruptError if `out` exists with other content, OSError.
    """
    write_many((recipe,), folders, (out,))


def write_many(recipes: Sequence[Recipe], folders: Sequence[Path], outs: Sequence[Path]) -> None:
    """Write several recipes over one basis at once. The folders get the same bytes as with one `write` for each.

    Each thread sums and writes its share of the layers for all recipes. All recipes must have the same kind of merge,
    or ValueError is raised. Raises as `write` does, and then leaves no new folder.
    """
    for recipe in recipes:
        _check_basis(recipe, folders)
    if len({(recipe.merge, recipe.max_rank) for recipe in recipes}) > 1:
        raise ValueError("the recipes have different kinds of merge; write the recipes of each kind separately")
    tasks, common = list(zip(recipes, outs, strict=True)), _common_signature(folders)
    files, labels = [MappedTensorFile(folder) for folder in folders], [_error_prefix(recipe) for recipe in recipes]
    with ExitStack() as stack:
        targets = [
            stack.enter_context(export.open_tensor_file(out, _merged_signature(recipe, common), recipe.dtype))
            for recipe, out in tasks
        ]

        threads, layers = min(THREADS, os.cpu_count() or 1), _list_layers(common)

        def write_share(share: int) -> None:
            # The kernel lets one thread at a time write to a file, so each thread starts with a different file.
            order = sorted(range(len(tasks)), key=lambda k: (k - share * len(tasks) // threads) % len(tasks))
            for position, name, pieces in _sum_layers([recipes[k] for k in order], files, layers[share::threads]):
                targets[order[position]].put(name, pieces, labels[order[position]])

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(write_share, range(threads)))


def _check_basis(recipe: Recipe, folders: Sequence[Path]) -> None:
    """Raises ValueError unless there is one folder for each adapter of the basis."""
    if len(folders) != len(recipe.basis) or not folders:
        raise ValueError(f"{len(folders)} folders for a basis of {len(recipe.basis)} adapters; give one for each")


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
    """Yield the tensors of these layers for each recipe. Raises BadInputError if a sum is not finite."""
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
                if not finite:  # one of the sums: check each, so that the error names the right recipe
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
                yield index, name, [numbers.reshape(-1)]  # one flat piece


def _find_layer_coefficients(recipe: Recipe, layer: BasisLayer) -> tuple[float, ...]:
    """Return the coefficients [basis] of a layer. Raises BadInputError if A and B are in different groups."""
    coefficients = find_coefficients(recipe, layer.b)
    if find_coefficients(recipe, layer.a) != coefficients:
        raise BadInputError(
            f"{layer.a} is in another coefficient group than its B, but an exact merge has one coefficient for both;"
            " put both factors of a layer into one group"
        )
    return coefficients
