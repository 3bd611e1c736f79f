"""The base model of adapters: its weights, its linear layers and the tokens of a prompt.

Training and inference both tokenize prompts with `tokenize_prompts`, so a generator receives exactly the tokens it was
trained on. Only local safetensors files are read, and code that comes with a model is never executed.

Limits: decoder-only language models. Prompt and completion are tokenized separately, as they are during generation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from safetensors import SafetensorError
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from swarm_core.errors import BadInputError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""The element types of base models, adapters and recipes, by name."""

THINKING_SWITCHES = ("enable_thinking", "thinking")
"""The variables with which chat templates turn thinking on and off. A template without one ignores them."""


@dataclass(frozen=True, slots=True)
class BaseModelConfig:
    """A base model in a folder, with the element type and the device to load it to."""

    folder: Path
    dtype: str = "float32"
    device: str = "cpu"
    """A torch device, or `auto`: the accelerator if there is one, else the CPU."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A base model in memory."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    end_tokens: frozenset[int]
    """The IDs of the tokens that end a text."""


def load(base: BaseModelConfig) -> LoadedModel:
    """Load the model, in evaluation mode, and its tokenizer. Raises BadInputError if the folder does not have both."""
    device = resolve_device(base.device)
    with translate_read_errors(base.folder, "base"):
        model = AutoModelForCausalLM.from_pretrained(
            base.folder,
            dtype=parse_dtype(base.dtype),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
        tokenizer = AutoTokenizer.from_pretrained(base.folder, local_files_only=True, trust_remote_code=False)
    return LoadedModel(
        model.to(device).eval(), tokenizer, device, find_end_tokens(tokenizer, model.config, model.generation_config)
    )


def parse_dtype(name: str) -> torch.dtype:
    """Return the torch type of `name`. Raises BadInputError if it is not one of DTYPES."""
    if name not in DTYPES:
        raise BadInputError(f"dtype {name!r} is not supported; choose from {', '.join(DTYPES)}")
    return DTYPES[name]


def resolve_device(name: str) -> torch.device:
    """Return the torch device of `name`. `auto` is the accelerator if there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def read_linear_shapes(folder: Path) -> dict[str, tuple[int, int]]:
    """Return (out, in) of each linear layer by module name, as PEFT names them. Reads the configuration, no weights.

    Raises BadInputError if transformers cannot read the configuration.
    """
    with translate_read_errors(folder, "base"), torch.device("meta"):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    return {
        name: (module.out_features, module.in_features)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
    }


def tokenize_prompts(tokenizer: PreTrainedTokenizerBase, prompts: list[str], chat: bool) -> list[list[int]]:
    """Return the token IDs of each prompt, with at most one beginning-of-sequence token.

    `chat`: each prompt becomes a user turn in the chat template. The template adds special tokens itself, so no others
    are added. Raises BadInputError if `chat` is set and the tokenizer has no chat template.
    """
    if not prompts:
        return []
    if not chat:
        return _token_rows(tokenizer(prompts))
    return tokenize_chats(tokenizer, [[{"role": "user", "content": prompt}] for prompt in prompts])


def tokenize_chats(
    tokenizer: PreTrainedTokenizerBase, chats: list[list[dict[str, str]]], thinks: bool = False
) -> list[list[int]]:
    """Return the token IDs of each conversation, up to where the model's next turn begins.

    A conversation is a list of messages, each with `role` and `content`. `thinks`: whether the model may think first; a
    template that has a switch for it is told. Raises BadInputError if the tokenizer has no
    chat template, or if its template rejects a conversation: many have no system role.
    """
    if not chats:
        return []
    if not tokenizer.chat_template:
        raise BadInputError("the base model has no chat template, which Chat prompts need; use Plain prompts")
    try:
        return [
            list(
                tokenizer.apply_chat_template(
                    chat,
                    add_generation_prompt=True,
                    tokenize=True,
                    return_dict=False,
                    **dict.fromkeys(THINKING_SWITCHES, thinks),
                )
            )
            for chat in chats
        ]
    except TemplateError as error:  # what a template raises by itself, such as for a role that it does not know
        raise BadInputError(
            f"the base model's chat template rejects the messages ({error}); leave out system text, or let user and"
            " assistant turns alternate"
        ) from error


def tokenize_completions(tokenizer: PreTrainedTokenizerBase, completions: list[str]) -> list[list[int]]:
    """Return the token IDs of each completion, with the end token. Raises BadInputError if the tokenizer has none."""
    if tokenizer.eos_token_id is None:
        raise BadInputError(
            "the tokenizer of the base model has no end token, so a generator cannot learn to stop; set its eos_token"
        )
    if not completions:
        return []
    return [[*ids, tokenizer.eos_token_id] for ids in _token_rows(tokenizer(completions, add_special_tokens=False))]


def find_end_tokens(tokenizer: PreTrainedTokenizerBase, *configs: Any) -> frozenset[int]:
    """Return the end tokens of the tokenizer and of all `configs`. Instruction-tuned models often have several."""
    tokens: set[int] = set()
    for configured in (tokenizer.eos_token_id, *(config.eos_token_id for config in configs)):
        tokens.update(configured if isinstance(configured, list) else [] if configured is None else [configured])
    return frozenset(tokens)


@contextmanager
def silence_transformers() -> Iterator[None]:
    """During the `with` block, transformers logs only errors and draws no progress bars."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def translate_read_errors(folder: Path, what: str) -> Iterator[None]:
    """During the `with` block, turn errors of transformers about `folder` into BadInputError, and silence its output.

    `what` names the kind of model in the message. Raises BadInputError also if `folder` does not exist.
    """
    if not folder.is_dir():
        raise BadInputError(f"{what} {folder}: no such folder; give the folder of a Hugging Face model")
    try:
        with silence_transformers():
            yield
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise BadInputError(
            f"{what} {folder}: transformers cannot read it ({reason}); give a model in safetensors"
        ) from error


def _token_rows(encoded: Any) -> list[list[int]]:
    return [list(ids) for ids in encoded["input_ids"]]
