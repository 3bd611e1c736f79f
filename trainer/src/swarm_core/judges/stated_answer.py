"""The number that a text states as its answer.

The rule, in this order:

1. The content of the last `\\boxed{...}`. It must be one number, or an equation that ends in one.
2. The number that directly follows the last `answer is`, `Answer:`, `####` or the like, unless the text corrects itself
   after it.
3. The last number, except numbers in parentheses after another number, and those that the text denies (`not 15`).

Of an equation the last side counts. Of an approximation the exact side counts, and the other must be a rounding of it.
No answer is stated by a calculation (`8-3`), a range (`45-46`), a list (`45 or 46`), or a bound (`> 45`).

Limits: rules 2 and 3 know words of a few languages. Numbers in words are not read.
"""

import re
from collections import deque
from dataclasses import dataclass

from swarm_core.judges.number_mentions import Mention, find_mentions
from swarm_core.judges.number_relations import Relation
from swarm_core.judges.number_signs import read_sign
from swarm_core.judges.numerals import Numeral
from swarm_core.judges.plain_math import BRACKETS, CURRENCY, MARK, to_plain_math

MAX_ANSWER = 262_144
"""Maximum length of an answer, in characters."""
MAX_BOXES = 16
"""Number of boxes that are read, from the end."""
MAX_BOX = 2000
"""Maximum length of the content of a box, in characters."""
BOX = re.compile(r"\\f?box(?:ed)? ?\{")
DIGITS_BEFORE = re.compile(rf"[0-9][.,']?[{MARK}{CURRENCY}]{{0,2}}\Z")
PERCENT_AFTER = re.compile(rf"[ {MARK}]{{0,3}}%")
MARKER = re.compile(
    rf"""
    (?:\#\#\#\#|(?<![A-Za-z])(?:(?:final|endgültige|finale)[ ])?
      (?:answer|ans|result|solution|antwort|ergebnis|lösung|réponse|résultat|respuesta|resultado|risposta|resposta|ответ
      |答案|答え|结果))
    [ {MARK}*_:=]{{0,8}}(?:is|are|equals|ist|lautet|beträgt|est|es|è|é|是|为|為|は)?[ {MARK}*_:]{{0,8}}
    (?:(?:therefore|simply|exactly|approximately|about|then|indeed|also|just|now|thus|equal[ ]to|de|of)[ ])?
    [ {MARK}*_:=≈]{{0,8}}(?:[A-Za-z][ ]?=[ ]?)?
    """,
    re.IGNORECASE | re.VERBOSE,
)
CORRECTION = re.compile(
    r"(?<![A-Za-z])(?:wait|no[,.!:]|actually|correction|sorry|oops|mistake|i mean|rather|instead|recheck|moment)"
    r"(?![A-Za-z])",
    re.IGNORECASE,
)
LIST = re.compile(rf"[{BRACKETS},;]*(?:or|and|oder|und|ou|et|o|y|или|и|或)?[{BRACKETS}]*", re.IGNORECASE)
MAX_LIST = 40
OPENING = re.compile(rf"[{BRACKETS}+-]*")


@dataclass(frozen=True, slots=True)
class StatedAnswer:
    """The answer of a text."""

    number: Numeral | None
    """None if the text does not state one number, but a calculation, a range or several."""
    approximation: Numeral | None = None
    """The number after `≈`, if the text states an exact number before it."""


class UnreadableError(ValueError):
    """The text states no number, or one whose value is not clear. The message gives the reason."""


def find_stated_answer(text: str) -> StatedAnswer:
    """Return the answer that `text` states. Raises UnreadableError."""
    if len(text) > MAX_ANSWER:
        raise UnreadableError(f"the answer has {len(text)} characters; at most {MAX_ANSWER} are read")
    plain = to_plain_math(text)
    box = find_box(plain)
    if box is not None:
        return read_only_answer(box)
    mentions = find_mentions(plain)
    if not mentions:
        raise UnreadableError("the answer states no number")
    first = find_marked(plain, mentions)
    if first is None:
        return read_last(plain, mentions)
    last = find_end(mentions, first)
    return read_statement(mentions, first, last, more=last + 1 < len(mentions) and is_listed(mentions[last + 1]))


def find_box(plain: str) -> str | None:
    """Return the content of the last box with a number, with that of the box before it if both stand in one list; None
    if there is none.

    Raises UnreadableError if that box is not closed.
    """
    content, place = "", 0
    for found in reversed(deque(BOX.finditer(plain), MAX_BOXES)):
        end = find_closing(plain, found.end())
        earlier = plain[found.end() : found.end() + MAX_BOX if end is None else end]
        if content:
            listed = end is not None and end < place and LIST.fullmatch(plain[end:place][:MAX_LIST])
            return f"{earlier} or {content}" if listed else content
        if any(map(str.isdecimal, earlier)):
            if end is None:
                raise UnreadableError("the last box is not closed")
            content, place = f"{read_box_sign(plain, found.start())}{earlier}{read_box_end(plain, end)}", found.start()
    return content or None


def read_box_sign(plain: str, start: int) -> str:
    """Return the minus sign that touches the box at `start`; empty if none does. Raises UnreadableError if digits touch
    it."""
    if DIGITS_BEFORE.search(plain, max(start - 8, 0), start):
        raise UnreadableError("digits touch the last box")
    sign = read_sign(plain, start)
    return "-" if sign is not None and sign.negative and plain[sign.start + 1] != " " else ""


def read_box_end(plain: str, end: int) -> str:
    """Return the sign of percent that follows the box, whose brace closes at `end`; empty if there is none. Raises
    UnreadableError if digits touch it."""
    if plain[end + 1 : end + 2].isdecimal():
        raise UnreadableError("digits touch the last box")
    return "%" if PERCENT_AFTER.match(plain, end + 1) else ""


def find_closing(plain: str, start: int) -> int | None:
    """Return the place of the brace that closes the one before `start`; None if there is none within MAX_BOX."""
    depth = 1
    for place in range(start, min(start + MAX_BOX, len(plain))):
        depth += {"{": 1, "}": -1}.get(plain[place], 0)
        if depth == 0:
            return place
    return None


def read_only_answer(box: str) -> StatedAnswer:
    """Return the answer of a box, which contains one statement. A dash at its beginning is a sign, because no list
    begins there."""
    mentions = find_mentions(f"={box}")
    if not mentions:
        raise UnreadableError("the box states no number")
    return read_statement(mentions, 0, find_end(mentions, 0), more=find_end(mentions, 0) + 1 < len(mentions))


def find_marked(plain: str, mentions: list[Mention]) -> int | None:
    """Return the index of the number that directly follows the last marker; None if the text corrects itself later."""
    starts = {mention.start: index for index, mention in enumerate(mentions)}
    index = None
    for found in MARKER.finditer(plain):
        opening = OPENING.match(plain, found.end(), found.end() + 8)
        places = range(found.end(), (opening.end() if opening else found.end()) + 1)
        index = next((starts[place] for place in places if place in starts), index)
    if index is None or CORRECTION.search(plain, mentions[index].end):
        return None
    return index


def find_end(mentions: list[Mention], first: int) -> int:
    """Return the index of the last number of the statement that begins with number `first`."""
    last = first
    while last + 1 < len(mentions) and mentions[last + 1].relation not in (Relation.NONE, Relation.JOINED):
        last += 1
    return last


def is_listed(mention: Mention) -> bool:
    """Return whether a number stands in one list with the number before it."""
    return mention.relation is Relation.JOINED


def read_last(plain: str, mentions: list[Mention]) -> StatedAnswer:
    """Return the answer of a text without a box and without a marker."""
    last = len(mentions) - 1
    while last > 0 and is_remark(plain, mentions[last - 1], mentions[last]):
        last -= 1
    first = last
    while first > 0 and mentions[first].relation not in (Relation.NONE, Relation.JOINED):
        first -= 1
    return read_statement(mentions, first, last, more=is_listed(mentions[first]))


def is_remark(plain: str, before: Mention, mention: Mention) -> bool:
    """Return whether a number stands in parentheses that open after another number on the same line."""
    gap = plain[before.end : mention.start]
    return (
        len(gap) <= MAX_BOX
        and "\n" not in gap
        and gap.count("(") > gap.count(")")
        and gap[:1] in f" {MARK}"
        and mention.relation is Relation.NONE
    )


def read_statement(mentions: list[Mention], first: int, last: int, *, more: bool) -> StatedAnswer:
    """Return the answer of the statement from number `first` to number `last`. `more`: other numbers are listed with
    it."""
    final = mentions[last]
    doubt = next((one.doubt for one in (mentions[last], mentions[first]) if one.doubt), None)
    if more:
        return StatedAnswer(None)
    if doubt is not None:
        raise UnreadableError(f"the answer is not clear: {doubt}")
    if last > first and final.relation is Relation.ABOUT and mentions[last - 1].numeral is not None:
        return StatedAnswer(mentions[last - 1].numeral, final.numeral)
    return StatedAnswer(final.numeral)
