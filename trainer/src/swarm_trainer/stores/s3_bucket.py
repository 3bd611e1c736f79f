"""One folder of one bucket, as whole objects: read, written under a condition, looked at, listed, deleted.

Every call has a deadline and is tried again until then (`retry_policy`); what comes back is checked against the sha256
that was stored with it, whatever checksums the store knows. Botocore's own retries are off: a retry that it hides would
make a lost reply look like somebody else's write.

Limits: objects here are read into memory, so they are small; large ones go by `multipart`.
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
from swarm_trainer.meter import Meter
from swarm_trainer.stores import retry_policy, s3_errors
from swarm_trainer.stores.retry_policy import Deadline, RetryLimits, T
from swarm_trainer.stores.s3_errors import ErrorKind, TransferError

THREADS = 8
"""Parts on their way at once."""
CHUNK = 1 << 18
"""Bytes read at a time from a response."""
SAME_DAMAGE_LIMIT = 3
"""The same wrong bytes so often are what is stored; damage on the way differs from time to time."""


@dataclass(frozen=True, slots=True)
class ObjectContent:
    """A small object as it was read."""

    data: bytes
    etag: str
    writes: tuple[str, ...]
    """Who wrote it, and who the versions before it; last first."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object as a listing shows it."""

    key: str
    size: int
    age: float = 0.0
    """Seconds since it was written, by the store's clock and this machine's."""
    etag: str = ""
    """Tells its version; empty where any will do."""


class Bucket:
    """The objects below `storage.prefix`. Safe to use from many threads."""

    def __init__(
        self, storage: S3Storage, limits: RetryLimits | None = None, client: Any = None, meter: Meter | None = None
    ) -> None:
        self.storage = storage
        self.limits = limits or RetryLimits()
        self.client = client or build_client(storage, self.limits)
        self.part_client: Any = None
        """The client that parts of large files go by, from the first on (`unsigned_parts`)."""
        self.meter = meter or Meter()
        """Told of the bytes of objects, sent and received; those of attempts that failed are not counted."""

    def address(self, key: str = "") -> str:
        """The address of an object, for messages."""
        path = f"{self.storage.prefix}/{key}".strip("/")
        return f"s3://{self.storage.bucket}/{path}".rstrip("/")

    def object_arguments(self, key: str) -> dict[str, str]:
        """The object `key` as an S3 call names it."""
        return {"Bucket": self.storage.bucket, "Key": f"{self.storage.prefix}/{key}".removeprefix("/")}

    def read(self, key: str) -> ObjectContent | None:
        """The object, its sha256 checked; None if there is none. Raises StoreError, CorruptError."""
        wrong: Counter[str] = Counter()
        deadline = self.limits.deadline()

        def once() -> ObjectContent:
            response = self.client.get_object(**self.object_arguments(key))
            found = ObjectContent(read_body(response, deadline), response["ETag"], parse_write_ids(response))
            self._check(key, found.data, response["Metadata"].get("sha256"), wrong)
            self.meter.add(Usage(down=len(found.data)))
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
        """The object as it is seen from outside; None if there is none. Raises StoreError."""
        try:
            seen = self.with_retries(lambda: self.client.head_object(**self.object_arguments(key)), key)
        except ClientError as error:
            raise_unless_absent(error)
            return None
        return ObjectInfo(key, int(seen["ContentLength"]), etag=seen["ETag"])

    def write(self, key: str, data: bytes, conditions: dict[str, str], writes: tuple[str, ...] = ()) -> str | None:
        """Write the object on `conditions` (IfMatch, IfNoneMatch, a checksum); its etag, or None: a condition did not hold.

        None may also be the second attempt of a first that was done, but whose answer was lost. Raises StoreError.
        """
        metadata = {"sha256": digest_bytes(data), **({"writes": ",".join(writes)} if writes else {})}
        request = {**self.object_arguments(key), "Body": data, "Metadata": metadata, **conditions}
        try:
            etag = str(self.with_retries(lambda: self.client.put_object(**request)["ETag"], key, writing=True))
            self.meter.add(Usage(up=len(data)))
            return etag
        except ClientError as error:
            if s3_errors.classify(error) is ErrorKind.PRECONDITION_FAILED or "IfMatch" in conditions:
                return None  # a pointer that is absent is not where it was expected
            raise s3_errors.build_refused_error(self.address(key), error, writing=True) from None

    def delete(self, key: str) -> None:
        """Delete the object, if it is there. Raises StoreError."""
        self.with_retries(lambda: self.client.delete_object(**self.object_arguments(key)), key, writing=True)

    def list(self) -> Iterator[ObjectInfo]:
        """Every object, for collection and for inputs: nothing that is written may rest on it. Raises StoreError."""
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
        """What `call` gives for the object `key`, tried until the deadline."""
        return retry_policy.with_retries(call, self.address(key), deadline or self.limits.deadline(), writing=writing)

    def _page(self, token: str | None) -> Any:
        request = {"Bucket": self.storage.bucket, "Prefix": self.object_arguments("")["Key"]}
        more = {"ContinuationToken": token} if token else {}
        return self.with_retries(lambda: self.client.list_objects_v2(**request, **more), "")

    def _check(self, key: str, data: bytes, named: str | None, wrong: Counter[str]) -> None:
        """Raises WireError unless `data` has the sha256 `named`; CorruptError when it is stored so."""
        found = hashlib.sha256(data).hexdigest()
        if named in (None, found):
            return
        wrong[found] += 1
        if wrong[found] >= SAME_DAMAGE_LIMIT:
            raise CorruptError(
                f"{self.address(key)}: its bytes have sha256 {found}, {named} was written: it was changed after it was"
                " written; restore it from a copy, or start the run in another place"
            )
        raise TransferError(found)


def build_client(storage: S3Storage, limits: RetryLimits, *, signing: bool = True) -> Any:
    """A client of the store, signing bodies or their heads alone; nothing is asked yet. Raises RefusedError."""
    checksums = "when_required" if storage.request_checksum is RequestChecksum.WHEN_REQUIRED else "when_supported"
    config = Config(
        connect_timeout=limits.connect_timeout,
        read_timeout=limits.read_timeout,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=2 * THREADS,
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        # Signed bodies are refused when a byte was changed on the way, also by stores that know no newer checksum;
        # who leaves them unsigned has seen that the store knows one (`unsigned_parts`).
        s3={"payload_signing_enabled": signing, "addressing_style": "path" if storage.endpoint else "auto"},
    )
    try:
        session = botocore.session.Session()
        session.register_component("data_loader", create_loader())
        maker = boto3.session.Session(botocore_session=session)
        return maker.client("s3", endpoint_url=storage.endpoint, region_name=storage.region, config=config)
    except (BotoCoreError, ValueError) as error:
        raise s3_errors.build_refused_error(f"s3://{storage.bucket}", error, writing=False) from None


@functools.cache
def create_loader() -> Any:
    """What botocore knows of S3: read once, for it takes a quarter of a second."""
    return botocore.loaders.create_loader()


def read_body(response: Any, deadline: Deadline) -> bytes:
    """The bytes of a response, read until the deadline. Raises LateError and whatever a broken connection raises."""
    pieces = []
    with response["Body"] as stream:
        while piece := stream.read(CHUNK):
            pieces.append(piece)
            deadline.check()
    return b"".join(pieces)


def parse_write_ids(response: Any) -> tuple[str, ...]:
    return tuple(name for name in response["Metadata"].get("writes", "").split(",") if name)


def raise_unless_absent(error: ClientError) -> None:
    """Raises `error` again, unless it says that there is no such object."""
    if s3_errors.classify(error) is not ErrorKind.NOT_FOUND:
        raise error
