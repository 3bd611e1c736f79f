"""Reads the sizes of a model from its configuration and the headers of its weights. Nothing heavy is imported.

The header of a safetensors file is JSON after its length in 8 bytes (https://github.com/huggingface/safetensors#format).

Limits: a model in a folder. Weights that are stored once and used twice, such as tied embeddings, count once.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from swarm_core.costs import ModelSize

MAX_HEADER_BYTES = 100 * 2**20
"""The maximum length of a header that the safetensors library itself accepts."""
SUFFIX = ".weight"


def read(folder: Path) -> ModelSize | None:
    """Return the sizes of the model in `folder`; None if its files do not state them."""
    try:
        shapes = [shape for file in sorted(folder.glob("*.safetensors")) for shape in iterate_shapes(file)]
        config = json.loads((folder / "config.json").read_bytes())
        stored = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if not shapes or not isinstance(config, dict):
        return None
    widths: Counter[str] = Counter()
    for name, shape in shapes:
        if len(shape) == 2 and name.endswith(SUFFIX):
            widths[name.removesuffix(SUFFIX).rpartition(".")[2]] += sum(shape)
    parameters = sum(math.prod(shape) for _, shape in shapes)
    return ModelSize(parameters, stored, count_cached_numbers(config), tuple(sorted(widths.items())))


def iterate_shapes(file: Path) -> Iterator[tuple[str, list[int]]]:
    """Yield the name and the shape of each tensor in a safetensors file. Raises OSError, ValueError, KeyError."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > MAX_HEADER_BYTES:
            raise ValueError(f"{file}: a header of {length} bytes")
        header = json.loads(stream.read(length))
    for name, tensor in header.items():
        if name != "__metadata__":
            yield name, [int(size) for size in tensor["shape"]]


def count_cached_numbers(config: Mapping[str, Any]) -> int | None:
    """Return the numbers that a model of this configuration keeps for each token; None if it does not say.

    They are a key and a value for each layer and each head of keys. Layers with a window keep fewer for long texts.
    """
    text = config.get("text_config", config)
    layers, heads = text.get("num_hidden_layers"), text.get("num_attention_heads")
    if not all(isinstance(one, int) and one > 0 for one in (layers, heads)):
        return None
    key_heads, size = text.get("num_key_value_heads") or heads, text.get("head_dim")
    if size is None and isinstance(text.get("hidden_size"), int):
        size = text["hidden_size"] // heads
    return 2 * layers * key_heads * size if isinstance(size, int) and isinstance(key_heads, int) else None
