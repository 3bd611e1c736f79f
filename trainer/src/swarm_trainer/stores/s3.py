"""The store in a bucket: `swarm_core.ports.ArtifactStore` over S3, for many processes on many machines at once.

    blobs/<2 hex>/<digest>     artifacts; written without a condition, because the name fixes the content
    names/<key>                write-once names (If-None-Match: *), and pointers (If-Match: the etag that was read)

The store alone decides which writer is first: there is no listing, no clock and no lock. A writer that lost the answer
reads back to find out, also if the store answers 412 to a second attempt. For a write-once name the bytes show it. A
move of a pointer has an id, kept in the object's metadata with the ids of the moves before it. So a writer recognizes
its own move even if others have moved the pointer since.

Limits: a pointer must never return to an earlier value, because its etag would repeat. After REMEMBERED_WRITES further
moves, a lost answer counts as a lost race. A downloaded blob lies in `cache` and is checked there like a local store's.
It may be deleted at any time while no process reads it.
"""

import threading
import uuid
from contextlib import nullcontext
from pathlib import Path

from swarm_core.api.execution import S3Storage
from swarm_core.ports import StoreError
from swarm_core.recipe import Digest
from swarm_trainer.meter import Meter
from swarm_trainer.stores import keys, multipart
from swarm_trainer.stores.blob_cache import BlobCache
from swarm_trainer.stores.retry_policy import RetryLimits
from swarm_trainer.stores.s3_bucket import Bucket, ObjectContent

IF_ABSENT = {"IfNoneMatch": "*"}
REMEMBERED_WRITES = 32
"""Write ids that a pointer carries. 32 ids of 16 characters fit into the 2 KiB of an object's metadata."""


class S3Store:
    """Artifacts and names below `storage.prefix`, with downloaded blobs in the folder `cache`."""

    def __init__(
        self, storage: S3Storage, cache: Path, limits: RetryLimits | None = None, meter: Meter | None = None
    ) -> None:
        """`meter` counts the bytes sent and received."""
        self.bucket = Bucket(storage, limits, meter=meter)
        self._cache = BlobCache(cache)
        # In single-writer mode the store may ignore conditions, so the threads of the one writer take turns.
        self._single_writer = storage.single_writer
        self._lock = threading.Lock()

    def put(self, source: Path | bytes) -> Digest:
        """Store these bytes; returns their digest. Streams files. Raises StoreError."""
        return multipart.put(self.bucket, source)

    def get(self, digest: Digest) -> Path:
        """The file of the blob `digest`, checked. Raises CorruptError, StoreError if absent, ValueError on a bad
        digest.
        """
        keys.check_digest(digest)
        return self._cache.get(digest, lambda path: multipart.get(self.bucket, digest, path))

    def publish(self, key: str, data: bytes) -> bytes:
        """Write `data` to `key` unless the key exists; returns the bytes at the key. Raises StoreError, ValueError
        on a bad key.
        """
        name = name_key(key)
        with self._lock if self._single_writer else nullcontext():
            existing = self.bucket.read(name) if self._single_writer else None
            if existing is None and self.bucket.write(name, data, IF_ABSENT) is not None:
                return data
            return (existing or self._read_existing(name)).data

    def read(self, key: str) -> bytes | None:
        """The bytes at `key`, or None. Raises StoreError, CorruptError, ValueError on a bad key."""
        found = self.bucket.read(name_key(key))
        return None if found is None else found.data

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        """Move `key` from `expected` to `data`; False if it holds another value. Raises StoreError, ValueError."""
        name, own = name_key(key), uuid.uuid4().hex[:16]
        with self._lock if self._single_writer else nullcontext():
            found = self.bucket.read(name)
            if (None if found is None else found.data) != expected:
                return False
            condition = IF_ABSENT if found is None else {"IfMatch": found.etag}
            before = () if found is None else found.writes
            if self.bucket.write(name, data, condition, (own, *before)[:REMEMBERED_WRITES]) is not None:
                return True
            found = self.bucket.read(name)
        return found is not None and own in found.writes

    def _read_existing(self, name: str) -> ObjectContent:
        """The object at an existing name. Raises StoreError if it has disappeared."""
        found = self.bucket.read(name)
        if found is None:
            raise StoreError(
                f"{self.bucket.address(name)}: the name existed and then disappeared; stop the program that deletes"
                " a run's objects"
            )
        return found


def name_key(key: str) -> str:
    """The object name of `key`. Raises ValueError on a bad key."""
    keys.check_key(key)
    return f"names/{key}"
