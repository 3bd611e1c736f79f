"""Selects the files of a model or an adapter that loading reads. All else in its folder is neither fetched nor pinned.

A model is its configuration, its tokenizer and one set of weights in safetensors: the one that transformers loads from
the folder. Weights in other formats, precisions and variants, checkpoints of a training, documentation and code are
left out. So are folders, except `additional_chat_templates`.

Invariant: what is selected depends on the names, and on two small files: `config.json` and the index of the weights.

Limits: names are those that transformers 5 reads. `tests/unit/trainer/test_model_selection.py` compares them with the
tokenizers of the installed version.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from swarm_core.errors import BadInputError
from swarm_trainer.stores import tree

ReadFile = Callable[[str], bytes]
"""Reads a file of the folder by its name."""

CONFIG = "config.json"
ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
WEIGHTS, WEIGHTS_INDEX = "model.safetensors", "model.safetensors.index.json"
WEIGHTS_FIELD = "transformers_weights"
"""The field of a configuration that names the file with the weights, or their index."""
SETTINGS = frozenset({
    CONFIG, "generation_config.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "chat_template.jinja", "chat_template.json",
    "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json",
})  # fmt: skip
"""Files with settings of a model, its tokenizer and its processor, which inference servers read."""
VOCABULARIES = frozenset({
    "vocab.json", "vocab.txt", "vocab.bpe", "merges.txt", "bpe.codes", "dict.txt", "emoji.json", "byte_maps.json",
    "entity_vocab.json", "normalizer.json", "prophetnet.tokenizer", "tekken.json", "target_vocab.json",
    "vocab-src.json", "vocab-tgt.json", "word_shape.json", "word_pronunciation.json",
})  # fmt: skip
"""Files with the vocabulary of a tokenizer whose names have nothing in common."""
VOCABULARY_NAME = re.compile(r"tokenizer\.([0-9.]+\.)?json|[^/]+\.(model|spm|tiktoken)|tokenizer\.model\.v[0-9]+")
"""Files with the vocabulary of a tokenizer whose names have a form in common."""
TEMPLATE_NAME = re.compile(r"additional_chat_templates/[^/]+\.jinja")
PICKLES = tuple(sorted(tree.PICKLE_SUFFIXES))
OTHER_WEIGHTS = (*PICKLES, ".gguf", ".h5", ".msgpack", ".onnx", ".safetensors")


def select_model(names: Collection[str], read: ReadFile) -> tuple[str, ...]:
    """The files of a model to read, sorted. Raises BadInputError if it has no configuration or no usable weights."""
    if ADAPTER_CONFIG in names:
        raise BadInputError(
            f"has {ADAPTER_CONFIG}, so it is an adapter or a model with one; give the folder of the model alone, and"
            " the adapter by itself"
        )
    if CONFIG not in names:
        raise BadInputError(f"has no {CONFIG}, which every model needs; give the address of the folder that holds it")
    return tuple(sorted({*filter(is_read, names), *select_weights(names, read)}))


def select_adapter(names: Collection[str]) -> tuple[str, ...]:
    """The files of an adapter to read, sorted. Raises BadInputError if one is missing."""
    if ADAPTER_CONFIG not in names:
        raise BadInputError(
            f"has no {ADAPTER_CONFIG}, which every adapter needs; give the address of the folder that holds it"
        )
    if ADAPTER_WEIGHTS not in names:
        raise build_weights_error(names, ADAPTER_WEIGHTS)
    return ADAPTER_CONFIG, ADAPTER_WEIGHTS


def is_read(name: str) -> bool:
    """Whether a file of a model's folder is read, weights aside."""
    return (
        name in SETTINGS
        or name in VOCABULARIES
        or any(pattern.fullmatch(name) for pattern in (VOCABULARY_NAME, TEMPLATE_NAME))
    )


def select_weights(names: Collection[str], read: ReadFile) -> Iterable[str]:
    """The files that hold the weights of a model. Raises BadInputError if there are none in safetensors."""
    named = parse_object(CONFIG, read(CONFIG)).get(WEIGHTS_FIELD)
    choices = (WEIGHTS, WEIGHTS_INDEX) if named is None else (str(named),)
    chosen = next((name for name in choices if name in names), None)
    if chosen is None or not chosen.endswith((".safetensors", ".safetensors.index.json")):
        raise build_weights_error(names, " or ".join(choices))
    return [chosen] if chosen.endswith(".safetensors") else [chosen, *list_shards(chosen, names, read)]


def list_shards(index: str, names: Collection[str], read: ReadFile) -> list[str]:
    """The files that an index of weights names. Raises BadInputError if it is not an index, or if one is missing."""
    shards = parse_object(index, read(index)).get("weight_map")
    if not isinstance(shards, Mapping) or not shards:
        raise BadInputError(f"{index}: has no weight_map, which names the files of the weights; save the model again")
    found = sorted({str(shard) for shard in shards.values()})
    for shard in found:
        if shard not in names or not shard.endswith(".safetensors"):
            raise BadInputError(
                f"{index}: names the file {shard!r} of weights in safetensors, which is not there; complete the folder"
            )
    return found


def parse_object(name: str, data: bytes) -> Mapping[str, Any]:
    """The JSON object in a file. Raises BadInputError if it holds none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{name}: is not JSON ({error}); give the whole folder of a model") from error
    if not isinstance(found, Mapping):
        raise BadInputError(f"{name}: is not a JSON object; give the whole folder of a model")
    return found


def build_weights_error(names: Iterable[str], needed: str) -> BadInputError:
    """The error for a folder without the weights that are read: it names those that the folder has instead."""
    others = sorted(name for name in names if name.lower().endswith(OTHER_WEIGHTS))
    if not others:
        return BadInputError(f"has no weights ({needed}); give the address of the folder that holds them")
    shown = next((name for name in others if name.lower().endswith(PICKLES)), others[0])
    pickled = ", a pickle, which is refused because reading it executes code" if shown.lower().endswith(PICKLES) else ""
    return BadInputError(
        f"has no weights in safetensors ({needed}), but {shown}{pickled}; save it as safetensors, as save_pretrained"
        " does, or choose a revision that has them"
    )
