"""The parser of items: it splits the completion of a generator into items. It never raises and never adds text.

The first marker found (`1.`, `2)`, `(3)`, `4:`, `**5.**`, `Question 6:`, `- `, `* `, `•`) decides what a marker is in
this completion: one of the same style, no deeper than two columns beyond the first, and, if numbered, the next number.
Every other line continues the item it stands in, so items may have many lines, nested lists, code, and text that begins
with a digit or a minus sign (`- -5+3`, `3.5 apples`).

The parser drops the following: text before the first marker, courtesies after the last item, code fences around the
list, rules between items, bold or backticks around a whole item.

Limits: a completion without any marker is rejected as `Unlisted`, because an item cannot be distinguished from a
refusal there, and a refusal must not become an item. Courtesies are recognized by their English openings. An unknown
one stays in the last item, because an additional sentence does less harm than a truncated item.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from swarm_core.text import thinking


class RejectionReason(StrEnum):
    """The reasons why a piece of a completion is not an item."""

    EMPTY = "Empty"
    """The marker has no text after it."""
    TRUNCATED = "Truncated"
    """The last item of a completion that was cut off at its maximum length."""
    UNLISTED = "Unlisted"
    """The completion has no list marker."""


@dataclass(frozen=True, slots=True)
class RejectedText:
    """Text that is not an item, with the reason."""

    text: str
    reason: RejectionReason


@dataclass(frozen=True, slots=True)
class ParsedItems:
    """The items of a completion and its other pieces."""

    items: tuple[str, ...]
    """The items in the order written, at most as many as were requested."""
    rejected: tuple[RejectedText, ...]
    surplus: int
    """The number of pieces beyond the requested number. They are neither items nor rejections."""


@dataclass(frozen=True, slots=True)
class Marker:
    """The marker with which a line starts an item."""

    style: str
    number: int | None
    """None for bullets."""
    indent: int
    text: str
    """The text after the marker."""

    def opens_after(self, first: "Marker", last: "Marker") -> bool:
        """Return whether this marker starts the item after `last` in the list that starts with `first`."""
        if self.style != first.style or self.indent >= first.indent + NESTED_INDENT:
            return False
        return last.number is None or self.number == last.number + 1


NESTED_INDENT = 2
"""The indentation in columns that makes a marker a nested one. A numbered list may shift by one column at 10."""

NUMBER_MARKER = re.compile(
    r"[ \t]*(?:#{1,6}[ \t]+)?(?P<bold>\*\*)?"
    r"(?:(?P<label>Question|Problem|Example|Exercise|Item|Task|Prompt|Query)[ \t]+)?"
    r"(?P<open>\(?)(?P<number>[0-9]{1,4})(?P<middle>\*\*)?(?P<close>\.\)|[.):])(?P<end>\*\*)?"
    r"(?:[ \t]+|$)(?P<text>.*)"
)
BULLET_MARKER = re.compile(r"[ \t]*(?:(?P<glyph>[-*])(?:[ \t]+|$)|(?P<dot>•)[ \t]*)(?P<text>.*)")
FENCE = re.compile(r"[ \t]*(?:```|~~~)[\w+-]*[ \t]*")
RULE = re.compile(r"[ \t]*(?:-{3,}|\*{3,}|_{3,})[ \t]*")
COURTESY = re.compile(
    r"(?:i hope|hope (?:this|these)|(?:please )?let me know|(?:please )?feel free|enjoy(?=[.!])|would you like"
    r"|is there anything else|if you(?:'d| would) like"
    r"|(?:these|each of these|all of these|the above)(?: (?:new|additional|five|[0-9]+))*"
    r" (?:questions?|problems?|examples?|exercises?|items?|tasks?|prompts?|queries|expressions?))\b",
    re.IGNORECASE,
)
"""Matches the openings of the sentences that models write after a list."""


def parse(text: str, limit: int, *, finished: bool = True) -> ParsedItems:
    """Return the first `limit` items of a completion. With `finished` false, its last item is rejected as truncated.

    Lists inside thinking are no items.
    """
    whole = thinking.split(text)[1].replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    pieces = split_items(whole.split("\n"))
    if not pieces:
        return ParsedItems((), (RejectedText(whole.strip(), RejectionReason.UNLISTED),) if whole.strip() else (), 0)
    items: list[str] = []
    rejected: list[RejectedText] = []
    for place, piece in enumerate(pieces):
        if len(items) == limit:
            return ParsedItems(tuple(items), tuple(rejected), len(pieces) - place)
        item = format_item(piece)
        if place == len(pieces) - 1 and not finished:
            rejected.append(RejectedText(item, RejectionReason.TRUNCATED))
        elif item:
            items.append(item)
        else:
            rejected.append(RejectedText("\n".join(piece).strip(), RejectionReason.EMPTY))
    return ParsedItems(tuple(items), tuple(rejected), 0)


def parse_marker(line: str) -> Marker | None:
    """Return the marker of `line`; None if it has none."""
    indent = len(line) - len(line.lstrip(" \t"))
    if found := NUMBER_MARKER.fullmatch(line):
        # `**1. Title** rest` opens its bold before the number: the text takes the sign along, or it would not balance.
        bold = found["bold"] if not (found["middle"] or found["end"]) and found["text"] else None
        style = f"{found['label'] or ''}{found['open']}1{found['close']}"
        return Marker(style, int(found["number"]), indent, (bold or "") + found["text"])
    if found := BULLET_MARKER.fullmatch(line):
        return Marker(found["glyph"] or found["dot"], None, indent, found["text"])
    return None


def split_items(lines: list[str]) -> list[list[str]]:
    """Return the lines of each item without markers; empty if no line has a marker."""
    start, first = next(
        ((place, found) for place, line in enumerate(lines) if (found := parse_marker(line))), (0, None)
    )
    if first is None:
        return []
    code, dropped = find_fences(lines, start)
    last, pieces = first, [[first.text]]
    for place, line in enumerate(lines[start + 1 :], start + 1):
        opening = None if place in code else parse_marker(line)
        if opening and opening.opens_after(first, last):
            last = opening
            pieces.append([opening.text])
        elif place not in dropped:
            pieces[-1].append(line)
    drop_courtesies(pieces)
    return pieces


def find_fences(lines: list[str], start: int) -> tuple[set[int], set[int]]:
    """Return the lines of fenced code in items, and the fence lines outside all items; the list begins at line
    `start`."""
    fences = [place for place, line in enumerate(lines) if FENCE.fullmatch(line)]
    inside = [place for place in fences if place > start]
    if (len(fences) - len(inside)) % 2:  # a fence is open at the start of the list, so the fences enclose the list
        return set(), set(fences)
    pairs = zip(inside[::2], inside[1::2], strict=False)
    code = {place for opening, closing in pairs for place in range(opening, closing + 1)}
    return code, set(fences) - code


def drop_courtesies(pieces: list[list[str]]) -> None:
    """Remove courtesies from the last item, unless another item ends with one, too. Then they are part of the items."""
    if not any(is_courtesy(trim_end(piece)[-1]) for piece in pieces[:-1]):
        last = trim_end(pieces[-1])
        while len(last) > 1 and is_courtesy(last[-1]):
            last = trim_end(last[:-1])
        pieces[-1] = last


def trim_end(piece: list[str]) -> list[str]:
    """Return the lines of an item without blank lines and rules at the end. The first line always stays."""
    end = len(piece)
    while end > 1 and (not piece[end - 1].strip() or RULE.fullmatch(piece[end - 1])):
        end -= 1
    return piece[:end]


def format_item(piece: list[str]) -> str:
    """Return the text of an item from its lines, without bold or backticks around the whole item."""
    item = "\n".join(trim_end(piece)).strip()
    for wrap in ("**", "`"):
        inner = item[len(wrap) : -len(wrap)]
        if item.startswith(wrap) and item.endswith(wrap) and inner and wrap not in inner:
            item = inner.strip()
    return item


def is_courtesy(line: str) -> bool:
    """Return whether a line is a courtesy to the reader of the list."""
    return COURTESY.match(line.lstrip(" \t*_")) is not None
