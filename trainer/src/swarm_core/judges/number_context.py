"""What the text around a number says about it: that it is not the answer, that it is only a bound, or that it is in
doubt.

All functions take `before`, the text before the digits on the same line, and `after`, the text after them. Both are
short (`MAX_CONTEXT`), which bounds the time.

Limits: words are known in a few languages.
"""

import re

from swarm_core.judges.plain_math import BRACKETS, CURRENCY, MARK

MAX_CONTEXT = 40
"""Number of characters that are read on each side of a number."""
LEAD = rf"[{BRACKETS}\"':]*[-+]?[{BRACKETS}]*\Z"
"""What may stand between a word and the digits."""

NOT_BEFORE = re.compile(
    r"(?:\b(?:not|never|isn't|wasn't|can't|cannot|couldn't|won't|than|instead[ ]of|nicht|keine?|statt|non|pas|не)"
    r"|不是|而非|≠)"
    rf"(?:[ ](?:equal[ ]to|simply|just|be|exactly|gleich|égal[ ]à))?{LEAD}",
    re.IGNORECASE,
)
NOT_AFTER = re.compile(
    rf"[ {MARK}{CURRENCY}\"']{{0,4}}(?:(?:is|was|are|ist|est|es|would[ ]be)"
    r"[ ](?:not|incorrect|wrong|false|falsch|nicht|faux|incorrecto)\b|isn't|wasn't|cannot[ ]be|can't[ ]be)",
    re.IGNORECASE,
)
BOUND_BEFORE = re.compile(
    rf"(?:[^\s<>][ ]?[<>]=?|[<>]=|\A[ ]*<|\b(?:than|least|most|over|under|above|below|up[ ]to|nearly|almost)){LEAD}",
    re.IGNORECASE,
)
BOUND_AFTER = re.compile(rf"[ {MARK}{CURRENCY}}})]*[<>]")
OPERAND_BEFORE = re.compile(r"[^\s=≈:;,(¦*+/÷^-][ ]?(?:[+/÷^]|(?<! )\*|\*(?= ))[ ]?[(]?\Z")
"""A word or a letter, and an operator after it."""
TIMES_AFTER = re.compile(r"[xX] ?[0-9(]")
ARGUMENT = re.compile(
    r"(?:[A-Za-z]\(|√[ ]?[({]?|\\[A-Za-z]+[ ]?\{[ {(]*|\\sqrt[ ]?"
    r"|(?<![A-Za-z])(?:log|ln|lg|exp|sin|cos|tan|sqrt|root[ ]of)(?:_\{?[0-9]{1,3}\}?)?[ ]?[({]?)[-+]?\Z"
)
BOX_CONTENT = re.compile(r"\\f?box(?:ed)? ?\{ ?[-+]?\Z")
ABSOLUTE = re.compile(r"\|[-+]\Z")

QUOTED = re.compile(rf"[ ]*>[> ]*[{BRACKETS}+-]*")
MINUS_AFTER = re.compile(r"-(?![\w-])")
CODE_AFTER = re.compile(r"(?![A-Za-z]{1,4}[23](?![0-9A-Za-z])|[xX] ?[0-9(])[A-Za-z]{1,40}[0-9]")
"""A code, which is neither a unit such as `cm2` nor a product."""
FACTOR_AFTER = re.compile(
    rf"[ {MARK}]?(?:[π√‱]|\\(?:pi|sqrt|tau|infty)(?![A-Za-z]))|[ixyzn](?![A-Za-z])|[ ](?:squared|cubed|factorial)\b"
)
"""A symbol, a variable or a word that changes the value of the number before it."""
BASE_AFTER = re.compile(r"[)}]?_[ ]?\{?[ ]?(?!10\b)[0-9]")
"""An index that names another base than ten."""
REMAINDER_AFTER = re.compile(r"[ ][rR]\.?[ ]?[0-9]")
REPEATS_AFTER = re.compile(
    r"[ ](?:repeating|recurring|repeated|periodisch|Periode|périodique|periódico)\b", re.IGNORECASE
)
TUPLE = re.compile(r"[(\[][ ]?\Z|\\\{[ ]?\Z|[(\[][^()\[\]A-Za-z]*(?:\\[a-z]{2,6})?[^()\[\]A-Za-z]*,[ ]?[-+]?\Z")
"""What opens a point, an interval or a set, with its parts before the number."""
PAIR = re.compile(r"[0-9]+,(?![0-9]{3}\Z)[0-9]+")
TUPLE_END = re.compile(r"[ ]?(?:[)\]]|\\\})")
DOUBTS_AFTER = (
    (MINUS_AFTER, "a minus sign after the number"),
    (CODE_AFTER, "digits and letters in one word"),
    (FACTOR_AFTER, "a symbol or a word after the number, which changes its value"),
    (BASE_AFTER, "an index after the number, which may name a base"),
    (REMAINDER_AFTER, "a remainder after the number"),
    (REPEATS_AFTER, "a word after the number that says that its digits repeat"),
)
"""What may follow a number, and why its value is not clear then."""


def is_denied(before: str, after: str) -> bool:
    """Return whether the text says that the number is not the answer."""
    return bool(NOT_BEFORE.search(before) or NOT_AFTER.match(after))


def is_part(before: str, after: str) -> bool:
    """Return whether the number is only a bound, an operand, or the argument of a function."""
    argument = ARGUMENT.search(before) and not BOX_CONTENT.search(before)
    absolute = ABSOLUTE.search(before) and after.startswith("|")
    bound = BOUND_BEFORE.search(before) or BOUND_AFTER.match(after)
    return bool(argument or absolute or bound or OPERAND_BEFORE.search(before) or TIMES_AFTER.match(after))


def find_doubt(before: str, after: str, *, starts_line: bool) -> str | None:
    """Return the reason why the value of the number is not clear; None if it is. `starts_line`: whether `before` begins
    with the line."""
    if starts_line and QUOTED.fullmatch(before):
        return "'>' before the number, which may quote or compare"
    return next((reason for form, reason in DOUBTS_AFTER if form.match(after)), None)


def is_in_tuple(written: str, before: str, after: str) -> bool:
    """Return whether a number, as `written`, is one or two parts of a point, an interval or a set, such as `(1,2)`.

    Three digits after a comma are a group.
    """
    found = TUPLE.search(before) if TUPLE_END.match(after) else None
    return found is not None and ("," in found[0] or PAIR.fullmatch(written) is not None)
