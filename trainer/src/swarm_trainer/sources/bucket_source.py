"""Inputs in a bucket: a prefix is a folder, an object is a file.

Credentials and settings come from the environment, as for every AWS tool. An endpoint in the spec for the run's own
store also applies to its inputs, unless they are in another bucket and AWS_ENDPOINT_URL gives that bucket's endpoint.

Limits: not every S3 store has revisions, so a version is what a listing shows: names, sizes and etags. A file is read
in parts that must all have the etag of the listing. Whether its bytes are right is known once a run has pinned their
digest; before that, only the transport's own checks apply.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from swarm_core.api.execution import S3Storage
from swarm_core.errors import BadInputError
from swarm_core.ports import RefusedError
from swarm_trainer.sources import selection
from swarm_trainer.sources.selection import InputKind, Listing, RemoteFile
from swarm_trainer.sources.source_uri import BucketObject
from swarm_trainer.stores import multipart, s3_errors
from swarm_trainer.stores.retry_policy import RetryLimits
from swarm_trainer.stores.s3_bucket import Bucket, ObjectInfo

ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
LISTING_SECONDS = 15.0
"""Seconds for a listing. With a wrong address, an error should not take minutes."""
WRONG_REGION = "the bucket is in another region; set AWS_REGION"
REMEDIES = {
    "NoSuchBucket": "there is no such bucket; correct the address, or the endpoint (AWS_ENDPOINT_URL)",
    "InvalidBucketName": "this is not a valid bucket name; correct the address",
    **dict.fromkeys(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "307"),
        WRONG_REGION,
    ),
}
"""Remedies that differ between a run's own store and its inputs."""


class BucketSource:
    """The files at an address when it was opened."""

    parallel_files = 1
    """A single file is already fetched in several parts at once."""

    def __init__(self, location: BucketObject, bucket: Bucket, listing: Listing) -> None:
        self.uri = str(location)
        self._bucket = bucket
        self._listing = listing

    def version(self) -> tuple[str, ...]:
        endpoint = str(self._bucket.client.meta.endpoint_url)
        return (endpoint, self.uri, *(f"{item.version_tag} {item.size} {item.name}" for item in self._listing.files))

    def list_files(self) -> Listing:
        return self._listing

    def download(self, item: RemoteFile, scratch: Path) -> Path:
        """Fetch one file, from its beginning. Raises BadInputError, StoreError, OSError."""
        path = scratch / item.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with translate_bucket_errors():
            multipart.download(self._bucket, ObjectInfo(item.name, item.size, etag=item.version_tag), path)
        return path


def open_source(
    location: BucketObject, storage: S3Storage | None, kind: InputKind, limits: RetryLimits | None = None
) -> BucketSource:
    """The files at an address now. Raises BadInputError if there are none or the store refuses access; StoreError."""
    with translate_bucket_errors():
        settings = resolve_storage(location, storage)
        if kind is InputKind.DATA:
            folder, _, name = location.key.rpartition("/")
            bucket = Bucket(settings.model_copy(update={"prefix": folder}), limits)
            found = find_file(limit_time(bucket), name)
            if found is not None:
                return BucketSource(location, bucket, found)
        bucket = Bucket(settings.model_copy(update={"prefix": location.key}), limits)
        listed = list(list_items(limit_time(bucket)))
    if not listed:
        raise BadInputError("there are no objects below this address; correct it, including upper and lower case")
    return BucketSource(location, bucket, selection.build_listing(listed))


def limit_time(bucket: Bucket) -> Bucket:
    """The same bucket for a listing, which fails soon."""
    return Bucket(bucket.storage, replace(bucket.limits, call_timeout=LISTING_SECONDS), bucket.client)


def resolve_storage(location: BucketObject, storage: S3Storage | None) -> S3Storage:
    """The settings with which to reach the bucket."""
    if storage is not None:
        endpoint_in_environment = any(os.environ.get(name) for name in ENDPOINT_VARIABLES)
        if storage.bucket == location.bucket or (storage.endpoint and not endpoint_in_environment):
            return storage.model_copy(update={"bucket": location.bucket})
    return S3Storage(bucket=location.bucket)


def list_items(bucket: Bucket) -> Iterator[RemoteFile]:
    """Every object below the prefix, without those that only stand for folders."""
    return (RemoteFile(one.key, one.size, one.etag) for one in bucket.list() if one.key and not one.key.endswith("/"))


def find_file(bucket: Bucket, name: str) -> Listing | None:
    """The object with this name; None if it does not exist."""
    seen = bucket.head(name) if name else None
    if seen is None:
        return None
    return selection.build_listing([RemoteFile(seen.key, seen.size, seen.etag)], is_file=True)


@contextmanager
def translate_bucket_errors() -> Iterator[None]:
    """Turn the store's RefusedError into the user's BadInputError: the rule and the way out, without the field."""
    try:
        yield
    except RefusedError as error:
        cause = error.__cause__ or error.__context__
        if not isinstance(cause, Exception):
            raise
        words = REMEDIES.get(s3_errors.error_code(cause)) or s3_errors.find_remedy(cause, writing=False)
        raise BadInputError(f"{words} ({s3_errors.error_code(cause)})") from error
