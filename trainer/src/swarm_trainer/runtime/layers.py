"""The layers of a base that have their own coefficients, and the tensors of each layer.

A layer is the part of a tensor name up to its first number: for `model.layers.3.self_attn.q_proj` it is
`model.layers.3`. A later number, such as that of an expert, does not start a layer. Prefixes end with a dot, so the
prefix of layer 1 does not match layer 10.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from swarm_core.errors import BadInputError
from swarm_core.optimizers import positions
from swarm_core.optimizers.positions import Position
from swarm_core.recipe import TensorGroup

if TYPE_CHECKING:
    from swarm_trainer.lora.signature import Signature

_LAYER_NAME = re.compile(r"(?P<stack>.+?)\.(?P<number>\d+)\.")


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers that adapters of one signature adapt, in the order of their numbers; at least one."""

    prefixes: tuple[str, ...]
    """The prefix of each layer's tensor names."""
    rest: bool
    """Whether there are tensors outside every layer."""

    def groups(self, position: Position) -> tuple[TensorGroup, ...]:
        """Return one group per layer with its block of `position`, [layers * basis].

        The rest gets the mean of the blocks.
        """
        count = len(self.prefixes)
        blocks = zip(positions.split_blocks(position, count), self.prefixes, strict=True)
        groups = tuple(TensorGroup(block, (prefix,)) for block, prefix in blocks)
        return (*groups, TensorGroup(positions.mean_block(position, count))) if self.rest else groups


def find(signature: "Signature") -> Layers:
    """Find the layers of an adapter. Raises BadInputError if it adapts no numbered layer."""
    from swarm_trainer.lora.signature import tensor_name  # noqa: PLC0415 (brings torch, which verify and gc do without)

    names = [tensor_name(module, "A") for module, _ in signature.shapes]
    matches = [_LAYER_NAME.match(name) for name in names]
    prefixes = {(match["stack"], int(match["number"])): match[0] for match in matches if match}
    if not prefixes:
        raise _unnumbered_error(names)
    return Layers(tuple(prefixes[key] for key in sorted(prefixes)), rest=None in matches)


def check(folder: Path) -> None:
    """Check that the base in `folder` has numbered layers, before anything is trained. Raises BadInputError."""
    from swarm_trainer.lora import base_layers  # noqa: PLC0415 (brings torch)

    modules = sorted(base_layers.read_linear_shapes(folder))
    if not any(_LAYER_NAME.match(f"{module}.") for module in modules):
        raise _unnumbered_error(modules)


def _unnumbered_error(names: Iterable[str]) -> BadInputError:
    some = ", ".join(list(names)[:3])
    return BadInputError(f"spec.swarm.groups: PerLayer, but no layer has a number ({some}); set groups to Global")
