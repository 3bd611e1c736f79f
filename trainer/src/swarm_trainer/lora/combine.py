"""The tensors of a recipe: a float32 sum over the basis, one tensor at a time.

    tensor = sum_k coefficients[k] * basis[k]

elementwise over A and over B, as Data Swarms moves its particles (arXiv 2506.00741; Model Swarms arXiv 2410.11163). The
update B A is therefore quadratic in the coefficients.

Invariants: terms are added in basis order, each product rounded before it is added, so the sum is the same on every
machine; a zero coefficient is no term at all, so a recipe of one adapter with coefficient 1 is that adapter, bit for
bit. In memory are one source tensor, one product and one sum, whatever the size of the basis.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest, Recipe
from swarm_trainer.lora import adapter, base, export
from swarm_trainer.lora import signature as signatures


def signature(folders: Sequence[Path]) -> signatures.Signature:
    """What the adapters in `folders`, at least one, have in common. Raises BadInputError if they cannot be added."""
    return signatures.agree((str(folder), adapter.read_signature(folder)) for folder in folders)


def combine(recipe: Recipe, folders: Sequence[Path]) -> Iterator[tuple[str, Tensor]]:
    """Name and tensor of every tensor of `recipe`, in name order, cast to its dtype; on the CPU.

    `folders` are those of `recipe.basis`, in its order. Raises BadInputError if they cannot be added, or a sum is not
    finite.
    """
    if len(folders) != len(recipe.basis) or not folders:
        raise ValueError(f"{len(folders)} folders for a basis of {len(recipe.basis)} adapters")
    shapes, kind = signature(folders).tensors, base.element_type(recipe.dtype)
    with ExitStack() as stack:
        files = [stack.enter_context(safe_open(folder / adapter.WEIGHTS, framework="pt")) for folder in folders]
        for name, shape in shapes.items():
            total: Tensor | None = None
            for file, coefficient in zip(files, coefficients(recipe, name), strict=True):
                if coefficient != 0.0:
                    term = file.get_tensor(name).to(torch.float32) * coefficient
                    total = term if total is None else total.add_(term)
            summed = torch.zeros(shape) if total is None else total
            yield name, adapter.finite(f"recipe {recipe.name[:12]}: {name}", summed.to(kind))


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
    return export.save(out, combine(recipe, folders), signature(folders), recipe.dtype)
