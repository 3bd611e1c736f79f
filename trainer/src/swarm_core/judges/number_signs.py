"""The sign of a number in a text.

A minus sign that touches the number belongs to it, unless a digit or a closing bracket stands before the sign. A letter
before the sign makes the digits part of a name, such as `GPT-4`. A sign apart from the number counts after `=` or an
opening bracket. At the start of a line it may be a bullet, so the number is in doubt, as it is after `±` or a long
dash.

Limits: words for the sign are known in a few languages.
"""

import re
from dataclasses import dataclass

from swarm_core.judges.plain_math import CURRENCY, MARK

MAX_DRESS = 8
"""Number of brackets, marks and currency signs that may stand between the sign and the number."""
MINUS_WORD = re.compile(
    r"(?<!\w)(?:minus|negative|negativ|negativo|négatif|moins|menos|meno|eksi|âm|минус|мінус|ujemne|ناقص|سالب|منفی|מינוס|ऋण"
    r"|माइनस|마이너스|음수)[ ]\Z|(?:マイナス|负的?|負の?|마이너스)[ ]?\Z",
    re.IGNORECASE,
)
DRESS = f"({{[{MARK}{CURRENCY}"


@dataclass(frozen=True, slots=True)
class Sign:
    """The sign of a number."""

    start: int
    """Place of the sign, or of the number if it has none."""
    negative: bool = False
    subtracts: bool = False
    """Whether it touches the number and the end of another operand, so that the number is subtracted."""
    doubt: str | None = None
    """The reason why the sign is not clear; None if it is."""


def read_sign(text: str, start: int) -> Sign | None:
    """Return the sign of the numeral at `start`; None if the digits there belong to a word, an exponent or an index."""
    before = text[max(start - 16, 0) : start]
    bare = before[-MAX_DRESS:].rstrip(DRESS)
    last, earlier = bare[-1:], bare[:-1].rstrip(" ")[-1:]
    if last in ("^", "_") or is_letter(before[-1:]):
        return None
    if word := MINUS_WORD.search(before):
        return Sign(start - len(word[0]), negative=True)
    place = start - (len(before[-MAX_DRESS:]) - len(bare)) - 1
    if last == "-":
        return read_minus(place, bare[:-1])
    if last == " " and bare[-2:-1] in ("-", "—", "±"):
        return read_spaced_minus(place - 1, bare)
    return Sign(place if last in ("—", "±") else start, doubt=find_doubt(last, earlier))


def find_doubt(last: str, earlier: str) -> str | None:
    """Return the reason why a number is not clear after the character `last`, with `earlier` before that; None if it
    is."""
    if last in ("—", "±"):
        return f"{last!r} before the number"
    if last == "}":
        return "an exponent or a group that touches the digits"
    if last == "." and is_letter(earlier):
        return "a point between a word and the digits"
    if last == "," and earlier in ("", "\n", MARK):
        return "a comma before the number"
    return None


def read_minus(place: int, before: str) -> Sign | None:
    """Return the sign that the `-` at `place` is, which touches the number; None if it joins the number to a word."""
    if before.rstrip(f"({{[{MARK}")[-1:] == "-":
        return Sign(place, doubt="two signs before the number")
    if is_letter(before[-1:]):
        return None
    return Sign(place, negative=not ends_operand(before), subtracts=ends_operand(before))


def read_spaced_minus(place: int, bare: str) -> Sign:
    """Return the sign that the `-` at `place` is, which a space separates from the number. `bare`: the text to the
    space."""
    before = bare[:-2]
    opened = before[-1:] == MARK or before.rstrip(f" {MARK}{CURRENCY}")[-1:] in tuple("=≈([{:")
    if bare[-2] == "-" and opened:
        return Sign(place, negative=True)
    if ends_operand(before.rstrip(f" {MARK}{CURRENCY}")):
        return Sign(place + 2)
    return Sign(place, doubt="a dash before the number, which may be a sign")


def ends_operand(before: str) -> bool:
    """Return whether a text ends with a number or a closing bracket, so that a minus after it subtracts."""
    return before[-1:].isdecimal() or before[-1:] in tuple(")}]%")


def is_letter(character: str) -> bool:
    """Return whether a character belongs to a word that may contain digits, as Chinese characters do not."""
    return (character.isalpha() and character < "\u0590") or character == "\\"
