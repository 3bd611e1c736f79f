"""The store in a bucket: `swarm_core.ports.ArtifactStore` over S3, for many processes on many machines at once.

    blobs/<2 hex>/<digest>     artefacts; written without a condition, for their name is what they hold
    names/<key>                write-once names (If-None-Match: *), and pointers (If-Match: the etag that was read)

The store decides who is first, and nobody else: no listing, no clock, no lock. Whoever wrote and never got the answer
finds out by reading back, also where the store says 412 to a second attempt. For a name the bytes tell; a move of a
pointer has an id of its own, kept in the object's metadata with the ids of the moves before it, so that who moved it is
told so although others have moved it on since.

Limits: a pointer never returns to a value it had (its etag would be the old one again); after `REMEMBERED_WRITES`
further moves a lost answer is taken for a loss. A blob that was fetched lies in `cache`, is checked there like a local
store's, and may be deleted any time nobody reads it.
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
"""Ids of writes that a pointer carries: 32 of 16 characters, of the 2 KiB that metadata may have."""


class S3Store:
    """Artefacts and names below `storage.prefix`; blobs that were fetched in the folder `cache`."""

    def __init__(
        self, storage: S3Storage, cache: Path, limits: RetryLimits | None = None, meter: Meter | None = None
    ) -> None:
        """`meter` is told of bytes that come and go."""
        self.bucket = Bucket(storage, limits, meter=meter)
        self._cache = BlobCache(cache)
        # In single-writer mode the store's conditions may mean nothing: threads of the one writer wait for each other.
        self._single_writer = storage.single_writer
        self._lock = threading.Lock()

    def put(self, source: Path | bytes) -> Digest:
        """Keep these bytes; return their digest. Streams files. Raises StoreError."""
        return multipart.put(self.bucket, source)

    def get(self, digest: Digest) -> Path:
        """The blob of `digest`, checked. Raises CorruptError, StoreError if absent, ValueError on a bad digest."""
        keys.check_digest(digest)
        return self._cache.get(digest, lambda path: multipart.get(self.bucket, digest, path))

    def publish(self, key: str, data: bytes) -> bytes:
        """Give `key` to `data` unless it is taken; what stands there. Raises StoreError, ValueError on a bad key."""
        name = name_key(key)
        with self._lock if self._single_writer else nullcontext():
            existing = self.bucket.read(name) if self._single_writer else None
            if existing is None and self.bucket.write(name, data, IF_ABSENT) is not None:
                return data
            return (existing or self._read_existing(name)).data

    def read(self, key: str) -> bytes | None:
        """What stands at `key`, or None. Raises StoreError, CorruptError, ValueError on a bad key."""
        found = self.bucket.read(name_key(key))
        return None if found is None else found.data

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        """Move `key` from `expected` to `data`; False if another value stands. Raises StoreError, ValueError."""
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
        """What stands at a name that is taken. Raises StoreError when it has gone."""
        found = self.bucket.read(name)
        if found is None:
            raise StoreError(
                f"{self.bucket.address(name)}: taken, and then not there; somebody deletes what a run needs, stop that"
            )
        return found


def name_key(key: str) -> str:
    """Where `key` stands. Raises ValueError on a bad key."""
    keys.check_key(key)
    return f"names/{key}"
