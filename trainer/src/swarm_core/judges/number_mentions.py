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
from swarm_core.judges.numerals import NUMERAL, Numeral, NumeralError, parse_numeral
from swarm_core.judges.scale_words import Scaled, add_part, read_scale

MAX_MENTIONS = 100
TWO_UNITS = "a quantity in two units"


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
    power: int = 0
    """The power of ten of the words after it, such as `thousand`; 0 if it has none."""
    denied: bool = False
    """Whether the text says that this is not the answer."""


def find_mentions(text: str) -> list[Mention]:
    """Return the numbers of `text` in order, without those that belong to words, exponents and indices, and without
    those that the text denies."""
    mentions: list[Mention] = []
    for found in deque(NUMERAL.finditer(text), MAX_MENTIONS):
        sign = read_sign(text, found.start())
        if sign is not None:
            gap = text[mentions[-1].end : found.start()] if mentions else None
            append(mentions, read_mention(text, found, sign), gap)
    return [mention for mention in mentions if not mention.denied]


def append(mentions: list[Mention], mention: Mention, gap: str | None) -> None:
    """Append `mention`. `gap`: the text between it and the mention before it; None if it is the first.

    If it is a part of the number before it, the two become one. If it is an operand, both lose their numerals.
    """
    if gap is None or mention.denied:
        mentions.append(mention)
    elif joined := join(mentions[-1], mention, gap):
        mentions[-1] = joined
    else:
        relation = find_relation(gap)
        if relation is Relation.OPERAND:
            mentions[-1], mention = replace(mentions[-1], numeral=None), replace(mention, numeral=None)
        doubt = TWO_UNITS if relation is Relation.TWO_UNITS else mention.doubt
        mentions.append(replace(mention, relation=relation, doubt=doubt))


def join(whole: Mention, part: Mention, gap: str) -> Mention | None:
    """Return the number of which `whole` and `part` are parts (`9 thousand 500`); None if they are two numbers."""
    if whole.numeral is None or part.numeral is None:
        return None
    numeral = add_part(whole.numeral, whole.power, gap, part.numeral, part.power)
    if numeral is None:
        return None
    return replace(whole, end=part.end, numeral=numeral, power=part.power, doubt=whole.doubt or part.doubt)


def read_mention(text: str, found: re.Match[str], sign: Sign) -> Mention:
    """Return the number of a match, without its relation."""
    start = found.start()
    try:
        scaled = read_scale(parse_numeral(found), text, found.end())
    except NumeralError as error:
        scaled = Scaled(None, found.end(), doubt=str(error))
    before, after = text[max(start - MAX_CONTEXT, 0) : start], text[scaled.end : scaled.end + MAX_CONTEXT]
    starts_line, before = start <= MAX_CONTEXT or "\n" in before, before.rpartition("\n")[2]
    numeral = scaled.numeral.negate() if scaled.numeral is not None and sign.negative else scaled.numeral
    part = sign.subtracts or number_context.is_part(before, after)
    doubt = scaled.doubt or sign.doubt or number_context.find_doubt(before, after, starts_line=starts_line)
    if number_context.is_in_tuple(found[0], before, after):
        doubt = "one of several parts in brackets"
    return Mention(
        sign.start,
        scaled.end,
        numeral=None if part else numeral,
        power=scaled.power,
        doubt=doubt,
        denied=number_context.is_denied(before, after),
    )
