"""Checks at the start of a run that its bucket is reachable and honors conditional writes.

A run depends on two conditions: a name is written only if it is new (If-None-Match: *), and a pointer only if it still
has the etag that was read (If-Match). A store that ignores them accepts both writes of a race, and an iteration is lost
silently. So both are tried on an object of the probe's own, which is deleted afterwards. A store that ignores one is
refused, unless the spec says that there is a single writer.

Limits: the conditions are tried one after another. A store passes that honors them in two steps, if it compares first
and writes later without a lock (a bare `moto_server` does). Two writers at the same moment may both win there.
"""

import uuid
from dataclasses import replace

from swarm_core.errors import ErrorCode, add_code
from swarm_core.ports import ArtifactStore, RefusedError, StoreError
from swarm_trainer.stores.s3 import IF_ABSENT, S3Store
from swarm_trainer.stores.s3_bucket import Bucket

FIRST_ANSWER_SECONDS = 15.0
"""Seconds for the first answer of a store. With a wrong address, an error should not take minutes."""
PROBE_FOLDER = "probe"
"""The folder of probes. Garbage collection removes what a killed probe leaves there."""


def check_reachable(store: ArtifactStore) -> None:
    """Send one request to a remote store. Raises RefusedError if the store cannot be reached or refuses to let us
    read.
    """
    if not isinstance(store, S3Store):
        return
    bucket = with_short_deadline(store.bucket)
    try:
        bucket.read(f"{PROBE_FOLDER}/greeting")
    except StoreError as error:
        raise RefusedError(str(error)) from error


def check_conditional_writes(store: ArtifactStore) -> None:
    """Try a remote store's conditional writes. Raises RefusedError with the ignored condition and the way out."""
    if not isinstance(store, S3Store):
        return
    bucket, key = with_short_deadline(store.bucket), f"{PROBE_FOLDER}/{uuid.uuid4().hex}"
    try:
        ignored = find_ignored_condition(bucket, key)
    except StoreError as error:
        raise RefusedError(str(error)) from error
    if ignored and not bucket.storage.single_writer:
        raise build_ignored_error(bucket.address(), ignored)


def build_ignored_error(address: str, ignored: str) -> RefusedError:
    """The error for a store that ignores the condition `ignored`."""
    return add_code(
        RefusedError(
            f"{address}: the store ignores {ignored}, so two writers could lose an iteration; use a store with"
            " conditional writes, or set spec.storage.s3.singleWriter: true if this process alone writes there"
        ),
        ErrorCode.CONDITIONAL_WRITES_IGNORED,
    )


def find_ignored_condition(bucket: Bucket, key: str) -> str:
    """The name of the first condition that the store ignores; empty if it honors both. Raises StoreError."""
    try:
        first = bucket.write(key, b"1", IF_ABSENT, ("1",))
        if first is None:
            return "If-None-Match of a new object"
        if bucket.write(key, b"2", IF_ABSENT, ("2",)) is not None:
            return "If-None-Match"
        second = bucket.write(key, b"3", {"IfMatch": first}, ("3",))
        if second is None and not has_content(bucket, key, b"3"):
            return "an If-Match that holds"
        if bucket.write(key, b"4", {"IfMatch": first}, ("4",)) is not None:
            return "If-Match"
        return "" if has_content(bucket, key, b"3") else "what was written last"
    finally:
        delete_if_allowed(bucket, key)


def has_content(bucket: Bucket, key: str, data: bytes) -> bool:
    found = bucket.read(key)
    return found is not None and found.data == data


def delete_if_allowed(bucket: Bucket, key: str) -> None:
    """Delete the probe. If the key may not delete, garbage collection removes it later."""
    try:
        bucket.delete(key)
    except StoreError:
        return


def with_short_deadline(bucket: Bucket) -> Bucket:
    """The same bucket with a shorter deadline."""
    limits = replace(bucket.limits, call_timeout=min(bucket.limits.call_timeout, FIRST_ANSWER_SECONDS))
    return Bucket(bucket.storage, limits, bucket.client)
