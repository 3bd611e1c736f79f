"""Separates the thinking of a model from its answer. Nobody parses, judges or counts thinking as output.

Models mark their thinking with tags: `<think>...</think>`, and the other forms in TAG_PAIRS. Chat templates may write
the opening tag into the prompt, so a closing tag alone ends a thinking that began with the text. An opening tag alone
begins a thinking that was cut off. Text that is already separated stays as it is.

Sources of the forms: the chat templates of the models, and the reasoning parsers of vLLM and SGLang.

Limits: an answer about these tags loses the text between them. If a thinking was cut off before its only tag, the text
alone does not show that it is thinking; engines that know the prompt put the opening tag back (`find_open_tag`).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

XML_NAMES = (
    r"\s?(?:[a-z]{1,16}[:_]){0,2}(?:(?:ant)?think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|monologue|cot)"
    r"(?:[ \t]+[a-z_]{1,20}=[^<>]{0,80})?\s?"
)
TAG_PAIRS: tuple[tuple[str, str], ...] = (
    (rf"<{XML_NAMES}>", rf"</{XML_NAMES}>"),
    (r"\[THINK\]", r"\[/THINK\]"),
    (r"<\|think(?:ing)?(?:_start)?\|>", r"<\|(?:/think(?:ing)?|think(?:ing)?_end)\|>"),
    (r"\u25c1think\u25b7", r"\u25c1/think\u25b7"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),
    (r"<\|channel>\s?thought", r"<channel\|>"),
    (r"<unused94>", r"<unused95>"),
    (r"\[unused16\]", r"\[unused17\]"),
    (r"<\|channel\|>\s?(?:analysis|commentary)", r"<\|channel\|>\s?final[^<]{0,40}<\|message\|>"),
    (r"(?<![^\n>])Here are my reasoning steps:", r"\[BEGIN FINAL RESPONSE\]"),
    (r"\Aanalysis(?=\S)(?=[\s\S]*?assistantfinal)", r"assistantfinal"),
    (r"\A(?:Here is|Here's) my thought process:", r"(?:Here is|Here's) my response:"),
)
"""Opening and closing tags as patterns. They match without case."""
TAG = re.compile(
    "|".join(f"(?P<open{n}>{opening})|(?P<close{n}>{closing})" for n, (opening, closing) in enumerate(TAG_PAIRS)),
    re.IGNORECASE,
)
TAG_START = re.compile(r"<(?=[a-z/|\s])|\[(?=[/btu])|\u25c1", re.IGNORECASE)
"""Matches where a tag may start, except the openings that are words. It is tried at every character, and TAG at few."""
WORD_OPENINGS = re.compile("|".join(opening for opening, _ in TAG_PAIRS[-3:]), re.IGNORECASE)
"""The openings of the last three pairs, which are words at the start of the text."""
LONE_CLOSINGS = frozenset(range(len(TAG_PAIRS) - 2))
"""The pairs whose closing tag counts alone. The words of the last two pairs may stand in any text."""
WRAPPER = re.compile(
    r"\s*<(?P<name>answer|response|solution|output)>(?P<inner>[\s\S]*)</(?P=name)>\s*"
    r"|(?P<between>[\s\S]*)\[END FINAL RESPONSE\]\s*"
    r"|\s*<\|(?:START_RESPONSE|begin_of_solution)\|>(?P<special>[\s\S]*?)(?:<\|(?:END_RESPONSE|end_of_solution)\|>\s*)?",
    re.IGNORECASE,
)
WRAPPER_TAG = re.compile(r"<\|(?:START|END)_RESPONSE\|>|<\|(?:begin|end)_of_solution\|>")
CLOSINGS: Mapping[str, str] = MappingProxyType({
    "[THINK]": "[/THINK]",
    "\u25c1think\u25b7": "\u25c1/think\u25b7",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|inner_prefix|>": "<|inner_suffix|>",
    "<|channel>thought": "<channel|>",
    "<unused94>": "<unused95>",
    "[unused16]": "[unused17]",
    "Here are my reasoning steps:": "[BEGIN FINAL RESPONSE]",
    "<|channel|>analysis": "<|end|><|start|>assistant<|channel|>final<|message|>",
})  # fmt: skip
"""The closing tag of each opening tag that is no XML."""
CHANNEL = re.compile(r"<\|channel\|?>")
CHANNEL_PARTS = frozenset({"<|channel|>", "<|channel>", "<|message|>", "<|start|>", "<|end|>"})
"""The tokens that tags of channels are made of. Other models end their turns with some of them."""
OPEN_AT_END = re.compile(rf"(?:{'|'.join(opening for opening, _ in TAG_PAIRS[:-2])})\s*\Z", re.IGNORECASE)
MAX_OPEN_TAG = 160
"""Characters at the end of a prompt in which an opening tag is looked for."""
INVISIBLE_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Characters without a mark that Unicode counts as letters or symbols."""


def is_blank(text: str) -> bool:
    """Whether `text` has no visible character: only spaces, control characters and characters of no width."""
    return all(unicodedata.category(one)[0] in "ZC" or one in INVISIBLE_LETTERS for one in text)


def find_tags(tokens: Iterable[str]) -> frozenset[str]:
    """Return those of `tokens`, the special tokens of a model, that are thinking tags or parts of them."""
    known = frozenset(tokens)
    tags = frozenset(token for token in known if TAG.fullmatch(token) or WRAPPER_TAG.fullmatch(token))
    channels = CHANNEL_PARTS & known if any(CHANNEL.fullmatch(token) for token in known) else frozenset[str]()
    marks = frozenset(token for token in tags if TAG.fullmatch(token))
    return tags | channels if marks or channels else frozenset()


def close(prompt: str) -> str:
    """Return `prompt` with the thinking closed that it opens at its end, so that the model begins with its answer."""
    tag = find_open_tag(prompt).rstrip()
    closing = CLOSINGS.get(tag) or (f"</{tag[1:-1].split()[0]}>" if tag.startswith("<") and tag.endswith(">") else "")
    return f"{prompt.rstrip()}\n\n{closing}\n\n" if tag and closing else prompt


def find_open_tag(prompt: str) -> str:
    """Return the opening tag that `prompt` ends with, with the space after it; empty if it ends with none."""
    found = OPEN_AT_END.search(prompt[-MAX_OPEN_TAG:])
    return found[0] if found else ""


def split(text: str) -> tuple[str, str]:
    """Return the thinking in `text`, and the rest, which is the answer. Linear in the length of the text."""
    thinking, rest, place, inside = list[str](), list[str](), 0, None
    for tag in _find_tags(text):
        opens, number = _read_tag(tag)
        if inside is None and opens:
            rest.append(text[place : tag.start()])
            inside = number
        elif inside is None and number in LONE_CLOSINGS:
            thinking += [*rest, text[place : tag.start()]]
            rest = []
        elif inside == number and not opens:
            thinking.append(text[place : tag.start()])
            inside = None
        else:
            continue
        place = tag.end()
    (rest if inside is None else thinking).append(text[place:])
    return "".join(thinking).strip(), "".join(rest) if place == 0 else _unwrap("".join(rest))


def _find_tags(text: str) -> Iterator[re.Match[str]]:
    """Yield the tags in `text`, in order. Those whose openings are words are found if the text starts with one."""
    if WORD_OPENINGS.match(text):
        yield from TAG.finditer(text)
        return
    place = 0
    while start := TAG_START.search(text, place):
        tag = TAG.match(text, start.start())
        place = start.end()
        if tag:
            yield tag
            place = tag.end()


def _read_tag(tag: re.Match[str]) -> tuple[bool, int]:
    """Return whether a tag opens, and the number of its pair."""
    name = tag.lastgroup or ""
    return name.startswith("open"), int(name.removeprefix("open").removeprefix("close"))


def _unwrap(rest: str) -> str:
    """Return what follows thinking, without the tags that mark it as the answer and without space around it."""
    found = WRAPPER.fullmatch(rest)
    if found is None:
        return rest.strip()
    return next(part for part in (found["inner"], found["between"], found["special"]) if part is not None).strip()
