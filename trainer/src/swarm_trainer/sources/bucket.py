"""Inputs in a bucket: a prefix is a folder, an object a file.

Keys and settings come as for every AWS tool. An endpoint that the spec names for the run's own store is taken for its
inputs too, unless they are in another bucket and AWS_ENDPOINT_URL says where that is.

Limits: S3 has no revisions that everybody has, so a version is what a listing shows: names, sizes and etags. A file is
read in parts that must all be of the etag that was seen. Whether its bytes are right is known once a run has pinned
their digest; before that, by the transport's own checks.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from swarm_core.api.execution import S3Storage
from swarm_core.errors import BadInputError
from swarm_core.ports import RefusedError
from swarm_trainer.sources import wanted
from swarm_trainer.sources.address import Object
from swarm_trainer.sources.wanted import Item, Shape
from swarm_trainer.stores import parts, refusals
from swarm_trainer.stores.bucket import Bucket, Listed
from swarm_trainer.stores.patience import Limits

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
CONTACT_SECONDS = 15.0
"""For a listing: a wrong address should not take minutes to be told."""
ELSEWHERE = "the bucket is in another region; set AWS_REGION"
WORDS = {
    "NoSuchBucket": "there is no such bucket; correct the address, or where it is (AWS_ENDPOINT_URL)",
    "InvalidBucketName": "that is no name for a bucket; correct the address",
    **dict.fromkeys(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "307"),
        ELSEWHERE,
    ),
}
"""Where a run's own store and its inputs are put right differently."""


class BucketSource:
    """What lay at an address when it was opened."""

    at_once = 1
    """A file comes in parts, several at once, already."""

    def __init__(self, place: Object, bucket: Bucket, items: Sequence[Item]) -> None:
        self.at = str(place)
        self._bucket = bucket
        self._items = tuple(items)

    def version(self) -> tuple[str, ...]:
        endpoint = str(self._bucket.client.meta.endpoint_url)
        return (endpoint, self.at, *(f"{item.seal} {item.size} {item.name}" for item in self._items))

    def items(self) -> Sequence[Item]:
        return self._items

    def bring(self, item: Item, scratch: Path) -> Path:
        """Fetch one file, from its beginning. Raises BadInputError, StoreError, OSError."""
        path = scratch / item.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with told():
            parts.fetch(self._bucket, Listed(item.name, item.size, etag=item.seal), path)
        return path


def opened(place: Object, storage: S3Storage | None, shape: Shape, limits: Limits | None = None) -> BucketSource:
    """What lies at an address now. Raises BadInputError if there is nothing, or we may not see it; StoreError."""
    folder, _, name = place.key.rpartition("/") if shape is Shape.FILE else (place.key, "", "")
    with told():
        bucket = Bucket(settings(place, storage).model_copy(update={"prefix": folder}), limits)
        hasty = Bucket(bucket.place, replace(bucket.limits, call=CONTACT_SECONDS), bucket.client)
        items = file(hasty, name) if shape is Shape.FILE else wanted.of_a_folder(listed(hasty))
    if not items:
        raise BadInputError("there are no objects below it; correct the address, and mind that capitals count")
    return BucketSource(place, bucket, items)


def settings(place: Object, storage: S3Storage | None) -> S3Storage:
    """How the bucket is reached."""
    if storage is not None:
        told_elsewhere = any(os.environ.get(name) for name in ENDPOINTS)
        if storage.bucket == place.bucket or (storage.endpoint and not told_elsewhere):
            return storage.model_copy(update={"bucket": place.bucket})
    return S3Storage(bucket=place.bucket)


def listed(bucket: Bucket) -> Iterator[Item]:
    """Every object below the prefix; those that only stand for folders are none."""
    return (Item(one.key, one.size, one.etag) for one in bucket.list() if one.key and not one.key.endswith("/"))


def file(bucket: Bucket, name: str) -> tuple[Item, ...]:
    """The one object that is wanted. Raises BadInputError if there is none."""
    seen = bucket.look(name) if name else None
    if seen is None:
        raise BadInputError("there is no such object; give the address of a JSON Lines file")
    return wanted.visible([Item(seen.key, seen.size, seen.etag)])


@contextmanager
def told() -> Iterator[None]:
    """Turn a refusal of the store into the user's own: the rule and the way out, without the field."""
    try:
        yield
    except RefusedError as error:
        cause = error.__cause__ or error.__context__
        if not isinstance(cause, Exception):
            raise
        words = WORDS.get(refusals.code(cause)) or refusals.way_out(cause, writing=False)
        raise BadInputError(f"{words} ({refusals.code(cause)})") from error
