"""What two adapters must share to be added up, and what a base must have for one to fit it.

Tensor names and layout are PEFT's: `base_model.model.<module>.lora_A.weight` is [rank, in], `...lora_B.weight` is
[out, rank]. One rank and one alpha for all layers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from swarm_core.errors import BadInputError
from swarm_trainer.lora import base


@dataclass(frozen=True, slots=True)
class Signature:
    """What two adapters must share to be added up."""

    rank: int
    alpha: float
    target_modules: tuple[str, ...]
    """Last components of the module names, sorted."""
    shapes: tuple[tuple[str, tuple[int, int]], ...]
    """(out, in) of the base's layer by module name, sorted by name."""

    @property
    def scale(self) -> float:
        """The factor of B A: alpha / rank (LoRA, arXiv 2106.09685, section 4.1)."""
        return self.alpha / self.rank

    @property
    def tensors(self) -> dict[str, tuple[int, int]]:
        """The shape of every tensor by its name, in name order."""
        shapes = {}
        for module, (outputs, inputs) in self.shapes:
            shapes[tensor_name(module, "A")] = (self.rank, inputs)
            shapes[tensor_name(module, "B")] = (outputs, self.rank)
        return dict(sorted(shapes.items()))


def tensor_name(module: str, side: str) -> str:
    """PEFT's name of one factor of a module's update."""
    return f"base_model.model.{module}.lora_{side}.weight"


def check_base(folder: Path, signature: Signature, name: str = "adapter") -> None:
    """Pass if `signature` is one of the base in `folder`. Raises BadInputError naming the first layer that is not."""
    linear = base.read_linear_shapes(folder)
    for module, shape in signature.shapes:
        if module not in linear:
            raise BadInputError(
                f"{name}: adapts {module}, which base {folder} does not have; it is another base's adapter"
            )
        if linear[module] != shape:
            raise BadInputError(
                f"{name}: {module} is {format_shape(shape)}, in base {folder} {format_shape(linear[module])};"
                " it is another base's adapter"
            )
    adapted = {module for module, _ in signature.shapes}
    for module in linear:
        if module.rpartition(".")[2] in signature.target_modules and module not in adapted:
            raise BadInputError(f"{name}: no tensors for {module}; an adapter covers every layer of its target modules")


def require_common(signatures: Iterable[tuple[str, Signature]]) -> Signature:
    """The one signature that all share. Raises BadInputError naming the first adapter that differs, and in what."""
    (first, expected), *others = signatures
    for name, found in others:
        for setting, one, two in (
            ("target modules", " ".join(expected.target_modules), " ".join(found.target_modules)),
            ("rank", expected.rank, found.rank),
            ("alpha", expected.alpha, found.alpha),
        ):
            if one != two:
                raise BadInputError(
                    f"{name}: {setting} {two}, but {first} has {one};"
                    " adapters are added elementwise, so train both alike"
                )
        if found.shapes != expected.shapes:
            module, shape = sorted(set(found.shapes) ^ set(expected.shapes))[0]
            raise BadInputError(
                f"{name}: another base than {first} (they differ in {module}, {format_shape(shape)}); use adapters"
                f" of one base"
            )
    return expected


def format_shape(shape: tuple[int, ...]) -> str:
    """A shape for people: 64x8."""
    return "x".join(map(str, shape))
