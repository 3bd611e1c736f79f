"""Requests as tokens, for the local engine and for servers: both get exactly the same tokens.

A server that receives tokens adds none of its own. So it cannot add a second beginning token or another chat template.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from transformers import GenerationConfig, PreTrainedTokenizerBase

from swarm_core.ports import Completion, Request
from swarm_core.text import thinking
from swarm_trainer.inference.chat_messages import build_messages
from swarm_trainer.inference.request_checks import find_field_error
from swarm_trainer.inference.thinking_tokens import SpecialTokens
from swarm_trainer.lora import base

OPEN_TAG_TOKENS = 16
"""The tokens at the end of a prompt among which an opening tag of thinking is looked for."""


class PromptEncoder:
    """The tokenizer of one base."""

    def __init__(self, folder: Path) -> None:
        """Raises BadInputError if `folder` holds no model."""
        with base.translate_read_errors(folder, "base"):
            self._tokenizer, config = base.read_tokenizer(folder), base.read_config(folder)
        with base.silence_transformers():
            try:
                generation = GenerationConfig.from_pretrained(folder, local_files_only=True)
            except OSError:  # many models have no generation config
                generation = GenerationConfig()
        self.end_tokens = base.find_end_tokens(self._tokenizer, config.get_text_config(), config, generation)
        """The tokens that end a text."""
        self.special = SpecialTokens.find(self._tokenizer)

    def encode(self, requests: Sequence[Request]) -> list[list[int]]:
        """The tokens of each request's prompt, in order. Raises BadInputError as `tokenize_requests` does."""
        return tokenize_requests(self._tokenizer, requests)

    def separate(self, request: Request, ids: Sequence[int], completion: Completion) -> Completion:
        """`completion` with the opening tag of its thinking, or with the thinking apart if its tags are special."""
        return self.special.separate(restore_open_tag(self._tokenizer, request, ids, completion))


def tokenize_requests(tokenizer: PreTrainedTokenizerBase, requests: Sequence[Request]) -> list[list[int]]:
    """The tokens of each request's prompt, in order; of a chat with its system text and earlier turns.

    Raises BadInputError for a chat if the tokenizer has no chat template or the template rejects the messages.
    """
    plain = [index for index, request in enumerate(requests) if not request.chat]
    prompts = base.tokenize_prompts(tokenizer, [requests[index].prompt for index in plain], chat=False)
    found = dict(zip(plain, prompts, strict=True))
    for thinks in (False, True):
        chats = [index for index, request in enumerate(requests) if request.chat and request.thinks is thinks]
        conversations = base.tokenize_chats(tokenizer, [build_messages(requests[index]) for index in chats], thinks)
        found.update(zip(chats, conversations, strict=True))
    return [found[index] for index in range(len(requests))]


def restore_open_tag(
    tokenizer: PreTrainedTokenizerBase, request: Request, ids: Sequence[int], completion: Completion
) -> Completion:
    """`completion` with the opening tag of its thinking, if the chat template wrote the tag into the prompt `ids`."""
    if not request.chat:
        return completion
    tag = thinking.find_open_tag(str(tokenizer.decode(list(ids[-OPEN_TAG_TOKENS:]), skip_special_tokens=False)))
    others = tuple(tag + other for other in completion.alternatives)
    return replace(completion, text=tag + completion.text, alternatives=others) if tag else completion


def rejection_reason(request: Request, ids: Sequence[int], max_model_len: int) -> str | None:
    """The reason why no model can answer a request with the prompt tokens `ids`; None if one can."""
    field_error = find_field_error(request)
    if field_error is not None:
        return field_error
    if not ids:
        return "the prompt has no tokens, so there is nothing to continue"
    if request.max_tokens < 1:
        return f"max_tokens {request.max_tokens}: a request generates at least one token; set max_tokens to 1 or more"
    if "" in request.stop:
        return "stop contains an empty string, which ends every text before it begins; leave it out"
    if len(ids) + request.max_tokens > max_model_len:
        return (
            f"prompt of {len(ids)} tokens plus {request.max_tokens} tokens to generate exceed maxModelLen"
            f" {max_model_len}; shorten the prompt or raise maxModelLen"
        )
    return None
