"""Reads an adapter: a folder with a PEFT LoRA, checked strictly.

`read_signature` reads only the configuration and the header of the tensor file. It refuses everything that is not plain
LoRA, so adapters that cannot be added elementwise or served are found before a tensor is loaded. Pickle files are never
opened.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from swarm_core.errors import BadInputError
from swarm_trainer.lora.signature import Signature, format_shape, tensor_name

Float32Array = NDArray[np.float32]
"""Numbers of a tensor in float32, the type in which adapters are read and summed."""

WEIGHTS_FILE = "adapter_model.safetensors"
CONFIG_FILE = "adapter_config.json"
PICKLE_FILES = tuple(f"adapter_model.{suffix}" for suffix in ("bin", "pt", "pth", "pkl", "ckpt"))

_TENSOR_NAME = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
DTYPE_CODES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}
_UNSUPPORTED_SETTINGS = {
    "use_dora": "DoRA rescales columns, so it cannot be summed or served; train with use_dora: false",
    "use_rslora": "rank-stabilized scaling is lost in the export; train with use_rslora: false",
    "modules_to_save": "whole layers cannot be part of a sum of adapters; train with modules_to_save: null",
    "rank_pattern": "all layers must have the same rank to be summed; train with rank_pattern: {}",
    "alpha_pattern": "all layers must have the same alpha to be summed; train with alpha_pattern: {}",
    "lora_bias": "biases are not served; train with lora_bias: false",
    "fan_in_fan_out": "transposed layers are not supported; use a base model with torch.nn.Linear layers",
    "trainable_token_indices": "embeddings cannot be part of a sum of adapters; train without it",
    "target_parameters": "bare parameters are not supported; target linear layers",
    "layer_replication": "it changes the layers of the base model; train without it",
    "alora_invocation_tokens": "an adapter must act on every token; train without it",
    "use_bdlora": "block-diagonal factors are not supported; train without it",
    "kasa_config": "KaSA changes the update; train without it",
    "arrow_config": "routing is not a sum; train without it",
    "use_qalora": "pooled inputs are not supported; train without it",
}
"""Settings of PEFT's LoraConfig that change the meaning of the two factors, each with the reason and the remedy."""


def read_signature(folder: Path) -> Signature:
    """Return the signature of the adapter in `folder`, without reading tensors.

    Raises BadInputError if it is not a plain, complete LoRA in safetensors.
    """
    for name in PICKLE_FILES:
        if (folder / name).exists():
            raise BadInputError(
                f"{folder / name}: pickle can run code, so it is never opened; save the adapter as {WEIGHTS_FILE}"
            )
    rank, alpha, targets = _read_config(folder / CONFIG_FILE)
    layers = _read_layers(folder / WEIGHTS_FILE, rank)
    for module in layers:
        if targets is not None and not any(module == target or module.endswith(f".{target}") for target in targets):
            raise BadInputError(
                f"{folder / WEIGHTS_FILE}: has tensors for {module}, which target_modules does not name;"
                f" export the adapter again"
            )
    names = tuple(sorted({module.rpartition(".")[2] for module in layers}))
    return Signature(rank, alpha, names, tuple(sorted(layers.items())))


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


def _read_config(path: Path) -> tuple[int, float, tuple[str, ...] | None]:
    """Return rank, alpha and target modules (None: a pattern). Raises BadInputError unless it is plain LoRA."""
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise BadInputError(f"{path}: missing; give a PEFT folder with {CONFIG_FILE} and {WEIGHTS_FILE}") from error
    except ValueError as error:
        raise BadInputError(f"{path}: not JSON ({error}); export the adapter again") from error
    if not isinstance(config, Mapping) or config.get("peft_type") != "LORA":
        kind = config.get("peft_type") if isinstance(config, Mapping) else config
        raise BadInputError(f"{path}: peft_type is {kind!r}, but only LORA adapters can be combined; train a LoRA")
    for setting, reason in _UNSUPPORTED_SETTINGS.items():
        if config.get(setting):
            raise BadInputError(f"{path}: {setting} is {config[setting]!r}: {reason}")
    if config.get("bias", "none") != "none":
        raise BadInputError(f"{path}: bias is {config['bias']!r}: biases are not served; train with bias: none")
    rank, alpha, targets = config.get("r"), config.get("lora_alpha"), config.get("target_modules")
    if not isinstance(rank, int) or rank < 1 or not isinstance(alpha, int | float) or not alpha > 0:
        raise BadInputError(
            f"{path}: r is {rank!r} and lora_alpha is {alpha!r}, but both must be positive; export the adapter again"
        )
    return rank, float(alpha), tuple(targets) if isinstance(targets, list) else None


def _read_layers(path: Path, rank: int) -> dict[str, tuple[int, int]]:
    """Return (out, in) of each adapted module, from the header. Raises BadInputError on unpaired or unknown tensors."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, (shape, code) in _read_header(path).items():
        match = _TENSOR_NAME.fullmatch(name)
        if match is None:
            raise BadInputError(
                f"{path}: unknown tensor {name}; a plain LoRA has only lora_A and lora_B of linear layers,"
                " so export the adapter again"
            )
        if code not in DTYPE_CODES.values():
            raise BadInputError(f"{path}: {name} is {code}; save the adapter in one of {', '.join(DTYPE_CODES)}")
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
        raise BadInputError(f"{path}: not a safetensors file ({error}); fetch or export it again") from error
