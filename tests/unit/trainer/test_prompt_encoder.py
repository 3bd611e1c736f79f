"""Requests as tokens: system text and earlier turns go through the model's own template."""

from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from swarm_core.errors import BadInputError
from swarm_core.ports import Request, Turn
from swarm_core.recipe import ModelName
from swarm_trainer.inference import prompt_encoder
from swarm_trainer.lora import base

TURNS = (Turn("user", "1+1="), Turn("assistant", "2"))


def request(prompt: str, **more: object) -> Request:
    return Request(ModelName("m"), prompt, 4, 0.0, 1, **more)  # type: ignore[arg-type]


def test_system_text_and_turns_are_rendered_by_the_template(tiny_base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    [ids] = prompt_encoder.tokenize_requests(tokenizer, [request("2+2=", chat=True, system="sum", turns=TURNS)])
    messages = [
        {"role": "system", "content": "sum"},
        {"role": "user", "content": "1+1="},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "2+2="},
    ]
    written = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert ids == tokenizer(written, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids).count("2+2=") == 1


def test_chats_and_plain_prompts_keep_their_places_and_their_tokens(tiny_base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    prompts = ["1", "12+3=", "99*98="]
    mixed = [request(prompt, chat=chat) for prompt in prompts for chat in (True, False)]
    found = prompt_encoder.tokenize_requests(tokenizer, mixed)
    assert found[::2] == base.tokenize_prompts(tokenizer, prompts, chat=True)
    assert found[1::2] == base.tokenize_prompts(tokenizer, prompts, chat=False)


def test_a_template_without_a_system_role_says_what_to_leave_out(make_base: Callable[..., Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(make_base())
    tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    )
    assert prompt_encoder.tokenize_requests(tokenizer, [request("1", chat=True)])[0]
    with pytest.raises(BadInputError, match=r"System role not supported\); leave out system text"):
        prompt_encoder.tokenize_requests(tokenizer, [request("1", chat=True, system="sum")])
