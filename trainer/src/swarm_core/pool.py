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
from dataclasses import asdict, dataclass

from swarm_core.gates.duplicate import Duplicate
from swarm_core.recipe import Digest, ModelName, canonical_json, digest_bytes
from swarm_core.swarm import streams


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of record."""

    text: str
    round: int
    """When it was written; -1 is seed data."""
    model: ModelName | None = None
    """The recipe of its generator; None is seed data."""
    answer: str | None = None
    """The verified answer, where the judge can tell one."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The items of one round."""

    round: int
    entries: tuple[Entry, ...]
    archive: tuple[Entry, ...] = ()
    """Newest first."""

    @property
    def items(self) -> tuple[str, ...]:
        return tuple(entry.text for entry in self.entries)

    def to_bytes(self) -> bytes:
        return canonical_json(asdict(self))

    @property
    def digest(self) -> Digest:
        return digest_bytes(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> "Pool":
        fields = json.loads(data)
        return cls(fields["round"], _entries(fields["entries"]), _entries(fields["archive"]))


@dataclass(frozen=True, slots=True)
class Turnover:
    """How a pool changes from round to round."""

    share: float
    """Probability that a slot is given up."""
    revisited: float
    """Share of the slots given up that archived items get."""
    archive: int
    """Most archived items."""
    seed: int


def _entries(rows: Iterable[dict[str, object]]) -> tuple[Entry, ...]:
    return tuple(Entry(**row) for row in rows)  # type: ignore[arg-type]


def first(items: Sequence[Entry], size: int, seed: int) -> Pool:
    """`size` of the seed items, drawn evenly. Raises ValueError when there are fewer."""
    return Pool(0, tuple(items[index] for index in streams.sample(seed, len(items), size, "pool")))


def archived(before: Pool, missed: Sequence[bool], most: int) -> tuple[Entry, ...]:
    """The archive after a round: what the best taker of `before` missed, [entry], on top of what was there."""
    new = [entry for entry, wrong in zip(before.entries, missed, strict=True) if wrong]
    kept = {entry.text: entry for entry in [*new, *before.archive]}
    return tuple(kept.values())[:most]


def admitted(before: Pool, archive: Sequence[Entry], new: Iterable[Entry]) -> list[Entry]:
    """The new items that may enter: each once, and none that stands in the pool or in the archive."""
    known = Duplicate()
    for entry in (*before.entries, *archive):
        known.refusal(entry.text)
    return [entry for entry in new if known.refusal(entry.text) is None]


def turned(before: Pool, archive: Sequence[Entry], fresh: Sequence[Entry], rule: Turnover) -> Pool:
    """The pool of the next round, from items that were `admitted`; every draw is a function of seed, round and slot."""
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
