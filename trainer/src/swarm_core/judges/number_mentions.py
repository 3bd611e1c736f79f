"""The numbers that a text mentions, each with its sign and with its relation to the number before it.

The text is plain mathematical text (`swarm_core.judges.plain_math`). A mention without a numeral is one that cannot be
an answer: an operand of a calculation, one end of a range, a bound of an inequality.

Limits: of a text with more than `MAX_MENTIONS` numbers the last ones are read.
"""

import re
from collections import deque
from dataclasses import dataclass, replace

from swarm_core.judges import number_context
from swarm_core.judges.number_context import MAX_CONTEXT
from swarm_core.judges.number_relations import Relation, find_relation
from swarm_core.judges.number_signs import Sign, read_sign
from swarm_core.judges.numerals import NUMERAL, Numeral, NumeralError, parse_numeral, shift_point
from swarm_core.judges.plain_math import MARK

MAX_MENTIONS = 1000
SCALE_POWERS = {
    "hundred": 2, "thousand": 3, "tausend": 3, "тысяч": 3, "k": 3, "lakh": 5, "lakhs": 5, "crore": 7, "crores": 7,
    "million": 6, "millions": 6, "millionen": 6, "millones": 6, "mio": 6, "mn": 6, "миллионов": 6, "dozen": None,
    "billion": 9, "billions": 9, "bn": 9, "milliarden": 9, "mrd": 9, "milliards": 9, "trillion": 12, "trillions": 12,
    "百": 2, "千": 3, "万": 4, "萬": 4, "亿": 8, "億": 8, "score": None,
}  # fmt: skip
"""Words after a number, with their powers of ten. None: the number counts something else than ones."""
SCALE = re.compile(rf"[ {MARK}]?(?P<word>[A-Za-zа-я]{{1,12}}|[百千万萬亿億])(?![A-Za-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """A number in a text."""

    start: int
    """Place of its first character, the sign included."""
    end: int
    relation: Relation = Relation.NONE
    """The relation to the mention before it."""
    numeral: Numeral | None = None
    """None if this cannot be an answer."""
    doubt: str | None = None
    """The reason why its value is not clear; None if it is."""
    denied: bool = False
    """Whether the text says that this is not the answer."""


def find_mentions(text: str) -> list[Mention]:
    """Return the numbers of `text` in order, without those that belong to words, exponents and indices, and without
    those that the text denies."""
    mentions: list[Mention] = []
    for found in deque(NUMERAL.finditer(text), MAX_MENTIONS):
        sign = read_sign(text, found.start())
        if sign is not None:
            mention = read_mention(text, found, sign)
            relation = Relation.NONE
            if mentions and not mention.denied:
                relation = find_relation(text[mentions[-1].end : found.start()])
            append(mentions, mention, relation)
    return [mention for mention in mentions if not mention.denied]


def append(mentions: list[Mention], mention: Mention, relation: Relation) -> None:
    """Append `mention`. If it is an operand, it and the mention before it lose their numerals."""
    if relation is Relation.OPERAND:
        mentions[-1], mention = replace(mentions[-1], numeral=None), replace(mention, numeral=None)
    mentions.append(replace(mention, relation=relation))


def read_mention(text: str, found: re.Match[str], sign: Sign) -> Mention:
    """Return the number of a match, without its relation."""
    start, end = found.span()
    before, after = text[max(start - MAX_CONTEXT, 0) : start], text[end : end + MAX_CONTEXT]
    starts_line, before = start <= MAX_CONTEXT or "\n" in before, before.rpartition("\n")[2]
    denied = number_context.is_denied(before, after)
    try:
        numeral = scale(parse_numeral(found), text, end)
    except NumeralError as error:
        return Mention(sign.start, end, doubt=str(error), denied=denied)
    if numeral is not None and sign.negative:
        numeral = numeral.negate()
    doubt = sign.doubt or number_context.find_doubt(before, after, starts_line=starts_line)
    part = number_context.is_part(before, after)
    return Mention(sign.start, end, numeral=None if part else numeral, doubt=doubt, denied=denied)


def scale(numeral: Numeral | None, text: str, end: int) -> Numeral | None:
    """Return `numeral` times the power of ten of a word after it, such as `million`. None if it counts dozens."""
    found = SCALE.match(text, end)
    word = found["word"].lower() if found else ""
    if numeral is None or word not in SCALE_POWERS:
        return numeral
    power = SCALE_POWERS[word]
    return None if power is None else shift_point(numeral, power)
