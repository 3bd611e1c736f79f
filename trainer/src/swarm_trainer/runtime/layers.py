"""The layers of a base that have coefficients of their own, and which tensors belong to each.

A layer is what stands under one number: of `model.layers.3.self_attn.q_proj` it is `model.layers.3`; a number further
in, such as an expert's, makes no layer. Prefixes end with a dot, so that layer 1 is not the beginning of layer 10.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from swarm_core.errors import BadInputError
from swarm_core.optimizers import positions
from swarm_core.optimizers.positions import Position
from swarm_core.recipe import TensorGroup
from swarm_trainer.lora import base
from swarm_trainer.lora.signature import Signature, tensor_name

_LAYER_NAME = re.compile(r"(?P<stack>.+?)\.(?P<number>\d+)\.")


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers that adapters of one signature adapt, in the order of their numbers; at least one."""

    prefixes: tuple[str, ...]
    """What the names of a layer's tensors begin with."""
    rest: bool
    """Whether there are tensors outside every layer."""

    def groups(self, position: Position) -> tuple[TensorGroup, ...]:
        """One group per layer with its block of `position`, [layers * basis]; the rest has the mean of the blocks."""
        count = len(self.prefixes)
        blocks = zip(positions.blocks(position, count), self.prefixes, strict=True)
        found = tuple(TensorGroup(block, (prefix,)) for block, prefix in blocks)
        return (*found, TensorGroup(positions.mean(position, count))) if self.rest else found


def find(signature: Signature) -> Layers:
    """The layers of an adapter. Raises BadInputError if it adapts none that is numbered."""
    names = [tensor_name(module, "A") for module, _ in signature.shapes]
    matches = [_LAYER_NAME.match(name) for name in names]
    found = {(match["stack"], int(match["number"])): match[0] for match in matches if match}
    if not found:
        raise _unnumbered_error(names)
    return Layers(tuple(found[key] for key in sorted(found)), rest=None in matches)


def check(folder: Path) -> None:
    """Pass if the base in `folder` has numbered layers. Raises BadInputError, before anything is trained."""
    modules = sorted(base.read_linear_shapes(folder))
    if not any(_LAYER_NAME.match(f"{module}.") for module in modules):
        raise _unnumbered_error(modules)


def _unnumbered_error(names: Iterable[str]) -> BadInputError:
    some = ", ".join(list(names)[:3])
    return BadInputError(f"spec.swarm.groups: PerLayer, but no layer has a number ({some}); set groups to Global")
