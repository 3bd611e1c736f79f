"""The parser of items: it splits the completion of a generator into items. It never raises and never adds text.

The first marker found (`1.`, `2)`, `(3)`, `4:`, `**5.**`, `Question 6:`, `- `, `* `, `•`) decides what a marker is in
this completion: one of the same style, no deeper than two columns beyond the first, and, if numbered, the next number.
Every other line continues the item it stands in, so items may have many lines, nested lists, code, and text that begins
with a digit or a minus sign (`- -5+3`, `3.5 apples`).

Lines that are indented at least as far as the text after the marker belong to the item whatever they contain. That
indentation is removed if all further lines of the item have it. So the parser is the inverse of `prompts.format_list`,
which indents the further lines of an item: any text that `normalize_lines` returns is read as it was written.

The parser drops the following: text before the first marker, courtesies after the last item, code fences around the
list, rules between items, bold or backticks around a whole item unless it stands below its marker.

Limits: a completion without any marker is rejected as `Unlisted`, because an item cannot be distinguished from a
refusal there, and a refusal must not become an item. Courtesies are recognized by their English openings. An unknown
one stays in the last item, because an additional sentence does less harm than a truncated item.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from swarm_core.text import thinking

REVISION = 2
"""The revision of the parser. The digest contains it. Raise it when any completion gives other items."""


class RejectionReason(StrEnum):
    """The reasons why a piece of a completion is not an item."""

    EMPTY = "Empty"
    """The marker has no text after it."""
    TRUNCATED = "Truncated"
    """The last item of a completion that was cut off at its maximum length."""
    UNLISTED = "Unlisted"
    """The completion has no list marker."""
    NO_QUESTION = "NoQuestion"
    """Of a format with answers (`text.item_formats`): nothing stands before the choices and the answer."""
    NO_ANSWER = "NoAnswer"
    """Of a format with answers: no answer is stated."""
    NO_CHOICES = "NoChoices"
    """Of multiple choice: there are not two choices, or one is empty or a copy of another."""
    UNKNOWN_CHOICE = "UnknownChoice"
    """Of multiple choice: the answer names none of the choices, or two."""


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


# Many lines of a long text have a marker, and a frozen dataclass takes three times as long to make.
class Marker(NamedTuple):
    """The marker with which a line starts an item."""

    style: str
    number: int | None
    """None for bullets."""
    indent: int
    width: int
    """The number of columns before the text: the indentation, the sign and the spaces after it."""
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
NUMBER_STARTS, BULLETS, DOT = frozenset("#*(0123456789QPEIT"), frozenset("-*•"), "•"
"""The characters with which a marker may begin. Most lines of a text begin with another."""
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


def normalize_lines(text: str) -> str:
    """Return the form of `text` that items have: `\\n` is the only line end, and there is no white space around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def parse(text: str, limit: int, *, finished: bool = True) -> ParsedItems:
    """Return the first `limit` items of a completion. With `finished` false, its last item is rejected as truncated.

    Lists inside thinking are no items.
    """
    return parse_answer(thinking.split(text)[1], limit, finished=finished)


def parse_answer(text: str, limit: int, *, finished: bool = True) -> ParsedItems:
    """Return the items as `parse` does, of a text whose thinking is apart already."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    pieces, widths = split_items(whole.split("\n"))
    if not pieces:
        return ParsedItems((), (RejectedText(whole.strip(), RejectionReason.UNLISTED),) if whole.strip() else (), 0)
    items: list[str] = []
    rejected: list[RejectedText] = []
    for place, width in enumerate(widths):
        if len(items) == limit:
            return ParsedItems(tuple(items), tuple(rejected), len(pieces) - place)
        piece = remove_indent(pieces[place], width)
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
    body = line.lstrip(" \t")
    start = body[:1]
    indent = len(line) - len(body)
    if start in NUMBER_STARTS and (found := NUMBER_MARKER.fullmatch(line)):
        # `**1. Title** rest` opens its bold before the number: the text takes the sign along, or it would not balance.
        bold = found["bold"] if not (found["middle"] or found["end"]) and found["text"] else None
        style = f"{found['label'] or ''}{found['open']}1{found['close']}"
        return Marker(style, int(found["number"]), indent, find_text_column(found), (bold or "") + found["text"])
    return parse_bullet(body, indent) if start in BULLETS else None


def parse_bullet(body: str, indent: int) -> Marker | None:
    """Return the bullet that `body`, a line without its indentation, starts with; None if text touches the sign.

    Text may touch a dot.
    """
    text = body[1:].lstrip(" \t")
    spaces = len(body) - 1 - len(text)
    if text and not spaces and body[0] != DOT:
        return None
    return Marker(body[0], None, indent, indent + 1 + (spaces if text else 1), text)


def find_text_column(found: re.Match[str]) -> int:
    """Return the column of the text after a marker, or of the text below it if there is none after it."""
    return found.start("text") if found["text"] else len(found.string.rstrip(" \t")) + 1


def split_items(lines: list[str]) -> tuple[list[list[str]], list[int]]:
    """Return the lines of each item without its marker, and the column of each item's text.

    Both are empty if no line has a marker.
    """
    start, first = next(
        ((place, found) for place, line in enumerate(lines) if (found := parse_marker(line))), (0, None)
    )
    if first is None:
        return [], []
    code, dropped = find_fences(lines, start, first.width)
    last, pieces, widths = first, [[first.text]], [first.width]
    for place, line in enumerate(lines[start + 1 :], start + 1):
        expected = "" if last.number is None else str(last.number + 1)
        opening = None if place in code or expected not in line else parse_marker(line)
        if opening and opening.opens_after(first, last):
            last = opening
            pieces.append([opening.text])
            widths.append(opening.width)
        elif place not in dropped:
            pieces[-1].append(line)
    if find_indent(pieces[-1]) < widths[-1]:
        drop_courtesies(pieces)
    return pieces, widths


def find_indent(piece: list[str]) -> int:
    """Return the number of columns by which every further line of an item is indented; 0 if there is no such line."""
    return min((len(line) - len(line.lstrip(" ")) for line in piece[1:] if line.strip()), default=0)


def remove_indent(piece: list[str], width: int) -> list[str]:
    """Return an item whose further lines are moved to the left by their common indentation, at most by `width`.

    Blank lines and rules at its end are dropped, unless the rule has the whole indentation.
    """
    if len(piece) == 1:
        return piece
    common = min(find_indent(piece), width)
    if common < width:
        piece = trim_end(piece)
    return [piece[0], *(line[common:] if len(line) > common else line.strip(" ") for line in piece[1:])]


def find_fences(lines: list[str], start: int, width: int) -> tuple[set[int], set[int]]:
    """Return the lines of fenced code in items, and the fence lines outside all items; the list begins at line
    `start`. A fence that is indented by `width` belongs to its item."""
    fences = [
        place
        for place, line in enumerate(lines)
        if ("```" in line or "~~~" in line) and FENCE.fullmatch(line) and not line.startswith(" " * width)
    ]
    inside = [place for place in fences if place > start]
    if (len(fences) - len(inside)) % 2:  # a fence is open at the start of the list, so the fences enclose the list
        return set(), set(fences)
    pairs = zip(inside[::2], inside[1::2], strict=False)
    code = {place for opening, closing in pairs for place in range(opening, closing + 1)}
    return code, set(fences) - code


def drop_courtesies(pieces: list[list[str]]) -> None:
    """Remove courtesies from the last item, unless another item ends with one, too. Then they are part of the items."""
    last = trim_end(pieces[-1])
    if is_courtesy(last[-1]) and not any(is_courtesy(trim_end(piece)[-1]) for piece in pieces[:-1]):
        end = len(last)
        while end > 1 and (is_blank_or_rule(last[end - 1]) or is_courtesy(last[end - 1])):
            end -= 1
        pieces[-1] = last[:end]


def trim_end(piece: list[str]) -> list[str]:
    """Return the lines of an item without blank lines and rules at the end. The first line always stays."""
    end = len(piece)
    while end > 1 and is_blank_or_rule(piece[end - 1]):
        end -= 1
    return piece[:end]


def is_blank_or_rule(line: str) -> bool:
    """Return whether a line has no content."""
    return not line.strip() or RULE.fullmatch(line) is not None


def format_item(piece: list[str]) -> str:
    """Return the text of an item from its lines, without bold or backticks around the whole item.

    They stay around an item that stands below its marker.
    """
    item = "\n".join(piece).strip()
    wrap = find_wrap(item) if piece[0] else ""
    return item[len(wrap) : -len(wrap)].strip() if wrap else item


def find_wrap(item: str) -> str:
    """Return the sign, bold or a backtick, that stands around the whole item and not within it; "" if there is none."""
    if not item.startswith(("**", "`")):
        return ""
    for wrap in ("**", "`"):
        inner = item[len(wrap) : -len(wrap)]
        if item.startswith(wrap) and item.endswith(wrap) and inner and wrap not in inner:
            return wrap
    return ""


def is_courtesy(line: str) -> bool:
    """Return whether a line is a courtesy to the reader of the list."""
    return COURTESY.match(line.lstrip(" \t*_")) is not None
