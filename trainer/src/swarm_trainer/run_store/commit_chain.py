"""The chain of commits in a store: read its head, follow it, add to it.

Every link is checked by digest as it is read, so a changed object is found before anything is built on it.
"""

import json
from collections.abc import Iterator

from swarm_core import commit
from swarm_core.commit import Commit
from swarm_core.ports import ArtifactStore, CorruptError, StoreError
from swarm_core.recipe import Digest, canonical_json, digest_bytes

HEAD = "HEAD"


def read_head(store: ArtifactStore) -> tuple[int, Digest] | None:
    """The last iteration committed and its commit's digest."""
    data = store.read(HEAD)
    if data is None:
        return None
    fields = json.loads(data)
    return fields["iteration"], Digest(fields["commit"])


def load(store: ArtifactStore, iteration: int, digest: Digest | None = None) -> Commit | None:
    """The commit of an iteration, or None. Raises CorruptError unless its digest is `digest`, where that is given."""
    data = store.read(commit.key(iteration))
    if data is None:
        return None
    if digest is not None and digest_bytes(data) != digest:
        raise CorruptError(
            f"{commit.key(iteration)} has sha256 {digest_bytes(data)}, the chain names {digest}: it was changed"
            " after it was written; restore it from a copy or start the run in a new folder"
        )
    return Commit.from_bytes(data)


def load_existing(store: ArtifactStore, iteration: int) -> Commit:
    """The commit of an iteration that is done. Raises StoreError when the store has none."""
    found = load(store, iteration)
    if found is None:
        raise StoreError(f"{commit.key(iteration)} is missing from the store, and what follows rests on it; restore it")
    return found


def append(store: ArtifactStore, new: Commit) -> Commit:
    """Commit an iteration and move HEAD to it. Whoever lost a race gets the winner's commit."""
    standing = store.publish(commit.key(new.iteration), new.to_bytes())
    won = Commit.from_bytes(standing)
    if won.parent != new.parent:
        raise StoreError(
            f"{commit.key(new.iteration)} follows {won.parent}, this run's iteration follows {new.parent}: two runs"
            " share one folder; give each its own"
        )
    advance_head(store, won)
    return won


def advance_head(store: ArtifactStore, to: Commit) -> None:
    """Move HEAD forward to `to`; a HEAD that is there or further stays."""
    pointer = canonical_json({"iteration": to.iteration, "commit": digest_bytes(to.to_bytes())})
    while True:
        standing = store.read(HEAD)
        if standing is not None and json.loads(standing)["iteration"] >= to.iteration:
            return
        if store.swap(HEAD, standing, pointer):
            return


def find_tip(store: ArtifactStore) -> tuple[int, Digest] | None:
    """The last commit there is. HEAD may lag behind it: whoever moved it was killed, or an old one was read."""
    place = read_head(store)
    while True:
        after = load(store, 0 if place is None else place[0] + 1)
        if after is None:
            return place
        place = after.iteration, after.digest


def walk(store: ArtifactStore) -> Iterator[Commit]:
    """Every commit from the last back to the first, each checked against the digest that names it."""
    place = find_tip(store)
    while place is not None:
        iteration, digest = place
        found = load(store, iteration, digest)
        if found is None:
            raise CorruptError(f"{commit.key(iteration)} is missing, though the chain names it; restore it from a copy")
        yield found
        place = (iteration - 1, found.parent) if iteration > 0 else None
