"""Computes exact sums of a layer: the update of the weights is linear in the coefficients.

    B A = sum_k c_k B_k A_k        A = [A_1; ...; A_N]  [N r, in]        B = [c_1 B_1, ..., c_N B_N]  [out, N r]

PEFT calls this combination `cat`. A is the same for all recipes of a basis. The rank does not depend on the
coefficients, because a zero coefficient leaves zeros. alpha / rank stays that of the adapters, so the rank N r has the
alpha N alpha.

If N r exceeds the rank that a server accepts, each layer is truncated to a rank k: to the k largest terms of the
singular value decomposition of B A, the best approximation of rank k (Eckart and Young 1936). It is computed from the
two thin factors, without forming B A, whose size is out x in:

    [B_1, ..., B_N] = Q R        A^T = P S        R D S^T = U diag(s) V^T
    B' = Q U_k sqrt(s_k)         A' = sqrt(s_k) V_k^T P^T

D is the diagonal matrix of the coefficients. Both thin factors are the same for all recipes, so each layer is
decomposed once.

Limits: sums that are not truncated are the same on every machine. Truncated ones are not: decompositions differ in the
last bits between machines, library versions and numbers of threads, and by more if two singular values are equal. The
sign of each term is arbitrary, so it is fixed: the entry of B' with the largest absolute value is positive.
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
"""The coefficients of several recipes: [recipes, basis]."""


@dataclass(frozen=True, slots=True)
class LayerFactors:
    """The factors of one layer, for each adapter of a basis in its order."""

    name: str
    a: Sequence[Float32Array]
    """Each [rank, in]."""
    b: Sequence[Float32Array]
    """Each [out, rank]."""


@dataclass(frozen=True, slots=True)
class DecomposedLayer:
    """The QR decompositions of a layer's stacked factors, in float64: [B_1, ..., B_N] = Q R and A^T = P S."""

    q: Tensor
    """Q: [out, m], orthonormal columns, m = min(out, N r)."""
    r: Tensor
    """R: [m, N r]."""
    p: Tensor
    """P: [in, n], orthonormal columns, n = min(in, N r)."""
    s: Tensor
    """S: [n, N r]."""


def compute_signature(common: Signature, adapters: int, max_rank: int | None) -> Signature:
    """Return the signature of an exact sum of `adapters` adapters with the signature `common`."""
    if _is_uncut(common.rank * adapters, max_rank):
        return replace(common, rank=common.rank * adapters, alpha=common.alpha * adapters)
    assert max_rank is not None
    return replace(common, rank=max_rank, alpha=common.alpha * max_rank / common.rank)


def compute_sums(
    layer: LayerFactors, coefficients: Coefficients, max_rank: int | None
) -> Iterator[tuple[Float32Array, Float32Array]]:
    """Yield A [rank, in] and B [out, rank] of each recipe, float32, with the rank of `compute_signature`.

    Raises BadInputError if a layer must be truncated and is not finite. A sum that overflows is infinite, and the
    caller must check for that.
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
    """Return [c_1 B_1, ..., c_N B_N]: [out, N r]."""
    (out, rank), scaled = b[0].shape, []
    with np.errstate(over="ignore", invalid="ignore"):
        for factor, weight in zip(b, weights, strict=True):
            # A product with 0 would be -0.0 for negative numbers and NaN for infinite ones.
            scaled.append(factor * np.float32(weight) if weight else np.zeros((out, rank), np.float32))
    return np.concatenate(scaled, axis=1)


def _decompose(layer: LayerFactors, a: Float32Array) -> DecomposedLayer:
    """Decompose the stacked factors of a layer. `a`: [N r, in]. Raises BadInputError if a number is not finite."""
    b = np.concatenate(layer.b, axis=1)
    adapter.check_finite(f"{layer.name}: A", a)
    adapter.check_finite(f"{layer.name}: B", b)
    return DecomposedLayer(
        *torch.linalg.qr(torch.from_numpy(b).double()), *torch.linalg.qr(torch.from_numpy(a).double().T)
    )


def _truncate(decomposed: DecomposedLayer, weights: Tensor, rank: int) -> tuple[Float32Array, Float32Array]:
    """Return the A [rank, in] and B [out, rank] with the product nearest to the sum by `weights` [basis]."""
    # R D: each adapter has r neighboring columns, and each column is multiplied by its adapter's coefficient.
    column_weights = weights.repeat_interleave(decomposed.r.shape[1] // len(weights))
    u, values, v = torch.linalg.svd((decomposed.r * column_weights) @ decomposed.s.T, full_matrices=False)
    u, root, v = u[:, :rank], values[:rank].sqrt(), v[:rank]
    b, a = decomposed.q @ (u * root), (root[:, None] * v) @ decomposed.p.T
    # The sign of the entry of B with the largest absolute value, for each term: [1, terms].
    sign = torch.where(b.gather(0, b.abs().argmax(0, keepdim=True)) < 0, -1.0, 1.0)
    padding = rank - len(root)  # a layer narrower than the rank has fewer terms, so zeros fill it up
    a, b = nn.functional.pad(a * sign.T, (0, 0, 0, padding)), nn.functional.pad(b * sign, (0, padding))
    return a.float().numpy(), b.float().numpy()
