"""What lies in a store, for collection alone: nothing else may be decided by a listing."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from swarm_core.ports import ArtifactStore, StoreError
from swarm_trainer.stores import files
from swarm_trainer.stores.bucket import Bucket
from swarm_trainer.stores.local import LocalStore
from swarm_trainer.stores.s3 import S3Store


@dataclass(frozen=True, slots=True)
class Thing:
    """An object or a file."""

    key: str
    size: int
    age: float
    """Seconds since it was written."""


class Shelf(Protocol):
    """A place whose things can be looked through and thrown away."""

    def things(self) -> Iterator[Thing]:
        """Everything there. Raises StoreError."""
        ...

    def discard(self, key: str) -> None:
        """Throw one away; what is gone already is gone. Raises StoreError."""
        ...


class FolderShelf:
    """The files of a local store."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def things(self) -> Iterator[Thing]:
        with files.explained(self.root):
            for path in sorted(self.root.rglob("*")):
                if path.is_file():
                    seen = path.stat()
                    yield Thing(path.relative_to(self.root).as_posix(), seen.st_size, time.time() - seen.st_mtime)

    def discard(self, key: str) -> None:
        with files.explained(self.root):
            (self.root / key).unlink(missing_ok=True)


class BucketShelf:
    """The objects of a run in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def things(self) -> Iterator[Thing]:
        for one in self.bucket.list():
            yield Thing(one.key, one.size, one.age)

    def discard(self, key: str) -> None:
        self.bucket.delete(key)


def shelf_of(store: ArtifactStore) -> Shelf:
    """The things behind `store`. Raises StoreError for a kind of store that cannot be looked through."""
    match store:
        case LocalStore():
            return FolderShelf(store.root)
        case S3Store():
            return BucketShelf(store.bucket)
        case _:
            raise StoreError(f"{type(store).__name__}: cannot be looked through; give a folder or a bucket")
