"""Exact sums of a layer: the change of the weights itself is linear in the coefficients.

    B A = sum_k c_k B_k A_k        A = [A_1; ...; A_N]  [N r, in]        B = [c_1 B_1, ..., c_N B_N]  [out, N r]

PEFT calls it `cat`. A is the same for every recipe of a basis, and the rank the same whatever the coefficients: a zero
coefficient leaves zeros. alpha / rank stays that of the adapters, so the rank N r has alpha N alpha.

Where N r passes what a server takes, each layer is cut to a rank k: the k largest terms of the singular value
decomposition of B A, which no other product of rank k comes nearer to (Eckart and Young 1936). It is taken from the two
thin factors, never forming B A, whose size is out x in:

    [B_1, ..., B_N] = Q R        A^T = P S        R D S^T = U diag(s) V^T
    B' = Q U_k sqrt(s_k)         A' = sqrt(s_k) V_k^T P^T

with D the coefficients. Both thin factors are the same for every recipe, so each layer's are taken apart once.

Limits: uncut sums are the same on every machine. Cut ones are not: decompositions differ in the last bits from one
machine, engine version or number of threads to another, and where two singular values are equal in more than those.
The sign of each term, which is free, is fixed: the entry of B' that is largest in size is positive.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from swarm_trainer.lora import adapter
from swarm_trainer.lora.adapter import Float32Array
from swarm_trainer.lora.signature import Signature

Coefficients = Sequence[Sequence[float]]
"""[recipes, basis]"""


@dataclass(frozen=True, slots=True)
class LayerFactors:
    """One layer of every adapter of a basis, in its order."""

    name: str
    a: Sequence[Float32Array]
    """Each [rank, in]."""
    b: Sequence[Float32Array]
    """Each [out, rank]."""


@dataclass(frozen=True, slots=True)
class DecomposedLayer:
    """A layer taken apart, in float64."""

    q: Tensor
    """[out, m]: orthonormal columns, m = min(out, N r)."""
    r: Tensor
    """[m, N r]"""
    p: Tensor
    """[in, n]: orthonormal columns, n = min(in, N r)."""
    s: Tensor
    """[n, N r]"""


def compute_signature(common: Signature, adapters: int, max_rank: int | None) -> Signature:
    """That of an exact sum of `adapters` whose common signature is `common`."""
    if _is_uncut(common.rank * adapters, max_rank):
        return replace(common, rank=common.rank * adapters, alpha=common.alpha * adapters)
    assert max_rank is not None
    return replace(common, rank=max_rank, alpha=common.alpha * max_rank / common.rank)


def compute_sums(
    layer: LayerFactors, coefficients: Coefficients, max_rank: int | None
) -> Iterator[tuple[Float32Array, Float32Array]]:
    """A [rank, in] and B [out, rank] of every recipe; their rank is that of `compute_signature`.

    Raises BadInputError if a layer that is to be cut is not finite. What overflows is infinite: the caller's to find.
    """
    a = np.concatenate(layer.a)
    if _is_uncut(len(a), max_rank):
        for weights in coefficients:
            yield a, _scale(layer.b, weights)
        return
    assert max_rank is not None
    decomposed = _decompose(layer, a)
    for weights in coefficients:
        yield _truncate(decomposed, torch.tensor(weights, dtype=torch.float64), max_rank)


def _is_uncut(rank: int, max_rank: int | None) -> bool:
    return max_rank is None or rank <= max_rank


def _scale(b: Sequence[Float32Array], weights: Sequence[float]) -> Float32Array:
    """[out, N r]: each times its coefficient, side by side."""
    (out, rank), scaled = b[0].shape, []
    with np.errstate(over="ignore", invalid="ignore"):
        for factor, weight in zip(b, weights, strict=True):
            scaled.append(factor * np.float32(weight) if weight else np.zeros((out, rank), np.float32))
    return np.concatenate(scaled, axis=1)


def _decompose(layer: LayerFactors, a: Float32Array) -> DecomposedLayer:
    b = np.concatenate(layer.b, axis=1)
    adapter.check_finite(f"{layer.name}: A", a)
    adapter.check_finite(f"{layer.name}: B", b)
    return DecomposedLayer(
        *torch.linalg.qr(torch.from_numpy(b).double()), *torch.linalg.qr(torch.from_numpy(a).double().T)
    )


def _truncate(decomposed: DecomposedLayer, weights: Tensor, rank: int) -> tuple[Float32Array, Float32Array]:
    """The A and B of `rank` whose product is nearest to the layer's sum by `weights`."""
    column_weights = weights.repeat_interleave(decomposed.r.shape[1] // len(weights))
    u, values, v = torch.linalg.svd((decomposed.r * column_weights) @ decomposed.s.T, full_matrices=False)
    u, root, v = u[:, :rank], values[:rank].sqrt(), v[:rank]
    b, a = decomposed.q @ (u * root), (root[:, None] * v) @ decomposed.p.T
    sign = torch.where(b.gather(0, b.abs().argmax(0, keepdim=True)) < 0, -1.0, 1.0)  # [1, terms]
    padding = rank - len(root)  # a layer narrower than the rank has fewer terms
    a, b = nn.functional.pad(a * sign.T, (0, 0, 0, padding)), nn.functional.pad(b * sign, (0, padding))
    return a.float().numpy(), b.float().numpy()
