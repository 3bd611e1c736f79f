"""Carries out DARE-TIES of the initial adapters, with the function of peft for one tensor."""

import torch
from peft.utils import merge_utils
from torch import Tensor

from swarm_core import streams
from swarm_core.rivals.dare_ties import DareTies
from swarm_trainer.rivals import adapter_merging
from swarm_trainer.rivals.rival_context import FinalData, RivalContext


def carry_out(rival: DareTies, context: RivalContext) -> FinalData:
    """Have the merged adapter write the final items."""
    seed = context.setup.plan.seed

    def merge(name: str, tensors: list[Tensor]) -> Tensor:
        return merge_tensors(tensors, rival.density, streams.derive_seed(seed, "dare-ties", name))

    return context.write_final(adapter_merging.merge_initial(context, merge))


def merge_tensors(tensors: list[Tensor], density: float, seed: int) -> Tensor:
    """Merge tensors of one shape with equal weights. `seed` decides which numbers are dropped."""
    if density == 1:  # peft warns that nothing is dropped
        stacked = torch.stack(tensors)
        signed: Tensor = merge_utils.disjoint_merge(stacked, merge_utils.calculate_majority_sign_mask(stacked))
        return signed
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        merged: Tensor = merge_utils.dare_ties(tensors, torch.ones(len(tensors)), density)
    return merged
