"""The normal form of a text: what two items share when they count as the same.

Case is folded, and characters become what they are compatible with: `Ⅻ` is `XII`, and full-width digits are digits.
White space is collapsed, and dropped beside a sign, so `12 + 34` is `12+34`: a copy in other letters or with other
spacing is a copy. Texts are compared in this form and never shown in it.

Limits: compares characters, not meanings; `34+12` is another text than `12+34`, and `x²` is the same as `x2`.
"""

import re
import unicodedata

SPACE_BESIDE_SIGN = re.compile(r" (?=[^\w\s])|(?<=[^\w\s]) ")
MAX_PASSES = 8
"""Passes until nothing changes any more; two do for almost every text."""


def normalize(text: str) -> str:
    """`text` in Unicode's compatibility form (NFKC), case folded, with single spaces between words only.

    The normal form of a normal form is itself.
    """
    for _ in range(MAX_PASSES):
        form = _reduce(text)
        if form == text:
            break
        text = form
    return text


def _reduce(text: str) -> str:
    """One pass; dropping a space may bring together what composes into one character in the next."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return SPACE_BESIDE_SIGN.sub("", " ".join(folded.split()))
