"""The base model that adapters stand on: its weights, its linear layers, and the tokens of a prompt.

Training and inference both take prompts through `tokenize_prompts`, so a generator is asked in exactly the tokens it
was trained on. Only local files are read, only safetensors, and never code that comes with a model.

Limits: decoder-only language models; prompt and completion are turned into tokens apart, as they are when generating.
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
"""The element types that bases, adapters and recipes may name."""


@dataclass(frozen=True, slots=True)
class BaseModelConfig:
    """A base model in a folder, and how it is to be held."""

    folder: Path
    dtype: str = "float32"
    device: str = "cpu"
    """A torch device, or `auto`: the accelerator if there is one."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A base model in memory."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    ends: frozenset[int]
    """The tokens that end a text."""


def load(base: BaseModelConfig) -> LoadedModel:
    """Read the model, in evaluation mode, and its tokenizer. Raises BadInputError if the folder does not hold them."""
    where = resolve_device(base.device)
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
        model.to(where).eval(), tokenizer, where, find_end_tokens(tokenizer, model.config, model.generation_config)
    )


def parse_dtype(name: str) -> torch.dtype:
    """The torch type of `name`. Raises BadInputError for one that adapters do not come in."""
    if name not in DTYPES:
        raise BadInputError(f"dtype {name!r}: not one that models are held in; choose from {', '.join(DTYPES)}")
    return DTYPES[name]


def resolve_device(name: str) -> torch.device:
    """The torch device of `name`; `auto` is the accelerator if there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def read_linear_shapes(folder: Path) -> dict[str, tuple[int, int]]:
    """(out, in) of every linear layer by module name, as PEFT counts them. Reads the configuration, no weights."""
    with translate_read_errors(folder, "base"), torch.device("meta"):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    return {
        name: (module.out_features, module.in_features)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
    }


def tokenize_prompts(tokenizer: PreTrainedTokenizerBase, prompts: list[str], chat: bool) -> list[list[int]]:
    """The tokens of each prompt, its beginning token at most once.

    The chat template writes special tokens itself, so none is added to what it wrote. Raises BadInputError if `chat` is
    asked of a tokenizer that has no template.
    """
    if not prompts:
        return []
    if not chat:
        return _token_rows(tokenizer(prompts))
    return tokenize_chats(tokenizer, [[{"role": "user", "content": prompt}] for prompt in prompts])


def tokenize_chats(tokenizer: PreTrainedTokenizerBase, chats: list[list[dict[str, str]]]) -> list[list[int]]:
    """The tokens of each conversation, up to where the model's next turn begins.

    A conversation is a list of messages, each with `role` and `content`. Raises BadInputError if the tokenizer has no
    chat template, or if its template rejects a conversation: many have no system role.
    """
    if not chats:
        return []
    if not tokenizer.chat_template:
        raise BadInputError("this base has no chat template, which Chat prompts need; use Plain prompts with it")
    try:
        return [
            list(tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=True, return_dict=False))
            for chat in chats
        ]
    except TemplateError as error:  # what a template raises by itself, such as for a role that it does not know
        raise BadInputError(
            f"this base's chat template rejects the messages ({error}); leave out system text, or let user and"
            " assistant turns alternate"
        ) from error


def tokenize_completions(tokenizer: PreTrainedTokenizerBase, completions: list[str]) -> list[list[int]]:
    """The tokens of each completion and the end token. Raises BadInputError if the tokenizer has none."""
    if tokenizer.eos_token_id is None:
        raise BadInputError(
            "this base's tokenizer has no end token, so training cannot show where to stop; set eos_token"
        )
    if not completions:
        return []
    return [[*ids, tokenizer.eos_token_id] for ids in _token_rows(tokenizer(completions, add_special_tokens=False))]


def find_end_tokens(tokenizer: PreTrainedTokenizerBase, *configs: Any) -> frozenset[int]:
    """Whatever model, generation settings or tokenizer call an end: instruction models have several."""
    found: set[int] = set()
    for named in (tokenizer.eos_token_id, *(config.eos_token_id for config in configs)):
        found.update(named if isinstance(named, list) else [] if named is None else [named])
    return frozenset(found)


@contextmanager
def silence_transformers() -> Iterator[None]:
    """Within, transformers neither logs below errors nor draws progress bars; afterwards all is as it was."""
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
    """Within, transformers reads `folder` quietly, and what it raises comes out in our words as BadInputError."""
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
