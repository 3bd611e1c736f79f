"""Checks that the longest prompts fit: counts their tokens before anything is trained or served.

Limits: models at remote endpoints are not checked; their tokenizers are unknown.
"""

from pathlib import Path

from swarm_core.api.resolution import ResolvedSpec
from swarm_core.errors import BadInputError, name_subject
from swarm_core.experiment import SeedData
from swarm_core.text import prompts
from swarm_trainer.lora import base


def check(resolved: ResolvedSpec, field: str, folder: Path, data: SeedData) -> None:
    """Check that the longest generation and answering prompts leave room for the tokens to write, in the base in
    `folder`, which `field` names.

    Raises BadInputError.
    """
    wording, shots = resolved.wording, resolved.generation.shots
    items = data.shown_items
    asked = prompts.format_generation(wording, sorted(prompts.format_entries(wording, items), key=len)[-shots:])
    longest = sorted((item.shown_text for item in items), key=len)[-shots:]
    questions = [prompts.format_answering(wording, text) for text in longest]
    with base.translate_read_errors(folder, "base"):
        tokenizer, model_limit = base.read_tokenizer(folder), base.read_max_length(base.read_config(folder))
    with name_subject("spec.prompts"):
        (generation,) = map(
            len, base.tokenize_prompts(tokenizer, [asked], wording.chat, wording.texts.generation_system)
        )
        answering = map(len, base.tokenize_prompts(tokenizer, questions, wording.chat, wording.texts.answering_system))
    limit = resolved.base.max_model_len
    if model_limit is not None and limit > model_limit:
        raise BadInputError(
            f"spec.base.maxModelLen: {limit}, but the base of {field} has at most {model_limit} positions; lower it"
        )
    written = resolved.generation.max_tokens + resolved.generation.thinking_tokens
    check_length("spec.generation.maxTokens", generation, written, limit)
    if resolved.has_local_takers:
        written = resolved.answering.max_tokens + resolved.answering.thinking_tokens
        check_length("spec.answering.maxTokens", max(answering), written, limit)


def check_length(field: str, prompt: int, written: int, limit: int) -> None:
    """Check that `prompt` and `written` tokens stay within `limit`. Raises BadInputError naming the field."""
    if prompt + written > limit:
        raise BadInputError(
            f"{field}: the longest prompt has {prompt} tokens and up to {written} follow, which exceeds"
            f" spec.base.maxModelLen {limit}; raise that, or lower maxTokens, thinkingTokens or shots"
        )
