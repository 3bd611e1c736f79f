"""An index of the word n-grams of many texts, which finds the text that shares most of them with a given one.

A text is read in its canonical form (`swarm_core.text.canonical_text`). A word is a run of letters or digits, a single
character of a script that is written without spaces, or a sign of arithmetic beside a number, so `2-3` and `2+3` share
no word pair. The overlap of two texts is the number of distinct n-grams that both have, divided by the number that the
one with fewer has. So a text that is embedded in a longer one overlaps fully. Words that more than `MAX_SHARING` texts
have in common, such as an instruction that all of them begin with, do not count.

An n-gram is stored as 52 bits of its BLAKE2b hash and the place of its text: 8 bytes for each n-gram of each text. In
an index of a billion n-grams, a look-up finds a wrong one with a probability of 1 in 4 million.

Limits: a text with fewer than n words has no n-gram and is never found. At most 16 million texts.
"""

import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from swarm_core.text.canonical_text import canonicalize

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
"""The scripts that are written without spaces: Thai, Lao, Burmese, Khmer, Kana and Han."""
WORD = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[^\W_])+|(?<=[\d)])[-+*/^=<>%!]|[-+*/^=<>%](?=[\d(])")
MAX_SHARING = 1000
"""The number of texts that may share an n-gram. One that more share says nothing about either of them."""
PLACE_BITS, KEY_BITS, BUCKETS = 24, 40, 1 << 12


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a text shares with one text of an index."""

    place: int
    """The place of that text in the index."""
    share: float
    """The share of the n-grams of the text that has fewer, from 0 to 1."""


class NgramIndex:
    """The n-grams of texts. They are computed at the first search, once."""

    def __init__(self, texts: Iterable[str], size: int) -> None:
        self._texts = tuple(texts)
        self._size = size
        self._counts = array("I")

    @cached_property
    def _buckets(self) -> list["array[int]"]:
        """The n-grams by the first bits of their hashes: [bucket][rank], the other bits before the place."""
        buckets = [array("Q") for _ in range(BUCKETS)]
        for place, text in enumerate(self._texts):
            grams = hash_ngrams(text, self._size)
            self._counts.append(len(grams))
            for gram in grams:
                buckets[gram >> KEY_BITS].append((gram % (1 << KEY_BITS)) << PLACE_BITS | place)
        return [array("Q", sorted(bucket)) for bucket in buckets]

    def find(self, text: str) -> Overlap | None:
        """Return the largest overlap of `text` with a text of the index; None if it shares no n-gram with any."""
        shared: Counter[int] = Counter()
        grams = hash_ngrams(text, self._size)
        counted = len(grams)
        for gram in grams:
            places = self._find_places(gram)
            counted -= places is None
            shared.update(places or ())
        overlaps = [Overlap(place, count / min(counted, self._counts[place])) for place, count in shared.items()]
        return max(overlaps, key=lambda found: (found.share, -found.place), default=None)

    def _find_places(self, gram: int) -> Sequence[int] | None:
        """Return the places of the texts with an n-gram; None if too many have it."""
        bucket, key = self._buckets[gram >> KEY_BITS], gram % (1 << KEY_BITS)
        start, end = bisect_left(bucket, key << PLACE_BITS), bisect_left(bucket, (key + 1) << PLACE_BITS)
        return None if end - start > MAX_SHARING else [found % (1 << PLACE_BITS) for found in bucket[start:end]]


def hash_ngrams(text: str, size: int) -> set[int]:
    """Return 52 bits of the hash of each distinct n-gram of a text."""
    words = find_words(text)
    grams = {" ".join(words[start : start + size]) for start in range(len(words) - size + 1)}
    return {int.from_bytes(blake2b(gram.encode(), digest_size=8).digest()) >> PLACE_BITS // 2 for gram in grams}


def find_words(text: str) -> list[str]:
    """Return the words of a text in its canonical form, in order."""
    return WORD.findall(canonicalize(text))
