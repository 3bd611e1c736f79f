"""The base model of adapters: its weights, its linear layers and the tokens of a prompt.

Training and inference both tokenize prompts with `tokenize_prompts`, so a generator receives exactly the tokens it was
trained on. Only local safetensors files are read, and code that comes with a model is never executed.

Limits: decoder-only language models. Prompt and completion are tokenized separately, as they are during generation.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from swarm_core.errors import BadInputError
from swarm_trainer.lora import chat_template, control_tokens, lfs_pointer, rotary_positions

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""The element types of base models, adapters and recipes, by name."""
LENGTH_FIELDS = ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length", "seq_length")
"""The names under which configurations have the number of positions."""
TOKENIZER_FILES = frozenset({
    "tokenizer.json", "tokenizer.model", "tekken.json", "vocab.json", "vocab.txt", "spiece.model",
    "sentencepiece.bpe.model",
})  # fmt: skip
"""The files from which transformers makes tokenizers of other classes than their own."""


@dataclass(frozen=True, slots=True)
class BaseModelConfig:
    """A base model in a folder, with the element type and the device to load it to."""

    folder: Path
    dtype: str = "float32"
    device: str = "cpu"
    """A torch device, or `auto`: the accelerator if there is one, else the CPU."""
    max_model_len: int | None = None
    """The most tokens of a text, prompt and completion. None: as many as the model has positions."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A base model in memory."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    end_tokens: frozenset[int]
    """The IDs of the tokens that end a text."""
    max_length: int | None
    """The number of positions that the model has; None if its positions have no limit."""


def load(base: BaseModelConfig) -> LoadedModel:
    """Load the model, in evaluation mode, and its tokenizer.

    Raises BadInputError if the folder does not have both, or lacks some of the weights.
    """
    device = resolve_device(base.device)
    with translate_read_errors(base.folder, "base"):
        attention = choose_attention(read_config(base.folder))
        model = read_model(base.folder, dtype=parse_dtype(base.dtype), attn_implementation=attention)
        tokenizer = read_tokenizer(base.folder)
    max_length = read_max_length(model.config)
    rotary_positions.pin(model, base.max_model_len or max_length)
    ends = find_end_tokens(tokenizer, model.config.get_text_config(), model.config, model.generation_config)
    return LoadedModel(model.to(device).eval(), tokenizer, device, ends, max_length)


def choose_attention(config: PreTrainedConfig) -> str | None:
    """Return the attention of transformers that computes what the model does; None if its default does.

    The default leaves out the soft-capping of scores, which Gemma 2 has, without a word.
    """
    return "eager" if getattr(config.get_text_config(), "attn_logit_softcapping", None) else None


def read_model(folder: Path, kind: Any = AutoModelForCausalLM, what: str = "base", **options: Any) -> PreTrainedModel:
    """Read the model, with all its weights; `device_map="meta"` reads their shapes alone.

    `kind`: the class of transformers that loads it. `what`: what the model is, for messages. Raises BadInputError if
    weights are missing: transformers would draw them at random.
    """
    model, report = kind.from_pretrained(
        folder,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **options,
    )
    missing = sorted(report["missing_keys"])
    if missing:
        raise BadInputError(
            f"{what} {folder}: has no weights for {len(missing)} tensors of {type(model).__name__}, such as"
            f" {missing[0]}; give the folder of the whole model"
        )
    return model


def read_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Read the tokenizer of a model. Raises BadInputError if the folder has none.

    Without its files, transformers makes an empty tokenizer, for which all words are unknown.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    own = set(tokenizer.vocab_files_names.values())
    if own and not any((folder / name).exists() for name in own | TOKENIZER_FILES):
        raise BadInputError(f"{folder}: no tokenizer ({' or '.join(sorted(own))}); give the model with its tokenizer")
    return tokenizer


def read_config(folder: Path) -> PreTrainedConfig:
    """Read the configuration of a model."""
    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def read_max_length(config: PreTrainedConfig) -> int | None:
    """Return the number of positions that the model has; None if its positions have no limit."""
    text = config.get_text_config()
    found = (getattr(text, name, None) for name in LENGTH_FIELDS)
    return next((length for length in found if isinstance(length, int) and length > 0), None)


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


def tokenize_prompts(
    tokenizer: PreTrainedTokenizerBase, prompts: list[str], chat: bool, system: str | None = None
) -> list[list[int]]:
    """Return the token IDs of each prompt, with the beginning tokens that the tokenizer adds and no end token.

    `chat`: each prompt becomes a user turn in the chat template, after the `system` text if there is one. The template
    adds special tokens itself, so no others are added. Control tokens that a prompt spells are text. Raises
    BadInputError if `chat` is set and the tokenizer has no chat template, or one without a place for `system`.
    """
    if chat:
        above = [] if system is None else [{"role": "system", "content": system}]
        return tokenize_chats(tokenizer, [[*above, {"role": "user", "content": prompt}] for prompt in prompts])
    beginning, _ = find_added_tokens(tokenizer)
    return [[*beginning, *ids] for ids in control_tokens.encode_texts(tokenizer, prompts)]


def tokenize_chats(
    tokenizer: PreTrainedTokenizerBase, chats: list[list[dict[str, str]]], thinks: bool = False
) -> list[list[int]]:
    """Return the token IDs of each conversation, up to where the model's next turn begins.

    A conversation is a list of messages, each with `role` and `content`. `thinks`: whether the model may think first; a
    template that has a switch for it is told. Raises BadInputError if the tokenizer has no chat template, or if its
    template rejects a conversation: many have no system role.
    """
    return chat_template.tokenize(tokenizer, chats, thinks)


def tokenize_completions(tokenizer: PreTrainedTokenizerBase, completions: list[str]) -> list[list[int]]:
    """Return the token IDs of each completion, with one end token. Raises BadInputError if the tokenizer has none."""
    if tokenizer.eos_token_id is None:
        raise BadInputError(
            "the tokenizer of the base model has no end token, so a generator cannot learn to stop; set its eos_token"
        )
    return [[*ids, tokenizer.eos_token_id] for ids in control_tokens.encode_texts(tokenizer, completions)]


def tokenize_whole_texts(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Return the token IDs of each text, with the tokens that the tokenizer adds around it.

    A text whose tokens, with the added ones, are more than `max_length` is cut. Control tokens that a text spells are
    text.
    """
    before, after = find_added_tokens(tokenizer)
    length = max(0, max_length - len(before) - len(after))
    return [[*before, *ids[:length], *after] for ids in control_tokens.encode_texts(tokenizer, texts)]


def find_added_tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Return the tokens that the tokenizer puts before and after a text."""
    whole, text = (tokenizer("a", add_special_tokens=special)["input_ids"] for special in (True, False))
    for start in range(len(whole)):
        if whole[start : start + len(text)] == text:
            return list(whole[:start]), list(whole[start + len(text) :])
    return [], []


def find_end_tokens(tokenizer: PreTrainedTokenizerBase, *configs: Any) -> frozenset[int]:
    """Return the end tokens of the tokenizer and of all `configs`, and the token that ends a model's turn in a chat.

    Instruction-tuned models often have several. Some name the end of a turn nowhere but in the chat template.
    """
    tokens = set(chat_template.find_turn_end(tokenizer))
    for configured in (tokenizer.eos_token_id, *(getattr(config, "eos_token_id", None) for config in configs)):
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


READ_ERRORS = (
    *(OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError, StrictDataclassError),
    *(
        TypeError,
        AttributeError,
        IndexError,
        ArithmeticError,
        AssertionError,
    ),  # of sizes in a configuration that fit no model
)
"""What transformers raises for files that are no model."""


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
    except READ_ERRORS as error:
        if pointer := lfs_pointer.find_pointer(folder):
            raise BadInputError(f"{what} {folder}: {pointer}") from error
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        advice = "give a model in safetensors, whole and as it was published"
        if "ignore_mismatched_sizes" in reason:
            reason, advice = "its weights have other shapes than config.json says", "give the files of one model"
        raise BadInputError(f"{what} {folder}: transformers cannot read it ({reason}); {advice}") from error
