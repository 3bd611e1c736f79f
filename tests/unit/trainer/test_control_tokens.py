"""Text stays text: what an item spells is never a control token, in training, in a prompt, or in a chat."""

import ast
import dataclasses
import random
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

from swarm_core.errors import BadInputError
from swarm_core.ports import Request, Turn
from swarm_core.recipe import ModelName
from swarm_core.text import control_markup, prompts
from swarm_trainer.inference import openai_protocol
from swarm_trainer.inference.endpoint import RemoteModel
from swarm_trainer.lora import base, chat_template, control_tokens, training
from swarm_trainer.lora.training import TrainingSettings

SPECIAL = (
    "<s>",
    "</s>",
    "<eos>",
    "<|im_start|>",
    "<|im_end|>",
    "<start_of_turn>",
    "<end_of_turn>",
    "[INST]",
    "[/INST]",
)
PLAIN_ADDED = ("<think>", "</think>", "<tool_call>")
WORDS = ("a", " ", "\n", "2+2", "<", ">", "|", "[", "what is ", "im_end", "<eos", "eos>", "é", "<<eos>>")
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] | trim }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SETTINGS = TrainingSettings(4, 8.0, ("q_proj",), 1, 1e-3, 0.1, 4096, 2, 1, False, True)


def wrap(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="<eos>")
    fast.add_special_tokens({"additional_special_tokens": list(SPECIAL)})
    fast.add_tokens([AddedToken(word, special=False, normalized=False) for word in PLAIN_ADDED])
    fast.add_tokens([AddedToken("benzene", special=False)])
    fast.chat_template = TEMPLATE
    return fast


def build_bytes() -> PreTrainedTokenizerFast:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return wrap(tokenizer)


def build_pieces() -> PreTrainedTokenizerFast:
    """Pieces as SentencePiece has them; the vocabulary itself contains `</s>`, and text is normalized first."""
    letters = [chr(code) for code in range(33, 127)] + ["▁", "é", "\n"]
    scores = [("<unk>", 0.0), ("</s>", 0.0), ("<eos>", 0.0), *((letter, -4.0) for letter in letters), ("▁what", -5.0)]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=0))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    return wrap(tokenizer)


def build_characters() -> PreTrainedTokenizerFast:
    letters = {chr(code): code - 31 for code in range(32, 127)} | {"\n": 96, "<unk>": 0}
    tokenizer = Tokenizer(models.WordLevel(letters, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    fast = wrap(tokenizer)
    fast.unk_token = "<unk>"
    start = fast.convert_tokens_to_ids("<s>")
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A <eos>", special_tokens=[
        ("<s>", start), ("<eos>", fast.convert_tokens_to_ids("<eos>"))])  # fmt: skip
    fast.backend_tokenizer.post_processor = tokenizer.post_processor
    return fast


@pytest.fixture(scope="module", params=[build_bytes, build_pieces, build_characters])
def tokenizer(request: pytest.FixtureRequest) -> PreTrainedTokenizerBase:
    return request.param()


def list_texts(seed: int = 3, count: int = 60) -> list[str]:
    rng = random.Random(seed)
    parts = [*SPECIAL, *PLAIN_ADDED, *WORDS]
    return [*SPECIAL, *PLAIN_ADDED, *("".join(rng.choices(parts, k=rng.randint(1, 9))) for _ in range(count))]


def count_control(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> dict[str, int]:
    control = control_tokens.list_control_tokens(tokenizer)
    found = [control[token] for token in ids if token in control and token != tokenizer.unk_token_id]
    return {word: found.count(word) for word in found}


def test_all_bracketed_and_special_tokens_are_control_tokens_and_words_are_not(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    assert {*SPECIAL, *PLAIN_ADDED} <= set(control_tokens.list_control_tokens(tokenizer).values())
    assert "benzene" not in control_tokens.list_control_tokens(tokenizer).values()


def test_no_text_becomes_a_control_token(tokenizer: PreTrainedTokenizerBase) -> None:
    for text, ids in zip(list_texts(), control_tokens.encode_texts(tokenizer, list_texts()), strict=True):
        assert count_control(tokenizer, ids) == {}, text


def test_text_is_read_as_it_is_spelled(tokenizer: PreTrainedTokenizerBase) -> None:
    for text, ids in zip(list_texts(), control_tokens.encode_texts(tokenizer, list_texts()), strict=True):
        if tokenizer.unk_token_id not in ids:
            spelled = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
            assert spelled.replace(" ", "") == text.replace(" ", "")


def test_ordinary_text_is_encoded_as_the_tokenizer_does_it(tokenizer: PreTrainedTokenizerBase) -> None:
    texts = ["", "what is 2+2?", " two  spaces", "a < b > c | d", "benzene is [one]", "<eo s>"]
    wanted = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    assert control_tokens.encode_texts(tokenizer, texts) == wanted


def test_a_chat_has_the_turns_of_its_template_whatever_is_said(tokenizer: PreTrainedTokenizerBase) -> None:
    wanted = count_control(tokenizer, base.tokenize_prompts(tokenizer, ["2+2"], chat=True)[0])
    assert wanted["<|im_start|>"] == 2
    for ids in base.tokenize_prompts(tokenizer, list_texts(), chat=True):
        assert count_control(tokenizer, ids) == wanted


def test_a_chat_of_ordinary_text_has_the_tokens_of_the_template(tokenizer: PreTrainedTokenizerBase) -> None:
    chat = [{"role": "user", "content": " 2+2 is\n\nwhat? "}, {"role": "assistant", "content": "4"}]
    for turns, continues in ((chat[:1], True), (chat, False)):  # a chat that the model has answered is at its end
        written = tokenizer.apply_chat_template(turns, add_generation_prompt=continues, tokenize=False)
        assert base.tokenize_chats(tokenizer, [turns]) == [tokenizer(written, add_special_tokens=False)["input_ids"]]


def test_training_learns_one_end_and_shows_no_other_control_token(tokenizer: PreTrainedTokenizerBase) -> None:
    plain = dataclasses.replace(SETTINGS, chat=False)
    pairs = [(text, text) for text in list_texts()]
    for settings in (SETTINGS, plain):
        beginnings = count_control(tokenizer, base.tokenize_prompts(tokenizer, ["2"], settings.chat)[0])
        for example in training.tokenize(tokenizer, pairs, settings)[0]:
            learned = [label for label in example.labels if label != training.IGNORE_INDEX]
            assert count_control(tokenizer, learned) == {"<eos>": 1}
            assert learned[-1] == tokenizer.eos_token_id
            shown = example.ids[: -len(learned)]
            assert count_control(tokenizer, shown) == beginnings


def test_a_plain_prompt_begins_as_the_tokenizer_begins_and_does_not_end(tokenizer: PreTrainedTokenizerBase) -> None:
    (ids,) = base.tokenize_prompts(tokenizer, ["2+2"], chat=False)
    whole = tokenizer("2+2")["input_ids"]
    assert ids == (whole[:-1] if whole[-1] == tokenizer.eos_token_id else whole)


def test_marks_that_are_ordinary_characters_get_an_invisible_one(make_base: Callable[..., Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(make_base())
    tokenizer.chat_template = "{% for m in messages %}[INST] {{ m['content'] }} [/INST]{% endfor %}"
    assert chat_template.find_text_marks(tokenizer) == {"[INST]", "[/INST]"}
    fast = build_bytes()
    fast.chat_template = "{% for m in messages %}<|user|>{{ m['content'] }}<|end|>{% endfor %}"
    (ids,) = base.tokenize_prompts(fast, ["say <|end|><|user|> or [INST]"], chat=True)
    written = fast.decode(ids)
    assert (written.count("<|user|>"), written.count("<|end|>")) == (1, 1)
    assert control_markup.unescape(written) == "<|user|>say <|end|><|user|> or [INST]<|end|>"


@pytest.mark.parametrize(
    "text", ["<|im_end|>", "<｜User｜>", "</s>", "<end_of_turn>", "[INST] a [/INST]", "<<SYS>>", "a <think> b", "[SEP]"]
)
def test_known_marks_are_escaped_and_come_back(text: str) -> None:
    escaped = control_markup.escape(text)
    assert not control_markup.find(escaped)
    assert escaped != text
    assert control_markup.unescape(escaped) == text


@pytest.mark.parametrize("text", ["a < b > c", "x[0]", "<b>bold</b>", "f<int>", "2 <3", "[1, 2]"])
def test_ordinary_brackets_are_left_alone(text: str) -> None:
    assert control_markup.escape(text) == text


def test_a_text_with_every_mark_is_refused() -> None:
    assert control_tokens.choose_mark(["\ufdd0"]) == "\ufdd1"
    with pytest.raises(BadInputError, match="noncharacters"):
        control_tokens.choose_mark(["".join(control_tokens.MARKS)])


def test_an_endpoint_gets_no_marks_in_what_a_request_says() -> None:
    asked = Request(
        ModelName("m"), "say <|im_end|>", 4, 0.0, 1, chat=True, system="no </s>", turns=(Turn("user", "[INST]"),)
    )
    contents = [
        message["content"] for message in openai_protocol.chat_body(asked, RemoteModel("http://x", "m"))["messages"]
    ]  # type: ignore[attr-defined]
    assert not any(control_markup.find(text) for text in contents)
    assert [control_markup.unescape(text) for text in contents] == ["no </s>", "[INST]", "say <|im_end|>"]


def test_a_template_that_asks_for_the_date_gets_the_same_one_every_day(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = build_bytes()
    fast.chat_template = "{{ strftime_now('%d %B %Y') }}: {{ messages[0]['content'] }}"
    found = []
    for day in (1, 2):

        class Day(datetime):
            @classmethod
            def now(cls, tz: object = None, day: int = day) -> datetime:
                return datetime(2031, 5, day)

        monkeypatch.setattr(chat_template_utils, "datetime", Day)
        found.append(base.tokenize_prompts(fast, ["2+2"], chat=True))
    assert found[0] == found[1]
    assert fast.decode(found[0][0]) == "26 July 2024: 2+2"
    assert prompts.list_texts(prompts.PromptStyle.CHAT)["template_date"] == prompts.TEMPLATE_DATE


def test_a_whole_text_has_the_tokens_of_the_tokenizer_and_no_control_token_of_its_own(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    texts = [word for word in WORDS if "<eos>" not in word] + ["a" * 40]
    for length in (8, 512):
        wanted = tokenizer(texts, truncation=True, max_length=length)["input_ids"]
        assert base.tokenize_whole_texts(tokenizer, texts, length) == wanted
    added = count_control(tokenizer, base.tokenize_whole_texts(tokenizer, ["a"], 512)[0])
    for text, ids in zip(list_texts(), base.tokenize_whole_texts(tokenizer, list_texts(), 512), strict=True):
        assert count_control(tokenizer, ids) == added, text


SOURCES = Path(__file__).parents[3] / "trainer" / "src"
TOKENIZER_CALLS = {"__call__", "encode", "encode_plus", "batch_encode_plus", "tokenize", "apply_chat_template"}
"""The ways in which a tokenizer makes tokens of a text, or a text that has control tokens."""
RAW_CALLS = {
    ("inference/sequence_classifier.py", "surround"): "samples of its own",
    ("lora/base.py", "find_added_tokens"): "a text of its own",
    ("lora/chat_template.py", "render"): "makes a text, whose control tokens are the template's: the rest was cut",
    ("lora/control_tokens.py", "_find_spans"): "finds the places of control tokens",
    ("lora/control_tokens.py", "encode_marked"): "encodes the parts of a cut text",
}
"""Every function that calls a tokenizer itself, and why it may."""


def find_raw_calls() -> set[tuple[str, str]]:
    """The functions that call a tokenizer, by file and name."""
    found = set()
    for file in SOURCES.rglob("*.py"):
        for function in ast.walk(ast.parse(file.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
                if any(map(is_tokenizer_call, calls)):
                    found.add((file.relative_to(SOURCES / "swarm_trainer").as_posix(), function.name))
    return found


def is_tokenizer_call(called: ast.expr) -> bool:
    *owner, name = ast.unparse(called).split(".")
    if name in TOKENIZER_CALLS and owner and "tokenizer" in owner[-1].lower():
        return True
    return name.lower().lstrip("_") == "tokenizer"


def test_no_other_function_calls_a_tokenizer() -> None:
    assert find_raw_calls() == set(RAW_CALLS)


def test_tokenizers_are_read_in_one_place() -> None:
    readers = {
        file.relative_to(SOURCES).as_posix()
        for file in SOURCES.rglob("*.py")
        if re.search(r"Tokenizer\w*\.from_(pretrained|file)|import tokenizers|from tokenizers", file.read_text())
    }
    assert readers == {"swarm_trainer/lora/base.py"}
