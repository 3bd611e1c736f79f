"""Reading an adapter: a PEFT LoRA folder, taken strictly.

`read_signature` looks at the configuration and the file's header only, and refuses everything that is not plain LoRA:
what cannot be added elementwise, or what a server cannot apply, is found out before a tensor is loaded. Pickle is never
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

WEIGHTS_FILE = "adapter_model.safetensors"
CONFIG_FILE = "adapter_config.json"
PICKLE_FILES = tuple(f"adapter_model.{suffix}" for suffix in ("bin", "pt", "pth", "pkl", "ckpt"))

_TENSOR_NAME = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
DTYPE_CODES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}
_UNSUPPORTED_SETTINGS = {
    "use_dora": "DoRA rescales columns, which neither adds up nor is served; train with use_dora: false",
    "use_rslora": "rank-stabilised scaling would not survive the export; train with use_rslora: false",
    "modules_to_save": "whole layers do not belong to a sum of adapters; train with modules_to_save: null",
    "rank_pattern": "every layer must have one rank to be summed; train with rank_pattern: {}",
    "alpha_pattern": "every layer must have one alpha to be summed; train with alpha_pattern: {}",
    "lora_bias": "biases are not served; train with lora_bias: false",
    "fan_in_fan_out": "transposed layers are not supported; use a base whose layers are linear",
    "trainable_token_indices": "embeddings do not belong to a sum of adapters; train without",
    "target_parameters": "bare parameters are not supported; target linear layers",
    "layer_replication": "the base would have other layers; train without",
    "alora_invocation_tokens": "an adapter must act on every token; train without",
    "use_bdlora": "block-diagonal factors are not supported; train without",
    "kasa_config": "KaSA changes the update; train without",
    "arrow_config": "routing is not a sum; train without",
    "use_qalora": "pooled inputs are not supported; train without",
}
"""Settings of PEFT's LoraConfig that change what the two factors mean, and what to do about each."""


def read_signature(folder: Path) -> Signature:
    """What the adapter in `folder` is. Raises BadInputError for all that is not plain, complete LoRA in safetensors."""
    for name in PICKLE_FILES:
        if (folder / name).exists():
            raise BadInputError(
                f"{folder / name}: pickle can run code, so it is never opened; save it as {WEIGHTS_FILE}"
            )
    rank, alpha, targets = _read_config(folder / CONFIG_FILE)
    layers = _read_layers(folder / WEIGHTS_FILE, rank)
    for module in layers:
        if targets is not None and not any(module == target or module.endswith(f".{target}") for target in targets):
            raise BadInputError(
                f"{folder / WEIGHTS_FILE}: foreign tensors for {module}, which target_modules does not name;"
                f" export it again"
            )
    names = tuple(sorted({module.rpartition(".")[2] for module in layers}))
    return Signature(rank, alpha, names, tuple(sorted(layers.items())))


def load(folder: Path) -> dict[str, Tensor]:
    """Every tensor by name, float32 on the CPU. Raises BadInputError as `read_signature`, and on non-finite numbers."""
    read_signature(folder)
    with safe_open(folder / WEIGHTS_FILE, framework="pt") as file:
        return {
            name: require_finite(f"{folder / WEIGHTS_FILE}: {name}", file.get_tensor(name).float())
            for name in sorted(file.keys())
        }


def require_finite(name: str, tensor: Tensor) -> Tensor:
    """`tensor`, on the CPU, if all its numbers are finite. Raises BadInputError."""
    check_finite(name, tensor.float().numpy())  # torch's own check takes 20 times as long: as much as ten more terms
    return tensor


def check_finite(name: str, numbers: NDArray[np.floating]) -> None:
    """Pass if all numbers are finite. Raises BadInputError."""
    if not np.isfinite(numbers).all():
        raise BadInputError(f"{name}: holds NaN or infinity; train again with a lower learning rate, or leave it out")


def _read_config(path: Path) -> tuple[int, float, tuple[str, ...] | None]:
    """Rank, alpha and target modules (None: a pattern). Raises BadInputError unless it is plain LoRA."""
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise BadInputError(
            f"{path}: missing; an adapter is a PEFT folder with {CONFIG_FILE} and {WEIGHTS_FILE}"
        ) from error
    except ValueError as error:
        raise BadInputError(f"{path}: not JSON ({error}); export the adapter again") from error
    if not isinstance(config, Mapping) or config.get("peft_type") != "LORA":
        kind = config.get("peft_type") if isinstance(config, Mapping) else config
        raise BadInputError(f"{path}: peft_type {kind!r}; only LORA adapters can be combined")
    for setting, reason in _UNSUPPORTED_SETTINGS.items():
        if config.get(setting):
            raise BadInputError(f"{path}: {setting} is {config[setting]!r}: {reason}")
    if config.get("bias", "none") != "none":
        raise BadInputError(f"{path}: bias is {config['bias']!r}: biases are not served; train with bias: none")
    rank, alpha, targets = config.get("r"), config.get("lora_alpha"), config.get("target_modules")
    if not isinstance(rank, int) or rank < 1 or not isinstance(alpha, int | float) or not alpha > 0:
        raise BadInputError(f"{path}: r {rank!r} and lora_alpha {alpha!r} must be positive numbers; export it again")
    return rank, float(alpha), tuple(targets) if isinstance(targets, list) else None


def _read_layers(path: Path, rank: int) -> dict[str, tuple[int, int]]:
    """(out, in) of every adapted module, from the header alone. Raises BadInputError on unpaired or foreign tensors."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, (shape, code) in _read_header(path).items():
        match = _TENSOR_NAME.fullmatch(name)
        if match is None:
            raise BadInputError(
                f"{path}: foreign tensor {name}; a plain LoRA holds lora_A and lora_B of linear layers only"
            )
        if code not in DTYPE_CODES.values():
            raise BadInputError(f"{path}: {name} is {code}; adapters are {', '.join(DTYPE_CODES)}")
        found.setdefault(match["module"], {})[match["side"]] = shape
    if not found:
        raise BadInputError(f"{path}: holds no tensors; export the adapter again")
    layers = {}
    for module, sides in sorted(found.items()):
        if set(sides) != {"A", "B"}:
            missing = ({"A", "B"} - set(sides)).pop()
            raise BadInputError(f"{path}: {tensor_name(module, missing)} is missing; export the adapter again")
        a, b = sides["A"], sides["B"]
        if len(a) != 2 or len(b) != 2 or a[0] != rank or b[1] != rank:
            raise BadInputError(
                f"{path}: {module} has A {format_shape(a)} and B {format_shape(b)}, not of rank {rank} as"
                f" {CONFIG_FILE} says"
            )
        layers[module] = (b[0], a[1])
    return layers


def _read_header(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type code of every tensor."""
    if not path.is_file():
        raise BadInputError(f"{path}: missing; an adapter is a PEFT folder with {CONFIG_FILE} and {WEIGHTS_FILE}")
    try:
        with safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            return {name: (tuple(piece.get_shape()), piece.get_dtype()) for name, piece in slices.items()}
    except SafetensorError as error:
        raise BadInputError(f"{path}: not a safetensors file ({error}); fetch or export it again") from error
