"""The signature of an adapter: the properties that adapters must share to be added, and that must fit a base model.

Tensor names and layout are those of PEFT: `base_model.model.<module>.lora_A.weight` is [rank, in] and
`base_model.model.<module>.lora_B.weight` is [out, rank].

Limits: one rank and one alpha for all layers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from swarm_core.errors import BadInputError
from swarm_trainer.lora import base_layers


@dataclass(frozen=True, slots=True)
class Signature:
    """The properties that adapters must share to be added."""

    rank: int
    alpha: float
    target_modules: tuple[str, ...]
    """The last components of the module names, sorted. Whole names, if the adapter has only some of the modules with
    these last components."""
    shapes: tuple[tuple[str, tuple[int, int]], ...]
    """(out, in) of the base model's layers by module name, sorted by name."""

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
    """Return PEFT's name of a tensor: `side` is "A" or "B"."""
    return f"base_model.model.{module}.lora_{side}.weight"


WAY_OUT = "give one of this base model"


def check_base(folder: Path, signature: Signature, name: str = "adapter") -> None:
    """Check that an adapter fits the base model in `folder`. Raises BadInputError, which names the first misfit."""
    linear = base_layers.read_linear_shapes(folder)
    for module, shape in signature.shapes:
        if module not in linear:
            raise BadInputError(
                f"{name}: adapts {module}, which base model {folder} does not have (it has layers such as"
                f" {next(iter(linear), 'none')}); it is an adapter of another base model, or of another version of"
                f" transformers, so {WAY_OUT}"
            )
        if linear[module] != shape:
            sizes = f"{format_shape(shape)}, but {format_shape(linear[module])} in base model {folder}"
            raise BadInputError(f"{name}: {module} is {sizes}; it is an adapter of another base model, so {WAY_OUT}")
    adapted = {module for module, _ in signature.shapes}
    for module in linear:
        if module.rpartition(".")[2] in signature.target_modules and module not in adapted:
            raise build_missing_error(name, module)


def build_missing_error(name: str, module: str) -> BadInputError:
    """Return the error for an adapter without tensors for a module that its configuration names."""
    return BadInputError(
        f"{name}: no tensors for {module}, but an adapter must cover all layers of its target modules; export it again"
    )


def require_common(signatures: Iterable[tuple[str, Signature]]) -> Signature:
    """Return the signature that all adapters share. Raises BadInputError, which names the first difference."""
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
                    " adapters are added elementwise, so train both with the same settings"
                )
        if found.shapes != expected.shapes:
            module, shape = sorted(set(found.shapes) ^ set(expected.shapes))[0]
            raise BadInputError(
                f"{name}: another base model than {first} (they differ in {module}, {format_shape(shape)});"
                " use adapters of one base model"
            )
    return expected


def format_shape(shape: tuple[int, ...]) -> str:
    """Format a shape for people, such as 64x8."""
    return "x".join(map(str, shape))
