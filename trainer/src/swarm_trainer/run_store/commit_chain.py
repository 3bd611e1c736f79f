"""The chain of commits in a store: reads its head, follows it, and adds to it.

The digest of every link is checked when it is read. So a changed object is found before a run builds on it.
"""

import json
from collections.abc import Iterator

from swarm_core import commit
from swarm_core.commit import Commit
from swarm_core.ports import ArtifactStore, CorruptError, StoreError
from swarm_core.recipe import Digest, canonical_json, digest_bytes

HEAD = "HEAD"


def read_head(store: ArtifactStore) -> tuple[int, Digest] | None:
    """Return the last iteration that HEAD names, with the digest of its commit; None if there is no HEAD.

    Raises StoreError.
    """
    data = store.read(HEAD)
    if data is None:
        return None
    fields = json.loads(data)
    return fields["iteration"], Digest(fields["commit"])


def load(store: ArtifactStore, iteration: int, digest: Digest | None = None) -> Commit | None:
    """Return the commit of an iteration, or None. Raises CorruptError if `digest` is given and differs, StoreError."""
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
    """Return the commit of a finished iteration. Raises StoreError if the store has none."""
    done = load(store, iteration)
    if done is None:
        raise StoreError(
            f"{commit.key(iteration)} is missing from the store, and later commits depend on it; restore it"
        )
    return done


def append(store: ArtifactStore, new: Commit) -> Commit:
    """Commit an iteration and move HEAD to it. Returns the stored commit: of two writers, the first one wins.

    Raises StoreError if the stored commit follows another parent.
    """
    stored = store.publish(commit.key(new.iteration), new.to_bytes())
    winner = Commit.from_bytes(stored)
    if winner.parent != new.parent:
        raise StoreError(
            f"{commit.key(new.iteration)} follows {winner.parent}, this run's iteration follows {new.parent}: two runs"
            " share one folder; give each run its own"
        )
    advance_head(store, winner)
    return winner


def advance_head(store: ArtifactStore, to: Commit) -> None:
    """Move HEAD forward to `to`; a HEAD that is already there or further stays. Raises StoreError."""
    pointer = canonical_json({"iteration": to.iteration, "commit": digest_bytes(to.to_bytes())})
    while True:
        current = store.read(HEAD)
        if current is not None and json.loads(current)["iteration"] >= to.iteration:
            return
        if store.swap(HEAD, current, pointer):
            return


def find_tip(store: ArtifactStore) -> tuple[int, Digest] | None:
    """Return the last commit in the store.

    HEAD may be behind it: its writer was killed before it moved HEAD, or the store returned an old HEAD.
    """
    tip = read_head(store)
    while True:
        following = load(store, 0 if tip is None else tip[0] + 1)
        if following is None:
            return tip
        tip = following.iteration, following.digest


def walk(store: ArtifactStore) -> Iterator[Commit]:
    """Yield every commit from the last to the first, each checked against the digest that names it.

    Raises CorruptError.
    """
    link = find_tip(store)
    while link is not None:
        iteration, digest = link
        done = load(store, iteration, digest)
        if done is None:
            raise CorruptError(f"{commit.key(iteration)} is missing, though the chain names it; restore it from a copy")
        yield done
        link = (iteration - 1, done.parent) if iteration > 0 else None
