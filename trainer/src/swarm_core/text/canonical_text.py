"""The canonical text: texts that differ only in spelling have the same one. It is for comparison and is never shown.

These do not count: case, white space next to a sign, invisible characters, compatible characters (`Ⅻ`, full-width
digits, mathematical letters), digits of another script, letters of another script that look like Latin ones, the glyph
of a dash, a quotation mark or a sign of arithmetic (`×`, `·`, or `x` between digits), quotation marks around the whole,
and `=`, `?`, `.`, `!` or a blank at the end, unless the `!` may be a factorial (`swarm_core.text.question_frame`).

A word that mixes Latin letters with others is folded by the look of its letters. A word without Latin letters is
folded only if all its letters look Latin, so texts of one other script stay different. A single small Greek letter is a
symbol and stays.

Sources: Unicode Standard Annex 15 (NFKC), Unicode Technical Standard 39 (`swarm_core.text.lookalikes`).

Limits: it compares characters and not meanings, so `34+12` differs from `12+34`. LaTeX and markup are not read. `0` and
`O` differ. `swarm_core.canonical_items` also uses the form that a judge knows.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import groupby

from swarm_core.text import letter_i, question_frame
from swarm_core.text.lookalikes import TO_LATIN, TO_LATIN_CASELESS

SIGNS = {
    **dict.fromkeys("−➖⁃˗", "-"),
    **dict.fromkeys("×✕✖⨉⨯╳⤫⤬·⋅∙•‧∗⁎✱✻\u2062", "*"),
    **dict.fromkeys("÷∕⁄➗⟋⧸╱⁁", "/"),
    **dict.fromkeys("➕᛭\u2064", "+"),
    **dict.fromkeys("꞊᐀⹀꓿", "="),
    **dict.fromkeys("“”„‟«»″〝〞「」『』", '"'),
    **dict.fromkeys("‘’‚‛‹›′‵´`ʼʹʻʽʾˈˊˋ˴՚՝ꞌ", "'"),
    **dict.fromkeys("∣│❘⏐", "|"),
    **dict.fromkeys("。｡٫ꓸ", "."),
    **dict.fromkeys("٬ꓹ\u2063", ","),
    "٪": "%",
    "؟": "?",
    "≟": "=?",
    **dict.fromkeys("∶꞉ː˸⁚։ꓽ", ":"),
    **dict.fromkeys("ǃⵑ", "!"),
    "‽": "?!",
    **dict.fromkeys("❨❲〔", "("),
    **dict.fromkeys("❩❳〕", ")"),
    **dict.fromkeys("❴", "{"),
    **dict.fromkeys("❵", "}"),
    **dict.fromkeys("❮˂", "<"),
    **dict.fromkeys("❯˃", ">"),
    **dict.fromkeys("˄ˆ", "^"),
    **dict.fromkeys("∼⁓˜", "~"),
    **dict.fromkeys("∖⟍⧵⧹", "\\"),
    "≤": "<=",
    "≥": ">=",
    "\u2800": " ",
}
"""Signs with several glyphs. The invisible operators of mathematics are signs, too."""
FRACTION_SLASH = "\u2044"
IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
"""Invisible characters that are neither format nor control characters (Default_Ignorable_Code_Point of Unicode)."""
CIRCLED = re.compile(r"(?:CIRCLED|SQUARED) LATIN CAPITAL LETTER ([A-Z])$")
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
WORD = re.compile(r"[^\W_]+")
LATIN = re.compile("[A-Za-z\u00c0-\u02af\u1d00-\u1d7f\ua720-\ua7ff]")
GREEK_WORD = re.compile("[\u0370-\u03ff]{2}")
SPACE_BESIDE_SIGN = re.compile(r" (?=[^\w\s])|(?<=[^\w\s]) ")
TIMES = re.compile(r"(?<=\d)(?: x |(?<!(?<![\d.])0)x)(?=\d)")
"""The letter x between two numbers. `0x10` is a hexadecimal number."""
MAX_MARKS = 30
"""The number of marks on a letter that no writing system exceeds (Annex 15, stream-safe text). Sorting more takes
quadratic time, so the rest is left out."""
MAX_PASSES = 8
"""Maximum number of passes. Two are enough for almost every text."""


def canonicalize(text: str) -> str:
    """Return the canonical text of `text`. The function is idempotent."""
    text = drop_excess_marks(text)
    for _ in range(MAX_PASSES):
        form = reduce_once(text)
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


def reduce_once(text: str) -> str:
    """Return `text` after one pass. Removing a space may join characters that the next pass composes into one."""
    text = CONTROL.sub("", text) if text.isascii() else fold_lookalikes(letter_i.fold(fold_characters(text)))
    folded = letter_i.drop_dots(unicodedata.normalize("NFKC", text.casefold()))
    spaced = SPACE_BESIDE_SIGN.sub("", " ".join(folded.split())).replace("`", "'")
    return question_frame.strip(TIMES.sub("*", spaced))


def fold_characters(text: str) -> str:
    """Return `text` in compatibility form (NFKC), with plain signs and digits and without invisible characters."""
    parts = []
    for raised, characters in groupby(text, is_superscript):
        part = "".join(map(fold_character, characters))
        parts.append(f"^{part}" if raised else part)
    return unicodedata.normalize("NFKC", "".join(parts))


@lru_cache(maxsize=65_536)
def is_superscript(character: str) -> bool:
    """Return whether a character is raised, such as `²`. NFKC would join it to the number before it."""
    return unicodedata.decomposition(character).startswith("<super>")


@lru_cache(maxsize=65_536)
def fold_character(character: str) -> str:
    """Return the plain form of one character; empty if it is invisible."""
    category = unicodedata.category(character)
    if character in SIGNS or category == "Pd":
        return SIGNS.get(character, "-")
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in {"Cf", "Cc", "Me"} or IGNORABLE.match(character):
        return " " if character.isspace() else ""
    if found := CIRCLED.search(unicodedata.name(character, "")):
        return found[1]
    plain = unicodedata.normalize("NFKC", character)
    is_fraction = unicodedata.decomposition(character).startswith("<fraction>")
    return f" {plain.replace(FRACTION_SLASH, SIGNS[FRACTION_SLASH])}" if is_fraction else plain


def fold_lookalikes(text: str) -> str:
    """Return `text` with Latin letters in place of the letters of other scripts that look like them."""
    if text.isascii():
        return text
    greek = GREEK_WORD.search(text) is not None
    return WORD.sub(lambda found: fold_word(found[0], greek), text)


def fold_word(word: str, greek: bool) -> str:
    """Return a word in Latin letters if it looks like one. `greek`: whether its text has words in Greek."""
    if word.isascii():
        return word
    if LATIN.search(word):
        return word.translate(TO_LATIN)
    letters = [letter for letter in word if letter.isalpha()]
    if len(letters) == 1 and GREEK_WORD.match(letters[0] * 2) and letters[0] not in "οΟ" and (greek or word.islower()):
        return word
    latin = word.casefold().translate(TO_LATIN_CASELESS)
    return latin if latin.isascii() else word
