"""What lies in a store, for collection alone: nothing else may be decided by a listing."""

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
"""What looks exactly like a part of a run that is no name: a blob, or what a probe or a file on its way left."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object or a file."""

    key: str
    size: int
    age: float
    """Seconds since it was written."""
    upload: str = ""
    """Of an upload that was begun and never finished, its id; `key` is what it would have become."""


class StoreListing(Protocol):
    """A place whose things can be looked through and thrown away."""

    def objects(self) -> Iterator[StoredObject]:
        """Everything there. Raises StoreError."""
        ...

    def delete(self, stored: StoredObject) -> None:
        """Throw one away; what is gone already is gone. Raises StoreError."""
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
        """The uploads below the run's prefix that were begun and are not finished."""
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
    """The things behind `store`. Raises StoreError for a kind of store that cannot be looked through."""
    match store:
        case LocalStore():
            return FolderListing(store.root)
        case S3Store():
            return BucketListing(store.bucket)
        case _:
            raise StoreError(f"{type(store).__name__}: cannot be looked through; give a folder or a bucket")
