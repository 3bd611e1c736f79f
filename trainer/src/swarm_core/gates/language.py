"""The gate that rejects items in other languages than those that the spec names.

The host's language identifier gives every language that it knows a probability (`swarm_core.classification`). An item
is rejected if another language has at least the probability `confidence`, and at least `MARGIN` times that of the named
languages together. So an item whose language is not clear is admitted. An item without words, such as `97*98=?`, has no
language and is admitted: numbers, formulas, commands of LaTeX, names of functions, units and other words of one or two
letters are no words here.

Source: the identifier is `py3langid`, after Lui and Baldwin, "langid.py" (ACL 2012). Figures are in
`docs/decisions/0044-a-classifier-is-asked-like-a-model.md`.

Limits: it reads the text of an item, and not its choices. A foreign item of one or two words is often admitted. An item
in two languages has the language of its greater part.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from swarm_core import classification
from swarm_core.blocks.scalars import Number, OneOf
from swarm_core.blocks.settings import Settings
from swarm_core.classification import LANGUAGE_IDENTIFIER
from swarm_core.gates.gate_context import GateContext
from swarm_core.items import Item
from swarm_core.ports import Reply, Request, Undecided

LANGUAGES = (
    "af", "am", "an", "ar", "as", "az", "ba", "be", "bg", "bn", "br", "bs", "ca", "cs", "cy", "da", "de", "dz",
    "el", "en", "eo", "es", "et", "eu", "fa", "fi", "fo", "fr", "fy", "ga", "gd", "gl", "gu", "ha", "he", "hi",
    "hr", "ht", "hu", "hy", "id", "ig", "is", "it", "ja", "jv", "ka", "kk", "km", "kn", "ko", "ku", "ky", "la",
    "lb", "lg", "ln", "lo", "lt", "lv", "mg", "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nl", "nn", "no",
    "oc", "om", "or", "pa", "pl", "ps", "pt", "qu", "ro", "ru", "rw", "sa", "se", "si", "sk", "sl", "sn", "so",
    "sq", "sr", "st", "sv", "sw", "ta", "te", "tg", "th", "tk", "tl", "tr", "tt", "ug", "uk", "ur", "uz", "vi",
    "vo", "wa", "xh", "yo", "zh", "zu",
)  # fmt: skip
"""The languages that the identifier knows, by ISO 639-1."""
WORD = re.compile(r"\\?[^\W\d_]+")
FUNCTIONS = frozenset({
    "abs", "arccos", "arcsin", "arctan", "argmax", "argmin", "cos", "cosh", "cot", "csc", "deg", "det", "dim",
    "div", "exp", "gcd", "inf", "ker", "lcm", "lim", "ln", "log", "max", "min", "mod", "rad", "rank", "sec", "sgn",
    "sin", "sinh", "sqrt", "sup", "tan", "tanh",
})  # fmt: skip
"""Names in formulas, which are the same in every language."""
LEAST_LETTERS = 4
"""The number of letters in words below which a text has no language."""
MARGIN = 4
"""How many times as probable as the named languages another one must be, because close relatives are mistaken for each
other."""


class LanguageSettings(Settings):
    """The languages in which items may be."""

    languages: Annotated[tuple[Annotated[str, OneOf(LANGUAGES)], ...], Field(min_length=1, max_length=64)]
    """Languages in which items may be, by their codes in ISO 639-1, such as en. Norwegian is "no", in quotation marks:
    YAML reads a bare no as a boolean."""
    confidence: Number = Field(0.2, gt=0, le=1)
    """Least probability of another language for an item to be rejected, above 0 and at most 1. With a lower one, more
    short items in other languages are found, and more items in the named languages are rejected."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"languages": ["de", "fr"], "confidence": 0.5},
        {"languages": ["en"]},
    )


@dataclass(frozen=True, slots=True)
class LanguageGate:
    """Rejects items in other languages than those named. An item without words of any language is admitted."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "Language"
    settings: ClassVar[type[LanguageSettings]] = LanguageSettings

    languages: tuple[str, ...]
    confidence: float = 0.2

    @classmethod
    def from_settings(cls, settings: LanguageSettings, context: GateContext) -> "LanguageGate":
        """Return the gate for the languages of `settings`."""
        return cls(settings.languages, settings.confidence)

    def requests(self, item: Item) -> tuple[Request, ...]:
        """Return the request for the languages of `item`; empty if it has none."""
        return (classification.build_request(LANGUAGE_IDENTIFIER, item.text),) if has_words(item.text) else ()

    def refusal(self, item: Item, replies: Sequence[Reply]) -> str | Undecided | None:
        """Return the reason, if `item` is in another language; None if it may be in a named one, or has none."""
        if not replies:
            return None
        found = classification.read_labels(replies)
        if isinstance(found, str):
            return Undecided(found)
        named = sum(value for language, value in found.values if language in self.languages)
        others = [(value, language) for language, value in found.values if language not in self.languages]
        value, language = max(others, default=(0.0, ""))
        if value < max(self.confidence, MARGIN * named):
            return None
        return f"is in language {language!r} (probability {value:.2f}), and not in {', '.join(self.languages)}"


def has_words(text: str) -> bool:
    """Return whether a text has enough letters in words that tell its language."""
    words = [word for word in WORD.findall(text) if tells_language(word)]
    return sum(map(len, words)) >= LEAST_LETTERS or any(map(has_syllables, words))


def tells_language(word: str) -> bool:
    """Return whether a word may belong to a language: it is no command of LaTeX, no function, no unit and no symbol."""
    return not word.startswith("\\") and word.casefold() not in FUNCTIONS and (len(word) > 2 or has_syllables(word))


def has_syllables(word: str) -> bool:
    """Return whether a letter stands for a syllable or a word, as in Hindi, Thai, Chinese, Japanese and Korean."""
    return any("\u0900" <= letter < "\u1e00" or letter >= "\u2e80" for letter in word)
