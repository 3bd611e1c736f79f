"""Many adapters of one base in one batch: every row of the batch has its own adapter.

The base's weights never change and no layer is wrapped. A hook on each adapted layer adds

    scale B_i (A_i x)        for the adapter i of the row that x belongs to        (LoRA, arXiv 2106.09685, eq. 3)

The adapters of a batch are concatenated: A as [sum of ranks, in] and B as [out, sum of ranks]. Between the two products
a mask sets every rank that does not belong to the row to 0. That makes two dense products per layer, whatever the
number and the order of the rows. Adapters may differ in rank and in target modules. The cost of the update grows with
the number of adapters in a batch, so callers group rows by adapter.

Invariants: a masked rank adds exactly 0. Above LIMIT_BYTES, adapters are evicted, least recently used first.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from swarm_core.recipe import ModelName
from swarm_trainer.lora.base_layers import list_linear_layers
from swarm_trainer.lora.signature import Signature, tensor_name

LIMIT_BYTES = 4 * 2**30
"""Bytes of adapters in memory. 4 GiB holds 28 adapters of rank 64 for a 9B model in bfloat16, and is little beside the
model.
"""


@dataclass(frozen=True, slots=True)
class LoraFactors:
    """The update of one layer by one adapter."""

    a: Tensor
    """[rank, in]"""
    b: Tensor
    """[out, rank], multiplied by the scale."""


@dataclass(frozen=True, slots=True)
class BatchLayer:
    """The updates of one layer by all adapters of a batch."""

    a: Tensor
    """[ranks, in]"""
    b: Tensor
    """[ranks, out]"""
    mask: Tensor | None
    """[rows, 1, ranks]: 1 where a rank belongs to the row's adapter. None if every rank belongs to every row."""

    def add(self, inputs: Tensor, outputs: Tensor) -> None:
        """Add the update of `inputs` [rows, length, in] to `outputs` [rows, length, out] in place.

        Some models close up rows and length, in this order, before a layer.
        """
        inner = nn.functional.linear(inputs, self.a)  # [rows, length, ranks]
        if self.mask is not None:
            inner.view(len(self.mask), -1, inner.shape[-1]).mul_(self.mask)
        outputs.view(-1, outputs.shape[-1]).addmm_(inner.view(-1, inner.shape[-1]), self.b)


class BatchedLora:
    """The adapters in memory for one model, and the hooks that apply those of the current batch."""

    def __init__(self, model: nn.Module, limit: int = LIMIT_BYTES) -> None:
        parameter = next(model.parameters())
        self._device, self._dtype = parameter.device, parameter.dtype
        self._modules = list_linear_layers(model)
        self._hooked: set[str] = set()
        self._adapters: OrderedDict[ModelName, dict[str, LoraFactors]] = OrderedDict()
        self._limit = limit
        self._active: dict[str, BatchLayer] = {}

    def __contains__(self, name: ModelName) -> bool:
        return name in self._adapters

    def add(self, name: ModelName, signature: Signature, tensors: Mapping[str, Tensor]) -> None:
        """Keep an adapter, in the model's dtype and on its device. `tensors` holds A [rank, in] and B [out, rank] per
        module.

        Call `evict` afterwards: adding does not check the limit.
        """
        factors = {}
        for module, _ in signature.shapes:
            a, b = tensors[tensor_name(module, "A")], tensors[tensor_name(module, "B")]
            factors[module] = LoraFactors(self._to_device(a), self._to_device(b.float() * signature.scale))
            self._add_hook(module)
        self._adapters[name] = factors

    def evict(self, in_use: Sequence[ModelName]) -> None:
        """Mark `in_use` as just used. Then drop the least recently used of the others until LIMIT_BYTES holds."""
        for name in in_use:
            self._adapters.move_to_end(name)
        kept = set(in_use)
        total = sum(_count_bytes(factors) for factors in self._adapters.values())
        for name in [name for name in self._adapters if name not in kept]:
            if total <= self._limit:
                break
            total -= _count_bytes(self._adapters.pop(name))

    @contextmanager
    def apply_adapters(self, rows: Sequence[ModelName | None]) -> Iterator[None]:
        """A context manager: inside it, row i of every forward pass uses the adapter rows[i], or the bare base for
        None. Raises KeyError for a name that was not added.
        """
        self._active = self._build_layers(rows)
        try:
            yield
        finally:
            self._active = {}

    def select_rows(self, rows: Tensor) -> None:
        """Go on with only the rows `rows` [kept] of the batch, in this order."""
        self._active = {
            module: BatchLayer(layer.a, layer.b, None if layer.mask is None else layer.mask[rows])
            for module, layer in self._active.items()
        }

    def _build_layers(self, rows: Sequence[ModelName | None]) -> dict[str, BatchLayer]:
        names = list(dict.fromkeys(name for name in rows if name is not None))
        owner = torch.tensor([-1 if name is None else names.index(name) for name in rows])
        masks: dict[tuple[int, ...], Tensor | None] = {}
        layers = {}
        for module in sorted({module for name in names for module in self._adapters[name]}):
            parts = [(index, self._adapters[name].get(module)) for index, name in enumerate(names)]
            present = [(index, factors) for index, factors in parts if factors is not None]
            owners = tuple(index for index, factors in present for _ in range(factors.a.shape[0]))
            if owners not in masks:
                masks[owners] = self._build_mask(owner, owners)
            a = torch.cat([factors.a for _, factors in present])
            b = torch.cat([factors.b for _, factors in present], dim=1).T.contiguous()
            layers[module] = BatchLayer(a, b, masks[owners])
        return layers

    def _build_mask(self, owner: Tensor, owners: tuple[int, ...]) -> Tensor | None:
        """The mask of ranks by row, [rows, 1, ranks]; None if every rank belongs to every row."""
        belongs = owner[:, None, None] == torch.tensor(owners)
        return None if bool(belongs.all()) else belongs.to(self._device, self._dtype)

    def _to_device(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device, self._dtype)

    def _add_hook(self, module: str) -> None:
        if module in self._hooked:
            return
        self._hooked.add(module)

        def add_update(_layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
            layer = self._active.get(module)
            if layer is not None:
                layer.add(arguments[0], output)

        self._modules[module].register_forward_hook(add_update)


def _count_bytes(factors: Mapping[str, LoraFactors]) -> int:
    return sum(pair.a.nbytes + pair.b.nbytes for pair in factors.values())
