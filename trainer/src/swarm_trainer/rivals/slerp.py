"""Carries out the spherical interpolation of the initial adapters. `swarm_core.rivals.slerp` has the formula."""

from collections.abc import Sequence

import torch
from torch import Tensor

from swarm_core.rivals.slerp import Slerp
from swarm_trainer.rivals import adapter_merging
from swarm_trainer.rivals.rival_context import FinalData, RivalContext

PARALLEL = 0.9995
"""The cosine from which two vectors are interpolated along the straight line: the sine of their angle would divide by
almost zero."""


def carry_out(_: Slerp, context: RivalContext) -> FinalData:
    """Have the interpolated adapter write the final items."""
    return context.write_final(adapter_merging.merge_initial(context, lambda _, tensors: fold(tensors)))


def fold(tensors: Sequence[Tensor]) -> Tensor:
    """Interpolate several tensors of one shape, in their order: tensor k moves the result by 1/k of the arc to it."""
    result = tensors[0]
    for count, tensor in enumerate(tensors[1:], 2):
        result = interpolate(result, tensor, 1 / count)
    return result


def interpolate(first: Tensor, second: Tensor, share: float) -> Tensor:
    """Return the point at `share` of the arc from `first` to `second`, taken as flat vectors, in their shape."""
    p, q = first.double(), second.double()
    norms = torch.linalg.vector_norm(p) * torch.linalg.vector_norm(q)
    cosine = float((p * q).sum() / norms) if norms > 0 else 1.0
    if abs(cosine) > PARALLEL:
        return ((1 - share) * p + share * q).float()
    angle = torch.arccos(torch.tensor(cosine, dtype=torch.float64))
    weights = torch.sin(torch.stack([(1 - share) * angle, share * angle])) / torch.sin(angle)
    return (weights[0] * p + weights[1] * q).float()
