"""The similarity of items to the documents of a corpus, by BM25 (`bm25s`, with its default tokenizer and parameters).

    similarity = min(100, mean of the k highest scores of the item's words * min(1, maxWords / number of words))

With `form: MatchedWords`, the score of each document is multiplied by the share of the item's distinct words that the
document has. A list of the corpus's keywords has many words, of which each document has few.

A word that an item repeats counts once, and a stop word scores nothing, but every word counts in the length. So words
in excess of `maxWords` lower the similarity unless they score more than the item's words do on average. A copy of a
document, in any spelling (`swarm_core.canonical_items`), has similarity 0, because it is not new.

Source: the released code of Data Swarms (arXiv 2506.00741), with k = 5; the limits are additions of dataswarm. Scores
are sums of single-precision floats, and are stored, so a replay does not compute them again.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from swarm_core.api.objective_data import CorpusData, SimilarityForm
from swarm_core.canonical_items import canonicalize_item
from swarm_core.items import Item
from swarm_core.objectives.personalization import HIGHEST

WORD = re.compile(r"(?u)\b\w\w+\b")
"""A word, as the tokenizer of bm25s sees it."""


class CorpusSimilarity:
    """Measures how similar texts are to the documents of a corpus. The index is built at the first call."""

    def __init__(self, documents: Sequence[str], settings: CorpusData) -> None:
        self.documents = documents
        self.settings = settings

    @cached_property
    def index(self) -> Any:
        """The index of the documents: a `bm25s.BM25`."""
        import bm25s  # noqa: PLC0415 (only objectives with a corpus need it)

        index = bm25s.BM25()
        index.index(split_words(self.documents), show_progress=False)
        return index

    def __call__(self, texts: Sequence[str]) -> tuple[float, ...]:
        """Return the similarity of each text, from 0 to 100."""
        return tuple(
            self.measure(text, list(dict.fromkeys(words)))
            for text, words in zip(texts, split_words(texts), strict=True)
        )

    @cached_property
    def document_words(self) -> tuple[frozenset[str], ...]:
        """The distinct words of each document, without stop words."""
        return tuple(map(frozenset, split_words(self.documents)))

    @cached_property
    def forms(self) -> frozenset[str]:
        """The documents in the form that all spellings of a text share."""
        return frozenset(canonicalize_item(Item(text), None) for text in self.documents)

    def measure(self, text: str, words: list[str]) -> float:
        """Return the similarity of one text. `words`: its distinct words without stop words."""
        if not words or canonicalize_item(Item(text), None) in self.forms:
            return 0.0
        import numpy as np  # noqa: PLC0415 (bm25s brings it)

        scores = self.index.get_scores(words)
        if self.settings.form is SimilarityForm.MATCHED_WORDS:
            scores = scores * [len(held.intersection(words)) / len(words) for held in self.document_words]
        count = min(self.settings.neighbors, len(scores))
        highest = float(np.sort(np.partition(scores, len(scores) - count)[-count:]).sum(dtype=np.float64)) / count
        length = sum(1 for _ in WORD.finditer(text))
        return min(HIGHEST, highest * min(1.0, self.settings.max_words / length))


def split_words(texts: Sequence[str]) -> list[list[str]]:
    """Return the words of each text without stop words, in lower case."""
    import bm25s  # noqa: PLC0415 (only objectives with a corpus need it)

    found: list[list[str]] = bm25s.tokenize(list(texts), return_ids=False, show_progress=False)
    return found
