"""The pool: the items that moving takers are measured on, and the archive of those that proved hard.

A pool is a write-once object of a round, named by the commit of the takers' turn. It is a pure function of the pool
before it, of the round's new items and of the run's seed, so replaying a run makes it again.

    slots     each is given up with probability `turnover`; a share `revisited` of those goes to archived items, the
              rest to new ones, drawn evenly
    archive   items of the pool before that the best taker there got wrong, the newest `archive` of them: a taker that
              forgets what it had learnt is found out, and a game that goes in circles shows
    gates     an item enters once: not if it stands in pool or archive. What cannot be verified or stands in held-out
              data was rejected when it was written, and is not offered

Source: the adversarial loop of Data Swarms arXiv 2506.00741, which replaces slots alike but checks nothing and keeps no
archive. Limits: with fewer new items than slots given up, the rest of those stay as they are.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from swarm_core import format_version, streams
from swarm_core.gates.duplicate import DuplicateGate
from swarm_core.items import Item
from swarm_core.recipe import Digest, ModelName, canonical_json, digest_bytes

VERSION = 2
"""The version of the stored format: 2 has items as records, 1 had them as texts and did not say its version."""


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """One item of record."""

    item: Item
    round: int
    """When it was written; -1 is seed data."""
    model: ModelName | None = None
    """The recipe of its generator; None is seed data."""
    answer: str | None = None
    """The verified answer, where the judge can tell one."""

    @property
    def text(self) -> str:
        """What takers see."""
        return self.item.text

    def to_fields(self) -> dict[str, object]:
        """The entry as a JSON object."""
        return {"item": self.item.to_fields(), "round": self.round, "model": self.model, "answer": self.answer}


@dataclass(frozen=True, slots=True)
class Pool:
    """The items of one round."""

    round: int
    entries: tuple[PoolEntry, ...]
    archive: tuple[PoolEntry, ...] = ()
    """Newest first."""

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
        """The pool that `to_bytes` wrote. Raises UnknownVersionError for one of another format."""
        fields: dict[str, Any] = format_version.check(json.loads(data), "a pool", VERSION)
        return cls(fields["round"], _parse_entries(fields["entries"]), _parse_entries(fields["archive"]))


@dataclass(frozen=True, slots=True)
class TurnoverRule:
    """How a pool changes from round to round."""

    share: float
    """Probability that a slot is given up."""
    revisited: float
    """Share of the slots given up that archived items get."""
    archive: int
    """Most archived items."""
    seed: int


def _parse_entries(rows: Iterable[dict[str, Any]]) -> tuple[PoolEntry, ...]:
    return tuple(PoolEntry(Item.from_fields(row["item"]), row["round"], row["model"], row["answer"]) for row in rows)


def draw_initial(items: Sequence[PoolEntry], size: int, seed: int) -> Pool:
    """`size` of the seed items, drawn evenly. Raises ValueError when there are fewer."""
    return Pool(0, tuple(items[index] for index in streams.sample(seed, len(items), size, "pool")))


def update_archive(before: Pool, missed: Sequence[bool], most: int) -> tuple[PoolEntry, ...]:
    """The archive after a round: what the best taker of `before` missed, [entry], on top of what was there."""
    new = [entry for entry, wrong in zip(before.entries, missed, strict=True) if wrong]
    kept = {entry.text: entry for entry in [*new, *before.archive]}
    return tuple(kept.values())[:most]


def select_new(before: Pool, archive: Sequence[PoolEntry], new: Iterable[PoolEntry]) -> list[PoolEntry]:
    """The new items that may enter: each once, and none that stands in the pool or in the archive."""
    known = DuplicateGate()
    for entry in (*before.entries, *archive):
        known.refusal(entry.item)
    return [entry for entry in new if known.refusal(entry.item) is None]


def build_next(before: Pool, archive: Sequence[PoolEntry], fresh: Sequence[PoolEntry], rule: TurnoverRule) -> Pool:
    """The pool of the next round, from items that were `select_new`; every draw is a function of seed, round and
    slot.
    """
    now = before.round + 1
    standing = {entry.text for entry in before.entries}
    given_up = [
        slot for slot in range(len(before.entries)) if streams.uniform(rule.seed, "slot", now, slot) < rule.share
    ]
    again = [slot for slot in given_up if streams.uniform(rule.seed, "revisit", now, slot) < rule.revisited]
    old = streams.shuffle(rule.seed, [one for one in archive if one.text not in standing], "archived", now)
    sources = {True: list(old), False: list(streams.shuffle(rule.seed, fresh, "fresh", now))}
    entries = list(before.entries)
    for slot in given_up:
        source = sources[slot in again] or sources[False]
        if source:
            entries[slot] = source.pop()
    return Pool(now, tuple(entries), tuple(archive))
