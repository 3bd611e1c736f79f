"""An index of texts that finds the one that a text holds as a whole, with other words around it.

Words around an item make another text of it and no other item: `Think hard, please. <a seed item> Good luck!`. A text
holds another if its words contain all words of the other, in order and without a gap. Words are those of the canonical
texts (`ngram_index.find_words`), so it holds in any spelling.

Limits: texts of fewer than `MIN_WORDS` words are never found, because other items may hold them by chance. A word that
is put inside an item makes it another one; `similarity` of a gate finds that.
"""

from collections.abc import Iterable, Sequence

from swarm_core.ngram_index import find_words

MIN_WORDS = 8
"""The least number of words of a text that another may not hold. Contamination compares as many words by default."""
Words = tuple[str, ...]


class PaddedCopyIndex:
    """Texts by the first `MIN_WORDS` words of each. A text may be added."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._by_start: dict[Words, list[tuple[Words, int]]] = {}
        self._size = 0
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Add a text. Its place is the number of texts before it."""
        words = tuple(find_words(text))
        if len(words) >= MIN_WORDS:
            self._by_start.setdefault(words[:MIN_WORDS], []).append((words, self._size))
        self._size += 1

    def find(self, text: str) -> Iterable[int]:
        """Yield the places of the texts that `text` holds."""
        words: Sequence[str] = tuple(find_words(text))
        for start in range(len(words) - MIN_WORDS + 1):
            for whole, place in self._by_start.get(tuple(words[start : start + MIN_WORDS]), ()):
                if words[start : start + len(whole)] == whole:
                    yield place
