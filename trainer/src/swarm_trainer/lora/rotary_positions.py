"""Pins the rotary positions of a model whose frequencies depend on the length of a text: LongRoPE, as Phi 3 has it.

Such a model has short and long factors, for texts within its original length and beyond it (arXiv 2402.13753).
transformers chooses between them in every forward pass, by the longest row of the batch. Then a row would be answered
by its neighbors' length, and keys in the cache would have other factors than the tokens after them. Here the longest
text that is allowed decides once, for training and for answers. vLLM decides in the same way.

Limits: one kind of position for all layers. Frequencies that grow beyond the model's positions (dynamic NTK) stay as
they are, because no text is longer than the positions.
"""

from typing import Any

from torch import nn
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

LONG_ROPE = "longrope"


def pin(model: nn.Module, max_length: int | None) -> None:
    """Give every part of `model` that computes such positions the frequencies for texts of `max_length` tokens."""
    module: Any
    for module in model.modules():
        if getattr(module, "rope_type", None) == LONG_ROPE:
            frequencies, _ = ROPE_INIT_FUNCTIONS[LONG_ROPE](module.config, module.inv_freq.device, seq_len=max_length)
            module.inv_freq = frequencies
            module.rope_type = "default"  # which transformers leaves alone
