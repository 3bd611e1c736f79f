"""One folder of one bucket, as whole objects: read, write under a condition, head, list and delete.

Every call has a deadline and is retried until then (`retry_policy`). What is read is checked against the sha256 in the
object's metadata, whatever checksums the store supports. Botocore's own retries are off: a hidden retry would make a
lost reply look like another client's write.

Limits: objects are read into memory here, so they must be small. `multipart` handles large ones.
"""

import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3.session
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from swarm_core.api.execution import RequestChecksum, S3Storage
from swarm_core.ports import CorruptError
from swarm_core.recipe import digest_bytes
from swarm_core.usage import Usage
from swarm_trainer import network
from swarm_trainer.meter import Meter
from swarm_trainer.stores import retry_policy, s3_errors
from swarm_trainer.stores.retry_policy import Deadline, RetryLimits, T
from swarm_trainer.stores.s3_errors import ErrorKind, TransferError

THREADS = 8
"""Parts in transfer at once."""
CHUNK = 1 << 18
"""Bytes read at a time from a response."""
SAME_DAMAGE_LIMIT = 3
"""After so many reads of the same wrong bytes, they are what is stored. Damage in transfer differs between reads."""


@dataclass(frozen=True, slots=True)
class ObjectContent:
    """The content of a small object."""

    data: bytes
    etag: str
    writes: tuple[str, ...]
    """The write ids of this version and of those before it, last first."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object in a listing."""

    key: str
    size: int
    age: float = 0.0
    """Seconds since it was written, by the store's clock and this machine's."""
    etag: str = ""
    """Identifies the version; empty for any version."""


class Bucket:
    """The objects below `storage.prefix`. Safe to use from many threads."""

    def __init__(
        self, storage: S3Storage, limits: RetryLimits | None = None, client: Any = None, meter: Meter | None = None
    ) -> None:
        self.storage = storage
        self.limits = limits or RetryLimits()
        self.client = client or build_client(storage, self.limits)
        self.part_client: Any = None
        """The client for parts of large files, from the first upload on (`unsigned_parts`)."""
        self.meter = meter or Meter()
        """Counts the bytes of objects sent and received, without those of failed attempts."""

    def address(self, key: str = "") -> str:
        """The address of an object, for messages."""
        path = f"{self.storage.prefix}/{key}".strip("/")
        return f"s3://{self.storage.bucket}/{path}".rstrip("/")

    def object_arguments(self, key: str) -> dict[str, str]:
        """The arguments that name the object `key` in an S3 call."""
        return {"Bucket": self.storage.bucket, "Key": f"{self.storage.prefix}/{key}".removeprefix("/")}

    def read(self, key: str) -> ObjectContent | None:
        """The object, its sha256 checked; None if there is none. Raises StoreError, CorruptError."""
        wrong: Counter[str] = Counter()
        deadline = self.limits.deadline()

        def once() -> ObjectContent:
            response = self.client.get_object(**self.object_arguments(key))
            found = ObjectContent(read_body(response, deadline), response["ETag"], parse_write_ids(response))
            self._check(key, found.data, response["Metadata"].get("sha256"), wrong)
            self.meter.add(Usage(bytes_read=len(found.data)))
            return found

        try:
            return self.with_retries(once, key, deadline)
        except ClientError as error:
            raise_unless_absent(error)
            return None

    def size(self, key: str) -> int | None:
        """Bytes of the object; None if there is none. Raises StoreError."""
        seen = self.head(key)
        return None if seen is None else seen.size

    def head(self, key: str) -> ObjectInfo | None:
        """Size and etag of the object; None if there is none. Raises StoreError."""
        try:
            seen = self.with_retries(lambda: self.client.head_object(**self.object_arguments(key)), key)
        except ClientError as error:
            raise_unless_absent(error)
            return None
        return ObjectInfo(key, int(seen["ContentLength"]), etag=seen["ETag"])

    def write(self, key: str, data: bytes, conditions: dict[str, str], writes: tuple[str, ...] = ()) -> str | None:
        """Write the object under `conditions` (IfMatch, IfNoneMatch, a checksum). Returns its etag, or None if a
        condition failed.

        None is also possible if a first attempt succeeded but its answer was lost and a second one failed. Raises
        StoreError.
        """
        metadata = {"sha256": digest_bytes(data), **({"writes": ",".join(writes)} if writes else {})}
        request = {**self.object_arguments(key), "Body": data, "Metadata": metadata, **conditions}
        try:
            etag = str(self.with_retries(lambda: self.client.put_object(**request)["ETag"], key, writing=True))
            self.meter.add(Usage(bytes_written=len(data)))
            return etag
        except ClientError as error:
            if s3_errors.classify(error) is ErrorKind.PRECONDITION_FAILED or "IfMatch" in conditions:
                return None  # an absent pointer does not have the expected value
            raise s3_errors.build_refused_error(self.address(key), error, writing=True) from None

    def delete(self, key: str) -> None:
        """Delete the object, if it exists. Raises StoreError."""
        self.with_retries(lambda: self.client.delete_object(**self.object_arguments(key)), key, writing=True)

    def list(self) -> Iterator[ObjectInfo]:
        """Every object, for garbage collection and for inputs. No write may depend on a listing. Raises StoreError."""
        start, token = len(self.object_arguments("")["Key"]), None
        now = datetime.now(UTC)
        while True:
            page = self._page(token)
            for one in page.get("Contents", ()):
                age = (now - one["LastModified"]).total_seconds()
                yield ObjectInfo(one["Key"][start:], one["Size"], age, one["ETag"])
            if not page.get("IsTruncated"):
                return
            token = page["NextContinuationToken"]

    def with_retries(
        self, call: Callable[[], T], key: str, deadline: Deadline | None = None, *, writing: bool = False
    ) -> T:
        """The result of `call` for the object `key`, retried until the deadline. Raises StoreError."""
        return retry_policy.with_retries(call, self.address(key), deadline or self.limits.deadline(), writing=writing)

    def _page(self, token: str | None) -> Any:
        request = {"Bucket": self.storage.bucket, "Prefix": self.object_arguments("")["Key"]}
        more = {"ContinuationToken": token} if token else {}
        return self.with_retries(lambda: self.client.list_objects_v2(**request, **more), "")

    def _check(self, key: str, data: bytes, named: str | None, wrong: Counter[str]) -> None:
        """Raises TransferError unless `data` has the sha256 `named`; CorruptError if the stored bytes themselves are
        wrong.
        """
        found = hashlib.sha256(data).hexdigest()
        if named in (None, found):
            return
        wrong[found] += 1
        if wrong[found] >= SAME_DAMAGE_LIMIT:
            raise CorruptError(
                f"{self.address(key)}: its bytes have sha256 {found}, but {named} was written: it was changed after it"
                " was written; restore it from a copy, or start the run in another place"
            )
        raise TransferError(found)


def build_client(storage: S3Storage, limits: RetryLimits, *, signing: bool = True) -> Any:
    """A client of the store that signs bodies, or only request heads. It sends nothing yet. Raises RefusedError."""
    checksums = "when_required" if storage.request_checksum is RequestChecksum.WHEN_REQUIRED else "when_supported"
    config = Config(
        connect_timeout=limits.connect_timeout,
        read_timeout=limits.read_timeout,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=2 * THREADS,
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        # A store refuses a signed body with a changed byte, even if it knows no newer checksum.
        # Callers turn signing off only if the store has been shown to verify one (`unsigned_parts`).
        s3={"payload_signing_enabled": signing, "addressing_style": "path" if storage.endpoint else "auto"},
    )
    try:
        session = botocore.session.Session()
        session.register_component("data_loader", create_loader())
        maker = boto3.session.Session(botocore_session=session)
        trusted = network.find_bundle()  # None: botocore's own choice
        return maker.client(
            "s3", endpoint_url=storage.endpoint, region_name=storage.region, config=config, verify=trusted
        )
    except (BotoCoreError, ValueError) as error:
        raise s3_errors.build_refused_error(f"s3://{storage.bucket}", error, writing=False) from None


@functools.cache
def create_loader() -> Any:
    """Botocore's data on S3, read once because it takes a quarter of a second."""
    return botocore.loaders.create_loader()


def read_body(response: Any, deadline: Deadline) -> bytes:
    """The bytes of a response, read until the deadline. Raises DeadlineError and the errors of a broken connection."""
    pieces = []
    with response["Body"] as stream:
        while piece := stream.read(CHUNK):
            pieces.append(piece)
            deadline.check()
    return b"".join(pieces)


def parse_write_ids(response: Any) -> tuple[str, ...]:
    return tuple(name for name in response["Metadata"].get("writes", "").split(",") if name)


def raise_unless_absent(error: ClientError) -> None:
    """Raises `error` again, unless it says that the object does not exist."""
    if s3_errors.classify(error) is not ErrorKind.NOT_FOUND:
        raise error
