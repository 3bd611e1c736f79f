"""Adds the adapters of a batch in two matrix products, which halves the cost of several adapters in vLLM 0.32 on CPUs.

vLLM stacks the adapters' factors, one slot each. On CPUs it copies a pair of factors for every row of a batch, every
token of every prompt, and multiplies row by row. That is half of all the engine's work for a small model. Here all rows
are multiplied with the first factors of all slots at once. Then the products of slots that are not the row's own are
set to zero, and the rest is multiplied with all second factors. That takes as many times more arithmetic as there are
slots, and hardly any copying.

Rows without an adapter have the slot -1, which no adapter has. All their products become zero, so nothing is added to
them.

Limits: it reaches into a class of vLLM, whose version is pinned. Remove it when vLLM multiplies by adapter itself. Sums
are equal up to rounding. They are in single precision whatever the model's precision, because not every CPU is fast in
half precision. Above MAX_ADAPTERS slots vLLM's own way is used.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, arange

AddLoraLinear = Callable[..., None]
MAX_ADAPTERS = 32
"""Maximum number of slots. With 24 of rank 64 this takes two thirds of the time of vLLM's way, and every slot costs the
same.
"""


def patch() -> None:
    """Add adapters of linear layers by `add_lora`. Safe to call twice."""
    from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU  # noqa: PLC0415 - read without vLLM too

    plain = PunicaWrapperCPU.add_lora_linear
    if not getattr(plain, "patched", False):
        PunicaWrapperCPU.add_lora_linear = wrap_add_lora_linear(plain)


def wrap_add_lora_linear(plain: AddLoraLinear) -> AddLoraLinear:
    """vLLM's method `plain`, replaced by `add_lora` where that is at least as good. A small batch is not worth the
    products with all slots.
    """

    def add_lora_linear(self: Any, y: Tensor, x: Tensor, *rest: Any, **more: Any) -> None:
        """Adds the update of `x` [rows, width] to `y` [rows, out]. `rest`: the factors, the scale, the sizes of the
        slices.
        """
        if more or len(rest[0][0]) > min(MAX_ADAPTERS, len(x)):
            plain(self, y, x, *rest, **more)
        elif not (self.is_prefill and self.no_lora):
            add_lora(y, x, self.token_lora_indices, *rest[:3])

    add_lora_linear.patched = True  # type: ignore[attr-defined]
    return add_lora_linear


def add_lora(
    y: Tensor, x: Tensor, slots: Tensor, firsts: Sequence[Tensor], seconds: Sequence[Tensor], scale: float
) -> None:
    """Add to `y` [rows, out], in place and slice by slice, the update of `x` [rows, width] by each row's adapter.

    `slots` [rows] has each row's slot. `firsts` [slots, 1, rank, width] and `seconds` [slots, 1, slice, rank] are the
    stacked factors of each slice.
    """
    others, single = (slots.unsqueeze(1) != arange(len(firsts[0]), device=slots.device)).unsqueeze(2), x.float()
    begin = 0
    for first, second in zip(firsts, seconds, strict=True):
        inner = single @ first.float().flatten(0, 2).T
        inner.view(len(x), len(first), -1).masked_fill_(others, 0)  # not a product with 0: inf * 0 would be NaN
        end = begin + second.shape[2]
        y[:, begin:end].add_(inner @ second.float().squeeze(1).mT.flatten(0, 1), alpha=scale)
        begin = end
