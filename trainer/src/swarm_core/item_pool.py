"""The pool of a game: the items that moving takers are measured on, and the archive of hard items.

A pool is a write-once object of a round. The commit of the takers' turn names it. It is a pure function of the previous
pool, of the round's new items and of the run's seed, so a replay of the run computes it again.

    slots     Each slot is replaced with probability `turnover`. A share `revisited` of these slots gets archived items,
              and the others get new items, drawn uniformly.
    archive   The newest `archive` items that the best taker of their round answered incorrectly. They show whether a
              taker forgets what it learned, and whether a game cycles.
    gates     An item enters only if it is not in the pool or the archive, in any spelling
              (`swarm_core.canonical_items`). Items that cannot be verified and copies of held-out items were rejected
              when they were written.

Source: the adversarial loop of Data Swarms (arXiv 2506.00741), which replaces slots in the same way, but has no checks
and no archive.

Limits: if there are fewer new items than slots to replace, the other slots keep their items.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from swarm_core import format_version, streams
from swarm_core.canonical_items import canonicalize_item
from swarm_core.gates.duplicate import DuplicateGate
from swarm_core.items import Item
from swarm_core.ports import Judge
from swarm_core.recipe import Digest, ModelName, canonical_json, digest_bytes

VERSION = 2
"""The version of the stored format. Version 2 stores items as records. Version 1 stored texts and had no version
field."""


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """One item of a pool and its origin."""

    item: Item
    round: int
    """The round in which the item was written; -1 for seed data."""
    model: ModelName | None = None
    """The recipe of its generator; None for seed data."""
    answer: str | None = None
    """The correct answer, if the judge can compute it."""

    @property
    def text(self) -> str:
        """The text that takers see."""
        return self.item.text

    def to_fields(self) -> dict[str, object]:
        """Return the entry as a JSON object."""
        return {"item": self.item.to_fields(), "round": self.round, "model": self.model, "answer": self.answer}


@dataclass(frozen=True, slots=True)
class Pool:
    """The items of one round."""

    round: int
    entries: tuple[PoolEntry, ...]
    archive: tuple[PoolEntry, ...] = ()
    """The archived items, newest first."""

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(entry.item for entry in self.entries)

    def to_bytes(self) -> bytes:
        fields = {
            format_version.FIELD: VERSION,
            "round": self.round,
            "entries": [entry.to_fields() for entry in self.entries],
            "archive": [entry.to_fields() for entry in self.archive],
        }
        return canonical_json(fields)

    @property
    def digest(self) -> Digest:
        return digest_bytes(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> "Pool":
        """Return the pool that `to_bytes` wrote. Raises UnknownVersionError for another format."""
        fields: dict[str, Any] = format_version.check(json.loads(data), "a pool", VERSION)
        return cls(fields["round"], _parse_entries(fields["entries"]), _parse_entries(fields["archive"]))


@dataclass(frozen=True, slots=True)
class TurnoverRule:
    """The rule by which a pool changes from round to round."""

    share: float
    """The probability that a slot is replaced."""
    revisited: float
    """The share of the replaced slots that get archived items."""
    archive: int
    """The maximum number of archived items."""
    seed: int


def _parse_entries(rows: Iterable[dict[str, Any]]) -> tuple[PoolEntry, ...]:
    return tuple(PoolEntry(Item.from_fields(row["item"]), row["round"], row["model"], row["answer"]) for row in rows)


def draw_initial(items: Sequence[PoolEntry], size: int, seed: int) -> Pool:
    """Return the first pool: `size` of the seed items, drawn uniformly. Raises ValueError if there are fewer."""
    return Pool(0, tuple(items[index] for index in streams.sample(seed, len(items), size, "pool")))


def update_archive(
    before: Pool, missed: Sequence[bool], most: int, judge: Judge | None = None
) -> tuple[PoolEntry, ...]:
    """Return the archive after a round: the entries that the best taker missed, and then the previous archive.

    `missed`: whether the best taker answered each entry of `before` incorrectly, [entry]. `most`: the maximum size.
    """
    new = [entry for entry, wrong in zip(before.entries, missed, strict=True) if wrong]
    kept = {canonicalize_item(entry.item, judge): entry for entry in [*new, *before.archive]}
    return tuple(kept.values())[:most]


def select_new(
    before: Pool, archive: Sequence[PoolEntry], new: Iterable[PoolEntry], judge: Judge | None = None
) -> list[PoolEntry]:
    """Return the new items that may enter the pool: each once, and none that is in the pool or in the archive."""
    known = DuplicateGate(judge)
    for entry in (*before.entries, *archive):
        known.refusal(entry.item)
    return [entry for entry in new if known.refusal(entry.item) is None]


def build_next(
    before: Pool,
    archive: Sequence[PoolEntry],
    fresh: Sequence[PoolEntry],
    rule: TurnoverRule,
    judge: Judge | None = None,
) -> Pool:
    """Return the pool of the next round. `fresh`: new items from `select_new`.

    Every draw is a function of the seed, the round and the slot.
    """
    now = before.round + 1
    standing = {canonicalize_item(entry.item, judge) for entry in before.entries}
    slots = range(len(before.entries))
    given_up = [slot for slot in slots if streams.uniform(rule.seed, "slot", now, slot) < rule.share]
    again = [slot for slot in given_up if streams.uniform(rule.seed, "revisit", now, slot) < rule.revisited]
    others = [one for one in archive if canonicalize_item(one.item, judge) not in standing]
    old = streams.shuffle(rule.seed, others, "archived", now)
    sources = {True: list(old), False: list(streams.shuffle(rule.seed, fresh, "fresh", now))}
    entries = list(before.entries)
    for slot in given_up:
        source = sources[slot in again] or sources[False]
        if source:
            entries[slot] = source.pop()
    return Pool(now, tuple(entries), tuple(archive))
