"""Lists and deletes the objects of a store, for garbage collection and purges. No other decision may depend on a
listing.
"""

import functools
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from botocore.exceptions import ClientError

from swarm_core.ports import ArtifactStore, StoreError
from swarm_trainer.stores import files
from swarm_trainer.stores.local import LocalStore
from swarm_trainer.stores.s3 import S3Store
from swarm_trainer.stores.s3_bucket import Bucket, raise_unless_absent

STORED_PATTERN = re.compile(r"blobs/[0-9a-f]{2}/[0-9a-f]{64}|probe/[0-9a-f]{32}|tmp/[0-9a-f]{32}")
"""The exact form of a run's objects that are not names: a blob, a probe or a temporary file."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of a bucket or a file of a folder."""

    key: str
    size: int
    age: float
    """Seconds since it was written."""
    upload: str = ""
    """The id of an unfinished upload; `key` is the object that it would have become. Empty for an object."""


class StoreListing(Protocol):
    """A store whose objects can be listed and deleted."""

    def objects(self) -> Iterator[StoredObject]:
        """Every object. Raises StoreError."""
        ...

    def delete(self, stored: StoredObject) -> None:
        """Delete one object. An object that no longer exists is ignored. Raises StoreError."""
        ...


class FolderListing:
    """The files of a local store."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def objects(self) -> Iterator[StoredObject]:
        with files.translate_os_errors(self.root):
            for path in sorted(self.root.rglob("*")):
                if path.is_file():
                    seen = path.stat()
                    yield StoredObject(
                        path.relative_to(self.root).as_posix(), seen.st_size, time.time() - seen.st_mtime
                    )

    def delete(self, stored: StoredObject) -> None:
        with files.translate_os_errors(self.root):
            (self.root / stored.key).unlink(missing_ok=True)


class BucketListing:
    """The objects of a run in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def objects(self) -> Iterator[StoredObject]:
        for one in self.bucket.list():
            yield StoredObject(one.key, one.size, one.age)
        yield from self._list_uploads()

    def delete(self, stored: StoredObject) -> None:
        if stored.upload:
            self._abort_upload(stored)
        else:
            self.bucket.delete(stored.key)

    def _list_uploads(self) -> Iterator[StoredObject]:
        """The unfinished uploads below the run's prefix."""
        own, now = self.bucket.object_arguments("")["Key"], datetime.now(UTC)
        request = {"Bucket": self.bucket.storage.bucket, "Prefix": own}
        while True:
            list_uploads = functools.partial(self.bucket.client.list_multipart_uploads, **request)
            page = self.bucket.with_retries(list_uploads, "")
            for one in page.get("Uploads", ()):
                age = (now - one["Initiated"]).total_seconds()
                yield StoredObject(one["Key"].removeprefix(own), 0, age, one["UploadId"])
            if not page.get("IsTruncated"):
                return
            request |= {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def _abort_upload(self, stored: StoredObject) -> None:
        request = {**self.bucket.object_arguments(stored.key), "UploadId": stored.upload}
        abort = functools.partial(self.bucket.client.abort_multipart_upload, **request)
        try:
            self.bucket.with_retries(abort, stored.key, writing=True)
        except ClientError as error:
            raise_unless_absent(error)


def open_listing(store: ArtifactStore) -> StoreListing:
    """The listing of `store`. Raises StoreError for a kind of store that cannot be listed."""
    match store:
        case LocalStore():
            return FolderListing(store.root)
        case S3Store():
            return BucketListing(store.bucket)
        case _:
            raise StoreError(f"{type(store).__name__}: this kind of store cannot be listed; give a folder or a bucket")
