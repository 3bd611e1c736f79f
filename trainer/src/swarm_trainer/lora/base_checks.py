"""Checks of a base model, from its files and before its weights are loaded: what it cannot do is refused by its name.

The checks read the configuration, the modules that transformers builds from it, the names of the stored weights, and
the tokenizer. `tests/unit/trainer/test_base_architectures.py` lists which kinds of models pass, and shows that those
which pass are trained, summed and asked right.

Limits: a base is a language model that reads from left to right and keeps keys and values. Other senses of a model,
such as images, are not used.
"""

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig, PreTrainedTokenizerBase
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from swarm_core.errors import BadInputError
from swarm_trainer.lora import base, base_layers, chat_template, lora_layers
from swarm_trainer.lora.lora_layers import LoraSize

FULL_MODEL = "give a decoder-only language model"
OTHER_TASKS = ("Classification", "QuestionAnswering", "MaskedLM", "RewardModel", "Embedding")
"""The ends of the names of architectures that share their configuration with a language model."""
MAX_LAYERS = 10_000
"""Far above every model's. The modules of more would fill the memory before anything is checked."""
ATTENTION = frozenset({"full_attention", "sliding_attention", "chunked_attention", "conv"})
"""The types of layers whose state a batch can pad and cut."""


def check_model(folder: Path) -> None:
    """Check that the model in `folder` can be a base. Raises BadInputError with what it is.

    Its weights are found by their names, and not read.
    """
    with base.translate_read_errors(folder, "base"):
        reason = find_raw_fault(_read_raw_config(folder)) or find_config_fault(base.read_config(folder))
        if reason is None:
            reason = find_module_fault(base_layers.build_empty_model(folder))
    if reason is not None:
        raise BadInputError(f"base {folder}: {reason}")
    with base.translate_read_errors(folder, "base"):
        base.read_model(folder, device_map="meta")


def check_targets(folder: Path, size: LoraSize) -> None:
    """Check that an adapter of this size can be trained on the base. Raises BadInputError."""
    with base.translate_read_errors(folder, "base"):
        model = base_layers.build_empty_model(folder)
    lora_layers.add(model, size)


def check_tokenizer(folder: Path, *, chat: bool, trained: bool) -> None:
    """Check that the base's tokenizer and chat template do what prompts and training need. Raises BadInputError."""
    with base.translate_read_errors(folder, "base"):
        tokenizer, config = base.read_tokenizer(folder), base.read_config(folder)
    if trained:
        base.tokenize_completions(tokenizer, [])
    if chat:
        chat_template.check(tokenizer)
    samples = base.tokenize_prompts(tokenizer, list(chat_template.SAMPLES), chat)
    check_vocabulary(folder, tokenizer, config, samples)


def check_vocabulary(
    folder: Path, tokenizer: PreTrainedTokenizerBase, config: PreTrainedConfig, samples: Sequence[Sequence[int]]
) -> None:
    """Check that the model has a row for every token that prompts and texts are made of. Raises BadInputError."""
    rows = getattr(config.get_text_config(), "vocab_size", None)
    used = [token for ids in samples for token in ids] + [tokenizer.vocab_size - 1, tokenizer.eos_token_id or 0]
    if not all(samples) or (isinstance(rows, int) and max(used) >= rows):
        raise BadInputError(
            f"base {folder}: its tokenizer has tokens up to {max(used)}, but the model has {rows} rows, or a text has"
            " no tokens; give the tokenizer that belongs to the model"
        )


def find_raw_fault(config: dict[str, Any]) -> str | None:
    """Return why a stored configuration is no base's; None if it may be one."""
    kind = config.get("model_type")
    if kind not in CONFIG_MAPPING_NAMES and config.get("auto_map"):
        return (
            f"its kind {kind!r} needs code of its own (auto_map), which is never executed; give a model that"
            " transformers knows"
        )
    if config.get("quantization_config"):
        settings = config["quantization_config"]
        method = settings.get("quant_method", "quantized") if isinstance(settings, dict) else settings
        return f"its weights are quantized ({method}), so adapters cannot be trained on them; give the full weights"
    architectures = config.get("architectures") or []
    if architectures and all(str(name).endswith(OTHER_TASKS) for name in architectures):
        return f"it is a {architectures[0]}, which writes no text; {FULL_MODEL}"
    return None


def find_config_fault(config: PreTrainedConfig) -> str | None:
    """Return why a model of this configuration is no base; None if it may be one."""
    kind, layers = config.model_type, getattr(config.get_text_config(), "num_hidden_layers", 1)
    if not isinstance(layers, int) or not 1 <= layers <= MAX_LAYERS:
        return f"its configuration has {layers!r} layers (num_hidden_layers); give a model with 1 to {MAX_LAYERS:,}"
    if config.is_encoder_decoder:
        return f"it is an encoder-decoder ({kind}); {FULL_MODEL}"
    if kind not in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return f"its kind {kind!r} is not a causal language model; {FULL_MODEL}"
    if kind in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        return f"it is a masked language model ({kind}), which is not made to read from left to right; {FULL_MODEL}"
    return None


def find_module_fault(model: Any) -> str | None:
    """Return why a model with these modules is no base; None if it is one."""
    kind, text = model.config.model_type, model.config.get_text_config()
    parameters = inspect.signature(model.forward).parameters
    other = sorted(set(getattr(text, "layer_types", None) or ()) - ATTENTION)
    if getattr(model, "_is_stateful", False) or other or "past_key_values" not in parameters:
        return (
            f"its kind {kind!r} does not keep keys and values for each token ({', '.join(other) or 'recurrent'}"
            " layers), so requests cannot share a batch; give a model with attention"
        )
    if not base_layers.list_linear_layers(model):
        return f"its kind {kind!r} has no linear layers, so adapters cannot be added; {FULL_MODEL}"
    return None


def _read_raw_config(folder: Path) -> dict[str, Any]:
    """Return the stored configuration. Raises OSError, ValueError."""
    config = json.loads((folder / "config.json").read_bytes())
    if not isinstance(config, dict):
        raise ValueError("config.json is not an object")
    return config
