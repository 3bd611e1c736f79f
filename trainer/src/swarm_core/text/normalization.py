"""The normal form of a text. Two items count as duplicates if their normal forms are equal.

Case is folded, and characters are replaced by compatible ones: `Ⅻ` becomes `XII`, and full-width digits become digits.
White space is collapsed, and removed next to a sign, so `12 + 34` becomes `12+34`. The form is only for comparison and
is never shown.

Limits: it compares characters and not meanings. `34+12` differs from `12+34`, and `x²` equals `x2`. Of the marks on one
letter only the first `MAX_MARKS` count, because sorting marks takes quadratic time.
"""

import re
import unicodedata

SPACE_BESIDE_SIGN = re.compile(r" (?=[^\w\s])|(?<=[^\w\s]) ")
MAX_MARKS = 30
"""The number of marks that no writing system exceeds, according to Unicode Standard Annex 15 (stream-safe text)."""
MAX_PASSES = 8
"""Maximum number of passes. Two are enough for almost every text."""


def normalize(text: str) -> str:
    """`text` in Unicode compatibility form (NFKC), with case folded and single spaces only between words.

    The function is idempotent.
    """
    text = drop_excess_marks(text)
    for _ in range(MAX_PASSES):
        form = _reduce(text)
        if form == text:
            break
        text = form
    return text


def drop_excess_marks(text: str) -> str:
    """`text` with at most `MAX_MARKS` combining marks in a row."""
    if text.isascii():
        return text
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def _reduce(text: str) -> str:
    """Return `text` after one pass. Removing a space may join characters that the next pass composes into one."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return SPACE_BESIDE_SIGN.sub("", " ".join(folded.split()))
