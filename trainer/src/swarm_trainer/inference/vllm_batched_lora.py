"""What adapters add to a batch, by two products: how vLLM 0.32 serves several of them on a CPU at half the cost.

vLLM has stacked the adapters' factors, one place each. Its own way on CPUs copies a pair of factors for every row of a
batch, every token of every prompt, and multiplies row by row: half of all that the engine does for a small model. Here
all rows are multiplied with the first factors of all places at once, numbers of places that are not a row's own become
zeros, and what is left is multiplied with all second factors. That is places times the arithmetic, and hardly a copy.

Rows without an adapter have the place -1, which is nobody's: they are all zeros in between and get nothing added.

Limits: reaches into a class of vLLM, whose version is pinned. To be removed when vLLM multiplies by adapter itself.
Sums are the same up to rounding; they are of single precision whatever the model's, for not every CPU is quick in half.
Very many places are left to vLLM.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, arange

AddLoraLinear = Callable[..., None]
MAX_ADAPTERS = 32
"""Places: with 24 of rank 64 it takes two thirds of the time that vLLM's way takes, and every place costs the same."""


def patch() -> None:
    """Have adapters of linear layers added by `add_lora`. Safe twice."""
    from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU  # noqa: PLC0415 - read without vLLM too

    plain = PunicaWrapperCPU.add_lora_linear
    if not getattr(plain, "patched", False):
        PunicaWrapperCPU.add_lora_linear = wrap_add_lora_linear(plain)


def wrap_add_lora_linear(plain: AddLoraLinear) -> AddLoraLinear:
    """vLLM's method `plain`, but by `add_lora` where that is as good: small batches are not worth a look at all
    places.
    """

    def add_lora_linear(self: Any, y: Tensor, x: Tensor, *rest: Any, **more: Any) -> None:
        """`y` (rows, out) gets what adapters make of `x` (rows, width). `rest`: the factors, scale, sizes of slices."""
        if more or len(rest[0][0]) > min(MAX_ADAPTERS, len(x)):
            plain(self, y, x, *rest, **more)
        elif not (self.is_prefill and self.no_lora):
            add_lora(y, x, self.token_lora_indices, *rest[:3])

    add_lora_linear.patched = True  # type: ignore[attr-defined]
    return add_lora_linear


def add_lora(
    y: Tensor, x: Tensor, places: Tensor, firsts: Sequence[Tensor], seconds: Sequence[Tensor], scale: float
) -> None:
    """Add to `y` (rows, out), slice after slice of it, what the adapter at each row's place makes of `x` (rows, width).

    `firsts` (places, 1, rank, width) and `seconds` (places, 1, slice, rank) are the stacked factors of each slice.
    """
    others, single = (places.unsqueeze(1) != arange(len(firsts[0]), device=places.device)).unsqueeze(2), x.float()
    begin = 0
    for first, second in zip(firsts, seconds, strict=True):
        inner = single @ first.float().flatten(0, 2).T
        inner.view(len(x), len(first), -1).masked_fill_(others, 0)  # no product by 0: what overflows would stay
        end = begin + second.shape[2]
        y[:, begin:end].add_(inner @ second.float().squeeze(1).mT.flatten(0, 1), alpha=scale)
        begin = end
