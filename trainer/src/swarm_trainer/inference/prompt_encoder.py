"""Requests as tokens, for the local engine and for servers: both get exactly the same tokens.

A server that receives tokens adds none of its own. So it cannot add a second beginning token or another chat template.
"""

from collections.abc import Sequence
from pathlib import Path

from transformers import GenerationConfig, PreTrainedTokenizerBase

from swarm_core.ports import Request
from swarm_trainer.inference.chat_messages import build_messages
from swarm_trainer.inference.request_checks import find_field_error
from swarm_trainer.lora import base


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

    def encode(self, requests: Sequence[Request]) -> list[list[int]]:
        """The tokens of each request's prompt, in order. Raises BadInputError as `tokenize_requests` does."""
        return tokenize_requests(self._tokenizer, requests)


def tokenize_requests(tokenizer: PreTrainedTokenizerBase, requests: Sequence[Request]) -> list[list[int]]:
    """The tokens of each request's prompt, in order; of a chat with its system text and earlier turns.

    Raises BadInputError for a chat if the tokenizer has no chat template or the template rejects the messages.
    """
    plain = [index for index, request in enumerate(requests) if not request.chat]
    chats = [index for index, request in enumerate(requests) if request.chat]
    prompts = base.tokenize_prompts(tokenizer, [requests[index].prompt for index in plain], chat=False)
    conversations = base.tokenize_chats(tokenizer, [build_messages(requests[index]) for index in chats])
    found = dict(zip((*plain, *chats), (*prompts, *conversations), strict=True))
    return [found[index] for index in range(len(requests))]


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
