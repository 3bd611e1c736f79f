"""Characters that look like the letter i in English: the dotless `ı`, the dotted `İ`, and `¡` beside a letter.

The dotless `ı` is a letter of its own in Turkish, where `sınır` and `sinir` are two words. So it is folded only in a
text with an English word that Turkish does not have. `¡` is folded in a word, and before a word if no `!` closes the
exclamation that it would open.

Limits: an English text without any of `ENGLISH` keeps its `ı`. An opening `¡` without `!` becomes an i.
"""

import re

ENGLISH = re.compile(
    r"\b(?:the|that|this|these|there|then|what|which|who|whose|whom|how|when|where|why|with|does|did|each|every|many|much|"
    r"from|for|and|find|compute|calculate|solve|give|write|show|following|answer)\b",
    re.IGNORECASE,
)
INVERTED = re.compile("¡+")
DOTTED = "i\u0307"


def fold(text: str) -> str:
    """Return `text` with an i in place of every `ı` and `¡` that can only be read as one."""
    if "¡" in text:
        closed = "!" in text
        text = INVERTED.sub(lambda found: fold_inverted(found, closed), text)
    if "ı" in text:
        plain = text.replace("ı", "i")
        text = plain if ENGLISH.search(plain) else text
    return text


def fold_inverted(found: re.Match[str], closed: bool) -> str:
    """Return a run of `¡` as letters if it stands in a word, or before one and no `!` closes it."""
    start, end = found.span()
    before, after = found.string[max(0, start - 1) : start], found.string[end : end + 1]
    return "i" * len(found[0]) if before.isalpha() or (after.isalpha() and not closed) else found[0]


def drop_dots(text: str) -> str:
    """Return `text`, which is in lower case, without the second dot on an i: that of `İ`."""
    return text.replace(DOTTED, "i")
