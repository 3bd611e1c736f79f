"""An index of texts that finds the one that a text holds as a whole, with other words around it.

Words around an item make another text of it and no other item: `Think hard, please. <a seed item> Good luck!`. A text
holds another if its words contain all words of the other, in order and without a gap. Words are those of the canonical
texts (`ngram_index.find_words`), so it holds in any spelling.

Limits: texts of fewer than `MIN_WORDS` words are never found, because other items may hold them by chance. A word that
is put inside an item makes it another one; `similarity` of a gate finds that.
"""

from collections.abc import Iterable

from swarm_core.ngram_index import find_words

MIN_WORDS = 8
"""The least number of words of a text that another may not hold. Contamination compares as many words by default."""
Words = tuple[str, ...]


class PaddedCopyIndex:
    """Texts by the first `MIN_WORDS` words of each, then by length. A text may be added. So many texts of one template
    are found as fast as one."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._by_start: dict[Words, dict[int, dict[Words, list[int]]]] = {}
        self._size = 0
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Add a text. Its place is the number of texts before it."""
        words = tuple(find_words(text))
        if len(words) >= MIN_WORDS:
            same_length = self._by_start.setdefault(words[:MIN_WORDS], {}).setdefault(len(words), {})
            same_length.setdefault(words, []).append(self._size)
        self._size += 1

    def find(self, text: str) -> Iterable[int]:
        """Yield the places of the texts that `text` holds."""
        words = tuple(find_words(text))
        for start in range(len(words) - MIN_WORDS + 1):
            for length, texts in self._by_start.get(words[start : start + MIN_WORDS], {}).items():
                yield from texts.get(words[start : start + length], ())
