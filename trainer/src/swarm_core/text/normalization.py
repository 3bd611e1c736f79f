"""The normal form of a text: what two items share when they count as the same.

Case is folded, white space collapsed, and white space beside a sign dropped, so `12 + 34` is `12+34`: a copy with other
spacing is a copy.

Limits: compares characters, not meanings; `34+12` is another text than `12+34`.
"""

import re
import unicodedata

SPACE_BESIDE_SIGN = re.compile(r" (?=[^\w\s])|(?<=[^\w\s]) ")


def normalize(text: str) -> str:
    """`text` in Unicode's composed form, case folded, with single spaces between words only."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return SPACE_BESIDE_SIGN.sub("", " ".join(folded.split()))
