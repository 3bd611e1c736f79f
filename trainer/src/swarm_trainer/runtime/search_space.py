"""The models that a search can reach: one recipe for every position, over a basis of adapters.

A position is a list of coefficients: one per adapter of the basis, or one block of them per layer if the layers have
their own coefficients. Limits: this module adds no tensors; `export` calls `lora.combine` for that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from swarm_core.api.swarm import Exact
from swarm_core.recipe import Digest, Merge, Recipe, TensorGroup
from swarm_trainer.runtime import layers, model_folders
from swarm_trainer.runtime.context import Context
from swarm_trainer.runtime.layers import Layers


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """Maps positions to models."""

    base: Digest
    basis: tuple[Digest, ...]
    """The adapters that are summed; a run only appends to them."""
    dtype: str
    exact: Exact | None = None
    """Settings of an exact merge; None merges elementwise."""
    layers: Layers | None = None
    """The layers with coefficients of their own; None gives all tensors the same coefficients."""

    def recipe(self, position: Sequence[float]) -> Recipe:
        """Return the model at `position`, [basis] or [layers * basis].

        Raises ValueError for another number of values.
        """
        block, exact = tuple(position), self.exact
        return Recipe(
            base=self.base,
            basis=self.basis,
            groups=(TensorGroup(block),) if self.layers is None else self.layers.groups(block),
            dtype=self.dtype,
            merge=Merge.ELEMENTWISE if exact is None else Merge.EXACT,
            max_rank=None if exact is None else exact.max_rank,
        )

    def export(self, context: Context, position: Sequence[float], out: Path) -> None:
        """Write the adapter at `position` as an ordinary PEFT folder. Raises StoreError, OSError."""
        from swarm_trainer.lora import combine  # noqa: PLC0415 (brings torch, which verify and gc do without)

        folders = [model_folders.unpack_adapter(context, digest) for digest in self.basis]
        combine.write(self.recipe(position), folders, out)


def find_layers(context: Context, adapted: Digest) -> Layers:
    """Find the layers of an adapter.

    They are those of the whole basis, because the adapters of a sum have one signature. Raises BadInputError.
    """
    from swarm_trainer.lora import adapter  # noqa: PLC0415 (brings torch)

    return layers.find(adapter.read_signature(model_folders.unpack_adapter(context, adapted)))
