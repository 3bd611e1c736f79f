"""Thinking is told from answers by the tags of today's models, and never becomes an item."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core.asking import separate_thinking
from swarm_core.ports import Completion
from swarm_core.text import item_parser, thinking

TAGS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("<chain_of_thought>", "</chain_of_thought>"),
    ("<antThinking>", "</antThinking>"),
    ("<think\n>", "</ think>"),
    ("<|thinking_start|>", "<|thinking_end|>"),
    ("Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]"),
    ("[THINK]", "[/THINK]"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
]
LIST = "1. 12+5\n2. 7+88\n3. 9+41\n"
THOUGHT = "\nThree more.\n1. Keep the pattern.\n2. Vary the digits.\n- new\n"


@pytest.mark.parametrize(("opening", "closing"), TAGS, ids=lambda tag: tag.strip())
def test_lists_inside_thinking_are_no_items(opening: str, closing: str) -> None:
    for text in (f"{opening}{THOUGHT}{closing}\n\n{LIST}", f"{THOUGHT}{closing}\n{LIST}"):
        assert item_parser.parse(text, 3).items == ("12+5", "7+88", "9+41")
    assert item_parser.parse(f"{opening}{THOUGHT}", 3, finished=False).items == ()


@pytest.mark.parametrize(("opening", "closing"), TAGS, ids=lambda tag: tag.strip())
def test_thinking_is_apart_and_counted_and_separating_twice_changes_nothing(opening: str, closing: str) -> None:
    found = separate_thinking(Completion(f"{opening}It is 5.{closing}\n12", 100, True))
    assert (found.text, found.thinking != "", 0 < found.thinking_tokens < 100) == ("12", True, True)
    assert separate_thinking(found) == found


def test_what_marks_the_end_of_an_answer_is_no_part_of_it() -> None:
    assert thinking.split("It is 5.\n[BEGIN FINAL RESPONSE]\n12\n[END FINAL RESPONSE]\n") == ("It is 5.", "12")


@given(st.text(alphabet="ab <>/\n1.", max_size=40))
def test_text_without_tags_stays_as_it_is(text: str) -> None:
    if "think" not in text:
        assert thinking.split(text) == ("", text)


@pytest.mark.parametrize(
    ("prompt", "tag"),
    [
        ("<|im_start|>assistant\n<think>\n", "<think>\n"),
        ("<think>\n\n</think>\n\n", ""),
        ("A:", ""),
        ("<|assistant|>\nHere are my reasoning steps:\n", "Here are my reasoning steps:\n"),
    ],
)
def test_an_opening_tag_at_the_end_of_a_prompt_is_found(prompt: str, tag: str) -> None:
    assert thinking.find_open_tag(prompt) == tag
