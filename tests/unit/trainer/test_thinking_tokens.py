"""Thinking tags that are special tokens: thoughts never read as answers, and prompts without thinking close them."""

import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from swarm_core.ports import Completion, Request
from swarm_core.recipe import ModelName
from swarm_core.text import thinking
from swarm_trainer.inference import openai_protocol, prompt_encoder
from swarm_trainer.inference.stop_strings import StopDetector
from swarm_trainer.inference.thinking_tokens import SpecialTokens
from swarm_trainer.lora import base

WORDS = ("I", "add", "seven", "12", "analysis", "final", "assistant", "thought", "\n")
HARMONY = ("<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|return|>")
FORMS = [
    (HARMONY, "<|channel|> analysis <|message|> I add <|end|> <|start|> assistant <|channel|> final <|message|> 12"),
    (HARMONY, "<|channel|> final <|message|> 12"),
    (("[THINK]", "[/THINK]"), "[THINK] I add seven [/THINK] 12"),
    (("<|channel>", "<channel|>"), "<|channel> thought I add seven <channel|> 12"),
    (("<think>", "</think>", "<pad>"), "<think> I add seven </think> <pad> 12"),
    (("<think>", "</think>"), "I add seven </think> 12"),
    (("<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>"),
     "<|START_THINKING|> I add seven <|END_THINKING|> <|START_RESPONSE|> 12 <|END_RESPONSE|>"),
]  # fmt: skip


def build(special: tuple[str, ...], template: str | None = None) -> PreTrainedTokenizerFast:
    """A tokenizer of WORDS, in which `special` are special tokens."""
    vocabulary = {word: number for number, word in enumerate(("<unk>", "<s>", "</s>", *WORDS))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in special])
    names = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=made, chat_template=template, **names)


def read(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """The tokens of a text whose words and special tokens stand apart."""
    return [tokenizer.convert_tokens_to_ids(word) for word in text.split()]


@pytest.mark.parametrize(("special", "text"), FORMS, ids=[text[:24] for _, text in FORMS])
def test_thoughts_between_special_tokens_are_no_answer(special: tuple[str, ...], text: str) -> None:
    tokenizer = build(special)
    stops = StopDetector(tokenizer)
    told = stops.special.separate(Completion(stops.decode(read(tokenizer, text)), 9, True))
    assert told.text.strip() == "12"
    assert ("I add" in told.thinking) == ("I add" in text)
    assert not any(word in told.text + told.thinking for word in special)
    from_server = SpecialTokens.find(tokenizer).separate(Completion(text.replace("> ", ">"), 9, True))
    assert from_server.text.strip() == "12"


def test_a_base_without_tags_among_its_special_tokens_is_read_as_before() -> None:
    tokenizer = build(("<|end|>", "<pad>"))
    stops = StopDetector(tokenizer)
    assert stops.special.tags == frozenset()
    assert stops.decode(read(tokenizer, "12 <|end|> <pad> add")) == "12 add"
    spelled = Completion("12 <|end|>", 3, True)
    assert stops.special.separate(spelled) == spelled


def test_a_thinking_that_was_cut_off_is_no_answer() -> None:
    tokenizer = build(("[THINK]", "[/THINK]"))
    stops = StopDetector(tokenizer)
    told = stops.special.separate(Completion(stops.decode(read(tokenizer, "[THINK] I add")), 3, False))
    assert (told.text, told.thinking) == ("", "I add")


def test_a_server_is_asked_for_special_tokens_only_if_they_mark_thinking() -> None:
    request = Request(ModelName("m"), "add", 4, 0.0, 1)
    usual, kept = (openai_protocol.completion_body(request, [3], frozenset(), special) for special in (False, True))
    assert kept == {**usual, "skip_special_tokens": False, "spaces_between_special_tokens": False}


@pytest.mark.parametrize("special", [("<think>", "</think>"), ("[THINK]", "[/THINK]")])
def test_a_template_that_always_opens_a_thinking_has_it_closed_in_training_and_asking_alike(
    special: tuple[str, str],
) -> None:
    template = "{% for message in messages %}{{ message.content }} {% endfor %}" + special[0] + "\n"
    tokenizer = build(special, template)
    asked = Request(ModelName("m"), "add seven", 4, 0.0, 1, chat=True)
    [off] = prompt_encoder.tokenize_requests(tokenizer, [asked])
    assert base.tokenize_prompts(tokenizer, ["add seven"], chat=True) == [off]
    assert [tokenizer.convert_ids_to_tokens(token) for token in off[-2:]] == list(special)
    on = base.tokenize_chats(tokenizer, [[{"role": "user", "content": "add seven"}]], thinks=True)
    assert on == [off[:-1]]
    answer = Completion("12", 1, True)
    assert prompt_encoder.restore_open_tag(tokenizer, asked, off, answer) == answer


@pytest.mark.parametrize(
    ("prompt", "closed"),
    [
        ("A:", "A:"),
        ("say<think>\n", "say<think>\n\n</think>\n\n"),
        ("say<think>\n\n</think>\n\n", "say<think>\n\n</think>\n\n"),
        ("<seed:think>", "<seed:think>\n\n</seed:think>\n\n"),
        ("<|START_THINKING|>", "<|START_THINKING|>\n\n<|END_THINKING|>\n\n"),
    ],
)
def test_a_prompt_that_opens_a_thinking_is_closed(prompt: str, closed: str) -> None:
    assert thinking.close(prompt) == closed
