"""Completions as models write them, and the items they hold."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from swarm_core.text import item_parser, prompts, thinking
from swarm_core.text.item_parser import RejectionReason

GRAPH = "Find a path.\nThe nodes are numbered from 0 to 2, and the edges are:\n(0,1)\n(1,2)\nQ: is 0 tied to 2?"
WORDED = "A field has\n3.5 apples per tree.\n\nHow many on 4 trees?"

SHAPES = {
    "a bare numbered list": ("1. a\n2. b\n3. c", ["a", "b", "c"]),
    "blank lines between items": ("1. a\n\n2. b\n\n\n3. c\n", ["a", "b", "c"]),
    "parentheses after": ("1) a\n2) b", ["a", "b"]),
    "parentheses around": ("(1) a\n(2) b", ["a", "b"]),
    "colons": ("1: a\n2: b", ["a", "b"]),
    "bold numbers": ("**1.** a\n**2.** b", ["a", "b"]),
    "bold numbers, full stop outside": ("**1**. a\n**2**. b", ["a", "b"]),
    "bold items, number included": ("**1. a**\n\n**2. b**", ["a", "b"]),
    "bold titles, number included": ("**1. T:** a\n**2. U:** b", ["**T:** a", "**U:** b"]),
    "bold items": ("1. **a**\n2. **b** or **c**", ["a", "**b** or **c**"]),
    "backticks": ("1. `1+2`\n2. `3+4`", ["1+2", "3+4"]),
    "headings": ("### 1. a\n### 2. b", ["a", "b"]),
    "labels": ("**Question 6:** a\n\n**Question 7:** b", ["a", "b"]),
    "hyphens": ("- a\n- b", ["a", "b"]),
    "asterisks": ("* a\n* b", ["a", "b"]),
    "bullets": ("• a\n•b", ["a", "b"]),
    "continued numbering": ("6. a\n7. b\n8. c\n9. d\n10. e", ["a", "b", "c", "d", "e"]),
    "numbers aligned to the right": (" 9. a\n10. b\n11. c", ["a", "b", "c"]),
    "a list that leans by one column": ("1. a\n 2. b", ["a", "b"]),
    "another list's numbers inside an item": ("1. a\n2) x\n2. b", ["a\n2) x", "b"]),
    "another list's bullets inside an item": ("- a\n* x\n- b", ["a\n* x", "b"]),
    "a preamble": ("Sure! Here are 5 more:\n\n1. a\n2. b", ["a", "b"]),
    "a preamble without a blank line": ("**Here are 2 more:**\n1. a\n2. b", ["a", "b"]),
    "a postamble": ("1. a\n2. b\n\nI hope this helps!", ["a", "b"]),
    "two postambles": ("1. a\n2. b\n\nThese questions cover paths.\n\nLet me know if you need more.", ["a", "b"]),
    "a postamble without a blank line": ("1. a\n2. b\nI hope this helps", ["a", "b"]),
    "items that end like a postamble": ("1. a\nI hope so.\n2. b\nI hope so.", ["a\nI hope so.", "b\nI hope so."]),
    "rules between items": ("1. a\n\n---\n\n2. b\n\n***", ["a", "b"]),
    "a code fence around the list": ("Here:\n```text\n1. a\n2. b\n```\nEnjoy!", ["a", "b"]),
    "a code fence around each item": ("```\n1. a\n```\n```\n2. b\n```", ["a", "b"]),
    "a code fence around each item, first line included": ("```\n1. a\n```\n\n```\n2. b\n```\n", ["a", "b"]),
    "code with markers inside an item": (
        "- read\n```yaml\n- x\n- y\n```\n- write",
        ["read\n```yaml\n- x\n- y\n```", "write"],
    ),
    "a fence that is never closed": ("1. a\n```\n2. b\n3. c", ["a", "b", "c"]),
    "windows newlines": ("1. a\r\n2. b\r\nmore\r\n", ["a", "b\nmore"]),
    "multi-line items": (f"1. {GRAPH}\n2. {GRAPH}", [GRAPH, GRAPH]),
    "text below its number": (f"1.\n{GRAPH}\n\n2.\n{GRAPH}", [GRAPH, GRAPH]),
    "wrapped decimals and blank lines inside": (f"1. {WORDED}\n2. b", [WORDED, "b"]),
    "a number that does not follow": ("1. a\n7. not an item\n2. b", ["a\n7. not an item", "b"]),
    "nested numbers": ("1. a\n   1. x\n   2. y\n2. b", ["a\n1. x\n2. y", "b"]),
    "nested bullets": ("1. a\n- x\n   * y\n2. b", ["a\n- x\n   * y", "b"]),
    "bullets in bullets": ("- a\n  - x\n  - y\n- b", ["a\n- x\n- y", "b"]),
    "further lines that are indented": ("1. a\n   x\n\n     y\n2. b", ["a\nx\n\n  y", "b"]),
    "further lines of which some are indented": ("1. a\nx\n    y\n2. b", ["a\nx\n    y", "b"]),
    "an indented courtesy, rule and fence": ("1. a\n   ```\n   I hope so.\n   ---", ["a\n```\nI hope so.\n---"]),
    "a courtesy after indented lines": ("1. a\n   x\n\nI hope this helps.", ["a\nx"]),
    "bold below its marker": ("1.\n   **a**\n2.\n   `b`", ["**a**", "`b`"]),
    "items that begin with a minus or a digit": (
        "- 12+34\n- -5+3\n- 12.5*2\n- 1. x\n- (3) y",
        ["12+34", "-5+3", "12.5*2", "1. x", "(3) y"],
    ),
    "numbered items that begin with a number": ("1. 2. x\n2. 3.5 apples\n3. - y", ["2. x", "3.5 apples", "- y"]),
}


@pytest.mark.parametrize(("text", "items"), SHAPES.values(), ids=SHAPES.keys())
def test_the_shapes_that_models_write_are_read(text: str, items: list[str]) -> None:
    parsed = item_parser.parse(text, 5)
    assert list(parsed.items) == items
    assert (parsed.rejected, parsed.surplus) == ((), 0)


def test_an_item_that_ran_out_of_tokens_is_rejected_and_the_rest_kept() -> None:
    parsed = item_parser.parse("1. a\n2. b\n3. half of", 5, finished=False)
    assert parsed.items == ("a", "b")
    assert parsed.rejected == (item_parser.RejectedText("half of", RejectionReason.TRUNCATED),)


def test_markers_with_nothing_after_them_are_rejected_as_empty() -> None:
    parsed = item_parser.parse("- \n- a\n-\n", 5)
    assert parsed.items == ("a",)
    assert [rejected.reason for rejected in parsed.rejected] == [RejectionReason.EMPTY, RejectionReason.EMPTY]


def test_items_beyond_the_limit_are_counted_and_not_kept() -> None:
    parsed = item_parser.parse("- a\n- b\n- c\n- d", 2)
    assert (parsed.items, parsed.rejected, parsed.surplus) == (("a", "b"), (), 2)


def test_a_truncated_item_nobody_asked_for_is_surplus_and_no_rejection() -> None:
    parsed = item_parser.parse("- a\n- b\n- c", 2, finished=False)
    assert (parsed.items, parsed.rejected, parsed.surplus) == (("a", "b"), (), 1)


def test_an_empty_item_does_not_take_the_place_of_one_asked_for() -> None:
    assert item_parser.parse("- \n- a\n- b", 2).items == ("a", "b")


def test_a_completion_without_a_list_is_rejected_whole() -> None:
    refusal = "I'm sorry, but I can't help.\nAsk me something else."
    parsed = item_parser.parse(refusal, 5)
    assert parsed.items == ()
    assert parsed.rejected == (item_parser.RejectedText(refusal, RejectionReason.UNLISTED),)


@pytest.mark.parametrize("text", ["", " \n\t\n"], ids=["empty", "blank"])
def test_a_blank_completion_holds_nothing_at_all(text: str) -> None:
    assert item_parser.parse(text, 5) == item_parser.ParsedItems((), (), 0)


LINES = st.text(st.characters(blacklist_categories=["Cs"]), max_size=40)
MARKUP = st.sampled_from(
    ["\n", "\n\n", "1. ", "2. ", "3) ", "- ", "* ", "•", "**", "`", "```\n", "---", "  ", "I hope", "\r\n", "7", "x y",
     "\t", "\x0c", "\u2028", "## 4. ", "(1) ", "Question 2: ", "***", "Let me know", "    ", "\x85", "~~~"]
)  # fmt: skip
ITEMS = (
    st.lists(MARKUP | LINES, min_size=1, max_size=8)
    .map("".join)
    .map(item_parser.normalize_lines)
    .filter(lambda item: item != "" and thinking.split(item) == ("", item))
)
"""Items without a tag that opens or ends thinking: one that ends it makes thinking of all items before it."""


@pytest.mark.parametrize("style", prompts.PromptStyle)
@given(items=st.lists(ITEMS, min_size=1, max_size=12))
def test_what_prompts_list_is_what_the_parser_reads(style: prompts.PromptStyle, items: list[str]) -> None:
    parsed = item_parser.parse(prompts.format_list(style, items), len(items))
    assert parsed == item_parser.ParsedItems(tuple(items), (), 0)
    assert all(prompts.comes_back(style, item) for item in items)


@pytest.mark.parametrize("style", prompts.PromptStyle)
@pytest.mark.parametrize("item", ["What does </think> end?", "<|END_OF_THOUGHT|>"])
def test_an_item_that_ends_thinking_does_not_come_back(item: str, style: prompts.PromptStyle) -> None:
    assert not prompts.comes_back(style, item)


LISTS_IN_ITEMS = (
    "Which of these is prime?\n1. 4\n2. 7\n3. 9\n4. 8",
    "Put into order:\n2. second\n3. third\n1. first",
    "Which statements hold?\n- all birds fly\n- some birds fly",
    "正しいものは？\n1. 猫\n2. 犬",
    "Solve \\begin{align}\n1. &= x\\\\\n2. &= y\n\\end{align}",
    "**Use `x` here**",
    "What does this print?\n```python\nfor n in range(3):\n    print(n)\n```",
    "Say:\n\nI hope this helps.\n---",
)


@pytest.mark.parametrize("style", prompts.PromptStyle)
@pytest.mark.parametrize("item", LISTS_IN_ITEMS)
def test_an_item_with_a_list_in_it_comes_back(style: prompts.PromptStyle, item: str) -> None:
    assert item_parser.parse(prompts.format_list(style, [item, "Another?", item]), 3).items == (item, "Another?", item)


@given(items=st.lists(st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"])).map(str.strip), max_size=9))
def test_items_of_one_line_are_written_as_plain_lines(items: list[str]) -> None:
    plain = [item for item in items if item and not item_parser.find_wrap(item)]
    numbered = "".join(f"{number}. {item}\n" for number, item in enumerate(plain, 1))
    assert prompts.format_list(prompts.PromptStyle.CHAT, plain) == numbered
    assert prompts.format_list(prompts.PromptStyle.PLAIN, plain) == "".join(f"- {item}\n" for item in plain)


def subsequence(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(character in rest for character in part)


@given(text=st.lists(MARKUP | st.text(max_size=8)).map("".join), limit=st.integers(0, 6), finished=st.booleans())
def test_no_text_is_too_strange_and_none_is_invented(text: str, limit: int, finished: bool) -> None:
    parsed = item_parser.parse(text, limit, finished=finished)
    assert len(parsed.items) <= limit
    assert all(item.strip() == item != "" for item in parsed.items)
    said = text.replace("\r\n", "\n").replace("\r", "\n")
    assert all(subsequence(item, said) for item in parsed.items)
    assert all(subsequence(rejected.text, said) for rejected in parsed.rejected)


@given(items=st.lists(ITEMS, min_size=2, max_size=6), cut=st.integers(1, 30))
def test_cutting_a_completion_short_costs_its_last_item_only(items: list[str], cut: int) -> None:
    text = prompts.format_list(prompts.PromptStyle.PLAIN, items)
    assume(cut < len(items[-1]))
    assert item_parser.parse(text[:-cut], len(items), finished=False).items == tuple(items[:-1])
