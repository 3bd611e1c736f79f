"""The verifier for exact matches: the answer is right if it is the item's reference, apart from its spelling.

Compared are the whole answer, and the words that it states as its answer (`swarm_core.judges.stated_text`): one of them
must be the reference. Texts are compared in canonical form (`swarm_core.text.canonical_text`), without quotation marks,
brackets, markup and a period around them. With `ignoreArticles` the words `a`, `an` and `the` do not count, and with
`ignorePunctuation` no punctuation does, except signs of a number. Both are the normalization of SQuAD (arXiv
1606.05250), which has no such exception.

Limits: the reference is a claim of its source. Synonyms and longer forms of the right answer are wrong.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from swarm_core.blocks.scalars import Flag
from swarm_core.blocks.settings import Settings
from swarm_core.items import Item
from swarm_core.judges.stated_answer import UnreadableError
from swarm_core.judges.stated_text import NO_REFERENCE, find_stated_text, strip_wrapping
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Reply, Request
from swarm_core.text.canonical_text import canonicalize

ARTICLE = re.compile(r"(?<![^\W_])(?:an?|the)(?![^\W_])", re.IGNORECASE)
PUNCTUATION = re.compile(r"[^\w\s+.,-]|_|[+.,-](?![0-9])")
"""Signs that do not count. A sign before a digit may belong to a number."""


class ExactMatchSettings(Settings):
    """What does not count when an answer is compared with the reference, in addition to its spelling."""

    ignore_articles: Flag = False
    """Whether the words a, an and the do not count."""
    ignore_punctuation: Flag = False
    """Whether punctuation does not count, except the signs of a number."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"ignoreArticles": True}, {"ignorePunctuation": True})


@dataclass(frozen=True, slots=True)
class ExactMatchJudge:
    """Compares an answer with the item's reference, apart from spelling. It makes no requests."""

    revision: ClassVar[int] = 1
    settings: ClassVar[type[ExactMatchSettings]] = ExactMatchSettings

    ignore_articles: bool = False
    ignore_punctuation: bool = False

    @classmethod
    def from_settings(cls, settings: ExactMatchSettings) -> "ExactMatchJudge":
        """Return the verifier with these rules."""
        return cls(settings.ignore_articles, settings.ignore_punctuation)

    def refusal(self, item: Item) -> str | None:
        """Return the reason why nothing can match the reference of `item`; None if it can be matched."""
        if item.reference is None:
            return NO_REFERENCE
        return None if self.normalize(item.reference) else f"its reference {item.reference[:40]!r} has nothing to match"

    def solution(self, item: Item) -> str | None:
        """Return the reference of `item`; None if `refusal` refuses the item."""
        return None if self.refusal(item) else item.reference

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """No requests, because texts are compared."""
        return ()

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """1.0 if the answer is the reference, else 0.0.

        Unscored: UNREADABLE if the answer is too long, and JUDGE_FAILED if `refusal` refuses the item.
        """
        if item.reference is None or (refusal := self.refusal(item)):
            return Unscored(UnscoredReason.JUDGE_FAILED, NO_REFERENCE if item.reference is None else str(refusal))
        try:
            stated = find_stated_text(answer)
        except UnreadableError as error:
            return Unscored(UnscoredReason.UNREADABLE, str(error))
        return float(self.normalize(item.reference) in (self.normalize(answer), self.normalize(stated.text)))

    def normalize(self, text: str) -> str:
        """Return the form in which texts are compared; empty if nothing of `text` counts."""
        if self.ignore_punctuation:
            text = PUNCTUATION.sub("", text)
        if self.ignore_articles:
            text = ARTICLE.sub(" ", text)
        text = strip_wrapping(text)
        return canonicalize(text) if text else ""
