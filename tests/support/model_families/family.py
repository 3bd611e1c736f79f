"""A family of instruction models, scaled down: its real architecture, its own tokens, a chat template of its habits.

The weights are random. They are larger than usual, so that a model that nobody trained prefers some tokens to others,
and attends to some more than to others.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from model_families import family_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from swarm_trainer.lora import base

SIZES: Mapping[str, Any] = {
    "hidden_size": 128, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2,
}  # fmt: skip
"""Heads of 32, the fewest that vLLM's attention takes on a CPU."""
SPARE_ROWS = 13
"""Rows of the vocabulary that no token has. Published models have them, so that the number of rows is a round one."""
SPREAD = 4.0
"""The factor of the weights of matrices over transformers' own."""


@dataclass(frozen=True, slots=True)
class Family:
    """One family."""

    name: str
    kind: str
    """The `model_type`."""
    fields: Mapping[str, Any]
    """The fields of the configuration, other than SIZES and the tokens."""
    special: Sequence[str]
    """The control tokens, in the order of their IDs."""
    tokens: Mapping[str, str]
    """The tokenizer's roles: `bos_token`, `eos_token`, `pad_token`, `unk_token`, as far as the family has them."""
    template: str
    """The chat template."""
    ends: Sequence[str]
    """The end tokens of the generation settings."""
    turn_end: str
    """The token with which the template ends a model's turn."""
    targets: Sequence[str] = ("q_proj", "k_proj", "v_proj", "o_proj")
    system: bool = True
    """Whether the template takes a system text."""
    tokenizer: family_tokenizers.Build = family_tokenizers.build_byte_level
    tokenizer_class: str = "PreTrainedTokenizerFast"
    begins: bool = False
    """Whether the tokenizer puts the `bos_token` before a text."""
    added: Sequence[str] = ()
    """Added tokens that are not special, such as `<think>`."""
    strips: bool = False
    """Whether control tokens take the space after them."""
    shard: str = "5GB"
    """The maximum size of a file of weights."""
    generation: Mapping[str, Any] = field(default_factory=dict)
    """The generation settings that the family publishes, other than its end tokens."""
    config_extras: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the stored configuration that transformers does not write."""

    def __str__(self) -> str:
        return self.name


def write(family: Family, folder: Path, **changes: Any) -> Path:
    """Write the model into `folder` and return it. `changes`: fields of the configuration."""
    ids = family_tokenizers.write(family, folder)
    roles = {f"{name}_id": ids[token] for name, token in family.tokens.items() if name != "unk_token"}
    roles = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None, **roles}
    fields = {**SIZES, "vocab_size": len(ids) + SPARE_ROWS, **roles, **family.fields, **changes}
    with base.silence_transformers(), torch.random.fork_rng():
        torch.manual_seed(0)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(AutoConfig.for_model(family.kind, **fields))
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.data.mul_(SPREAD)
        model.save_pretrained(folder, max_shard_size=family.shard)
    settings = {**family.generation, "eos_token_id": [ids[token] for token in family.ends]}
    (folder / "generation_config.json").write_text(json.dumps(settings))
    change_config(folder, **family.config_extras)
    return folder


def change_config(folder: Path, **fields: Any) -> None:
    """Set fields of the stored configuration."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}, indent=2))
