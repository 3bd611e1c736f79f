"""Reads an adapter: a folder with a PEFT LoRA, checked strictly.

`read_signature` reads only the configuration (`adapter_config`) and the header of the tensor file. It refuses what is
not plain LoRA, so adapters that cannot be added elementwise or served are found before a tensor is loaded. Pickle files
are never opened.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from swarm_core.errors import BadInputError
from swarm_trainer.lora import adapter_config, base_layers, lfs_pointer, signature
from swarm_trainer.lora.signature import Signature, format_shape, tensor_name

Float32Array = NDArray[np.float32]
"""Numbers of a tensor in float32, the type in which adapters are read and summed."""

WEIGHTS_FILE = "adapter_model.safetensors"
CONFIG_FILE = adapter_config.CONFIG_FILE
PICKLE_FILES = tuple(f"adapter_model.{suffix}" for suffix in ("bin", "pt", "pth", "pkl", "ckpt"))

_TENSOR_NAME = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
DTYPE_CODES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}


def read_signature(folder: Path) -> Signature:
    """Return the signature of the adapter in `folder`, without reading tensors.

    Raises BadInputError if it is not a plain, complete LoRA in safetensors.
    """
    for name in PICKLE_FILES:
        if (folder / name).exists() and not (folder / WEIGHTS_FILE).exists():
            raise BadInputError(
                f"{folder / name}: pickle can run code, so it is never opened; save the adapter as {WEIGHTS_FILE}"
            )
    config = adapter_config.read(folder / CONFIG_FILE)
    layers = _read_layers(folder / WEIGHTS_FILE, config.rank)
    for module in layers:
        if not config.selects(module):
            raise BadInputError(
                f"{folder / WEIGHTS_FILE}: has tensors for {module}, which target_modules does not name;"
                f" export the adapter again"
            )
    names = {module.rpartition(".")[2] for module in layers} if config.selects_by_name else layers
    return Signature(config.rank, config.alpha, tuple(sorted(names)), tuple(sorted(layers.items())))


def check_base(folder: Path, base_folder: Path, name: str = "adapter") -> Signature:
    """Check that the adapter in `folder` fits the base model in `base_folder`, and return its signature.

    Raises BadInputError as `read_signature` does, and for the first misfit.
    """
    found = read_signature(folder)
    signature.check_base(base_folder, found, name)
    config, adapted = adapter_config.read(folder / CONFIG_FILE), {module for module, _ in found.shapes}
    for module in base_layers.read_linear_shapes(base_folder):
        if module not in adapted and config.selects(module):
            raise signature.build_missing_error(name, module)
    return found


def load(folder: Path) -> dict[str, Tensor]:
    """Return the tensors by name, in float32 on the CPU: A is [rank, in], B is [out, rank].

    Raises BadInputError as `read_signature` does, and if a number is not finite.
    """
    read_signature(folder)
    with safe_open(folder / WEIGHTS_FILE, framework="pt") as file:
        return {
            name: require_finite(f"{folder / WEIGHTS_FILE}: {name}", file.get_tensor(name).float())
            for name in sorted(file.keys())
        }


def require_finite(name: str, tensor: Tensor) -> Tensor:
    """Return `tensor`, which must be on the CPU, if all its numbers are finite. Raises BadInputError if not."""
    # numpy, because torch's own check takes 20 times as long: as long as adding ten more adapters to the sum.
    check_finite(name, tensor.float().numpy())
    return tensor


def check_finite(name: str, numbers: NDArray[np.floating]) -> None:
    """Check that all numbers are finite. Raises BadInputError, which starts with `name`."""
    if not np.isfinite(numbers).all():
        raise BadInputError(
            f"{name}: contains NaN or infinity; train the adapter again with a lower learning rate, or leave it out"
        )


def _read_layers(path: Path, rank: int) -> dict[str, tuple[int, int]]:
    """Return (out, in) of each adapted module, from the header. Raises BadInputError on unpaired or unknown tensors."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, (shape, code) in _read_header(path).items():
        match = _TENSOR_NAME.fullmatch(name)
        if match is None:
            raise BadInputError(
                f"{path}: unknown tensor {name!r}; a plain LoRA has only lora_A and lora_B of linear layers,"
                " so export the adapter again"
            )
        if code not in DTYPE_CODES.values():
            raise BadInputError(f"{path}: {name!r} is {code}; save the adapter in one of {', '.join(DTYPE_CODES)}")
        found.setdefault(match["module"], {})[match["side"]] = shape
    if not found:
        raise BadInputError(f"{path}: contains no tensors; export the adapter again")
    layers = {}
    for module, sides in sorted(found.items()):
        if set(sides) != {"A", "B"}:
            missing = ({"A", "B"} - set(sides)).pop()
            raise BadInputError(f"{path}: {tensor_name(module, missing)} is missing; export the adapter again")
        a, b = sides["A"], sides["B"]
        if len(a) != 2 or len(b) != 2 or a[0] != rank or b[1] != rank:
            raise BadInputError(
                f"{path}: {module} has A {format_shape(a)} and B {format_shape(b)}, but {CONFIG_FILE} has rank {rank};"
                " export the adapter again"
            )
        layers[module] = (b[0], a[1])
    return layers


def _read_header(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return the shape and the type code of each tensor. Raises BadInputError if the file is not safetensors."""
    if not path.is_file():
        raise BadInputError(f"{path}: missing; give a PEFT folder with {CONFIG_FILE} and {WEIGHTS_FILE}")
    try:
        with safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (safe_open is not a mapping)
            return {name: (tuple(piece.get_shape()), piece.get_dtype()) for name, piece in slices.items()}
    except SafetensorError as error:
        if pointer := lfs_pointer.find_pointer(path.parent):
            raise BadInputError(f"{path.parent}: {pointer}") from error
        raise BadInputError(f"{path}: not a safetensors file ({error}); fetch or export it again") from error
