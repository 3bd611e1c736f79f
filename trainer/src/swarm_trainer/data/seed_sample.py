"""Keeps a uniform sample of seed items in bounded memory, without copies, and counts what is left out.

The items with the lowest SHA-256 of seed and canonical form are kept, so the sample does not depend on the order of the
items.

Limits: a copy of an item that is not kept is counted as not sampled.
"""

import hashlib
import heapq
from dataclasses import dataclass, field

from swarm_core.canonical_items import canonicalize_item
from swarm_core.items import Item
from swarm_core.ports import Judge

COPY = "copies of another item"
NOT_SAMPLED = "beyond maxItems"


@dataclass(frozen=True, slots=True)
class SeedItem:
    """One seed item."""

    item: Item
    cluster: str | None = None
    """The name of the cluster, if the data gives one."""
    place: str = ""
    """Where it is in the data, such as `line 3`."""


@dataclass(slots=True)
class LeftOut:
    """The records that gave no item, by reason."""

    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)
    """The place of the first of each reason."""

    def add(self, reason: str, place: str) -> None:
        """Count a record."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        self.first.setdefault(reason, place)

    def format_counts(self) -> str:
        """The counts on one line."""
        return ", ".join(
            f"{count:,} {reason}" + ("" if reason == NOT_SAMPLED else f" (first in {self.first[reason]})")
            for reason, count in self.counts.items()
        )


class Sample:
    """The items with the lowest keys, no two of them equal, in the order in which they were added."""

    def __init__(self, size: int, seed: int, left_out: LeftOut, judge: Judge | None) -> None:
        self._size, self._seed, self._left_out, self._judge = size, seed, left_out, judge
        self._heap: list[tuple[int, int, SeedItem]] = []
        self._keys: set[int] = set()
        self._added = 0

    def add(self, item: SeedItem) -> None:
        """Add an item, which may take the place of another. Counts what is left out."""
        key = int.from_bytes(rank(item.item, self._seed, self._judge)[:16])
        self._added += 1
        if key in self._keys:
            self._left_out.add(COPY, item.place)
            return
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, (-key, self._added, item))
        elif key < -self._heap[0][0]:
            self._keys.discard(-heapq.heapreplace(self._heap, (-key, self._added, item))[0])
            self._left_out.add(NOT_SAMPLED, item.place)
        else:
            self._left_out.add(NOT_SAMPLED, item.place)
            return
        self._keys.add(key)

    def items(self) -> list[SeedItem]:
        """The items that were kept, in order."""
        return [item for _, _, item in sorted(self._heap, key=lambda entry: entry[1])]


def rank(item: Item, seed: int, judge: Judge | None) -> bytes:
    """The rank of an item in every draw: the SHA-256 of the seed and of its canonical form."""
    return hashlib.sha256(f"{seed}:{canonicalize_item(item, judge)}".encode()).digest()
