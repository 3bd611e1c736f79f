"""Blobs to a bucket and from it: small ones in one request, large ones in parts, several on their way at once.

Memory holds no part, however large the file: what goes up is read as it is sent, what comes down is written as it
comes. A part is as large as it must be for the file to have at most 10,000 of them, S3's limit. An upload that fails is
aborted; one that cannot be (the process dies) is left to the bucket's rule for incomplete uploads. A file that is
written to while it goes up is refused. A byte that was changed on its way is refused by the store: the part is signed,
or goes with a CRC32 that the store has shown to look at (`unsigned_parts`). What was fetched is checked against its
name before anybody sees it.
"""

import base64
import functools
import hashlib
import os
import uuid
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from swarm_core.api.execution import RequestChecksum
from swarm_core.ports import CorruptError, RefusedError, StoreError
from swarm_core.recipe import Digest, digest_bytes
from swarm_core.usage import Usage
from swarm_trainer.stores import files, s3_bucket, s3_errors, unsigned_parts
from swarm_trainer.stores.retry_policy import Deadline
from swarm_trainer.stores.s3_bucket import THREADS, Bucket, ObjectInfo
from swarm_trainer.stores.s3_errors import ErrorKind, TransferError

PART_BYTES = 8 << 20
"""Bytes of a part; S3 takes none below 5 MiB but the last."""
MAX_SENT_PART_BYTES = 32 << 20
"""Bytes of a part that is sent, unless S3 wants larger ones: what a damaged part costs."""
MAX_PARTS = 10_000
"""Parts that S3 lets an object have."""
MIN_READ_BYTES = 1 << 18
"""Bytes that are read at a time on their way to the wire."""
ABORT_SECONDS = 10.0
DOWNLOAD_ATTEMPTS = 5
"""Whole fetches of a blob whose parts all came well and whose sha256 does not fit."""


def blob_key(digest: Digest) -> str:
    """Where a blob lies."""
    return f"blobs/{digest[:2]}/{digest}"


def part_size(size: int) -> int:
    """Bytes of each part of a file of `size` bytes."""
    return max(PART_BYTES, -(-size // MAX_PARTS))


def sent_part_size(size: int) -> int:
    """Bytes of each part that is sent of a file of `size` bytes: every thread has as much to send as any other."""
    turns = -(-size // (THREADS * MAX_SENT_PART_BYTES))
    return max(part_size(size), -(-size // (THREADS * turns)))


def put(bucket: Bucket, source: Path | bytes) -> Digest:
    """Keep these bytes; return their digest. Raises StoreError."""
    if isinstance(source, bytes):
        return put_bytes(bucket, source)
    with files.translate_os_errors(source):
        stamp = files.stamp(source)  # taken first: who writes while we read leaves another stamp
        size = stamp[2]
        if size <= PART_BYTES:
            return put_bytes(bucket, source.read_bytes())
        digest = files.digest(source)
        if bucket.size(blob_key(digest)) != size:
            with source.open("rb") as file:
                upload(bucket, digest, UploadSource(source, file.fileno(), stamp))
    return digest


def put_bytes(bucket: Bucket, data: bytes) -> Digest:
    """Keep what fits into one request. The store checks the sha256 itself where it can."""
    digest = digest_bytes(data)
    key = blob_key(digest)
    if bucket.size(key) != len(data):
        sha256 = base64.b64encode(bytes.fromhex(digest)).decode()
        bucket.write(key, data, {"ChecksumSHA256": sha256} if supports_checksums(bucket) else {})
    return digest


def supports_checksums(bucket: Bucket) -> bool:
    """Whether the store knows the newer checksums, as far as its user says."""
    return bucket.storage.request_checksum is RequestChecksum.WHEN_SUPPORTED


class PartBody:
    """A part of a file, as botocore reads the body of a request: once to sign it, if it does, and once for the wire.

    Nothing of it is kept: a part in memory is copied there, copied again behind the request's head, and new memory each
    time, which costs more than to read it from the system's cache again.
    """

    def __init__(self, file: int, start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def read(self, size: int = -1) -> bytes:
        """At least `MIN_READ_BYTES` bytes, whatever is asked for, if so many are left: urllib3 asks for 16 KiB at a
        time.
        """
        left = self._size - self._at
        data = os.pread(self._file, left if size < 0 else min(left, max(size, MIN_READ_BYTES)), self._start + self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at


@dataclass(frozen=True, slots=True)
class UploadSource:
    """An open file that goes up in parts, and its stamp from before it was read."""

    path: Path
    file: int
    """Its descriptor."""
    stamp: tuple[int, int, int]

    @property
    def size(self) -> int:
        return self.stamp[2]

    def ranges(self) -> list[tuple[int, int]]:
        """Start and size of every part, in order."""
        length = sent_part_size(self.size)
        return [(start, min(length, self.size - start)) for start in range(0, self.size, length)]

    def crc32(self, start: int, size: int) -> int:
        """Of a part: taken where it is sent, for there the other core is busy too."""
        part, crc = PartBody(self.file, start, size), 0
        while data := part.read(MIN_READ_BYTES):
            crc = zlib.crc32(data, crc)
        return crc

    def check(self) -> None:
        """Raises StoreError if the file has another stamp by now.

        A second sha256 would find no more than whoever fetches the blob finds, and costs as much as the first.
        """
        if files.stamp(self.path) != self.stamp:
            raise StoreError(f"{self.path}: changed while it was read; put it again when nobody writes to it")


def upload(bucket: Bucket, digest: Digest, source: UploadSource) -> None:
    """Send a file in parts. Raises StoreError, also for a file that is written to meanwhile, and OSError."""
    key, deadline = blob_key(digest), bucket.limits.deadline(source.size)
    choose_part_client(bucket, deadline)
    request = create_upload(bucket, key, deadline)
    with ExitStack() as unfinished:
        unfinished.callback(abort_upload, bucket, key, request)
        sent = send_parts(bucket, request, source, deadline)
        source.check()
        complete_upload(bucket, key, {**request, "MultipartUpload": {"Parts": sent}}, source.size, deadline)
        unfinished.pop_all()


def create_upload(bucket: Bucket, key: str, deadline: Deadline) -> dict[str, Any]:
    """What names a new upload in every later request of it. Raises StoreError."""
    arguments = bucket.object_arguments(key)
    checksum = {"ChecksumAlgorithm": "CRC32"} if supports_checksums(bucket) else {}
    start = functools.partial(bucket.client.create_multipart_upload, **arguments, **checksum)
    return {**arguments, "UploadId": bucket.with_retries(start, key, deadline, writing=True)["UploadId"]}


def abort_upload(bucket: Bucket, key: str, request: Mapping[str, Any]) -> None:
    """Drop the parts of an upload: they would take room, unseen, until somebody's rule collects them.

    What ended the upload matters more than whether this comes to anything, so nothing is raised.
    """
    abort_deadline = Deadline(ABORT_SECONDS, bucket.limits)
    with suppress(Exception):
        bucket.with_retries(lambda: bucket.client.abort_multipart_upload(**request), key, abort_deadline, writing=True)


def choose_part_client(bucket: Bucket, deadline: Deadline) -> None:
    """Find out, before the first upload, whether parts may go unsigned. Raises StoreError."""
    if supports_checksums(bucket) and bucket.part_client is None:
        client = s3_bucket.build_client(bucket.storage, bucket.limits, signing=False)
        bucket.part_client = client if verifies_checksums(bucket, client, deadline) else bucket.client


def verifies_checksums(bucket: Bucket, client: Any, deadline: Deadline) -> bool:
    """Whether the store finds a changed byte in what `client` sends. Raises StoreError.

    In an upload of the trial's own: a part that was kept cannot be replaced everywhere (`rclone serve s3`). Who may not
    write beside the blobs learns nothing of the store, and signs.
    """
    key = f"probe/{uuid.uuid4().hex}"
    try:
        request = create_upload(bucket, key, deadline)
    except RefusedError:
        return False
    try:
        return bool(
            retry_part(bucket, key, functools.partial(unsigned_parts.rejects_bad_checksum, client, request), deadline)
        )
    finally:
        abort_upload(bucket, key, request)


def send_parts(
    bucket: Bucket, request: dict[str, Any], source: UploadSource, deadline: Deadline
) -> list[dict[str, Any]]:
    """Send every part, `THREADS` at once; what completing the upload wants to know of each."""

    def send_one(number: int, start: int, size: int) -> dict[str, Any]:
        checksum = (
            {"ChecksumCRC32": unsigned_parts.encode_crc32(source.crc32(start, size))}
            if supports_checksums(bucket)
            else {}
        )

        def once() -> Any:
            source.check()  # of a file that became shorter a part would never be whole
            body = PartBody(source.file, start, size)
            return unsigned_parts.send_part(bucket, {**request, **checksum, "PartNumber": number, "Body": body})

        answer = retry_part(bucket, request["Key"], once, deadline)
        bucket.meter.add(Usage(up=size))
        confirmed = {"ChecksumCRC32": answer["ChecksumCRC32"]} if checksum and "ChecksumCRC32" in answer else {}
        return {"PartNumber": number, "ETag": answer["ETag"], **confirmed}

    with ThreadPoolExecutor(THREADS) as pool:
        return list(
            run_bounded(pool, (lambda n=n, part=part: send_one(n, *part) for n, part in enumerate(source.ranges(), 1)))
        )


def retry_part(bucket: Bucket, name: str, call: Any, deadline: Deadline) -> Any:
    """One part, tried until the deadline. Raises StoreError, also when the upload is not known any more."""
    try:
        return bucket.with_retries(call, name.rpartition("/")[2], deadline, writing=True)
    except ClientError as error:
        raise StoreError(
            f"{bucket.address()}: the upload of {name} is gone ({s3_errors.error_code(error)}); somebody aborts"
            f" uploads that are"
            " on their way, let the rule for incomplete ones wait a day"
        ) from error


def run_bounded(pool: ThreadPoolExecutor, jobs: Iterable[Any]) -> Iterator[Any]:
    """The results of jobs in order, never more than `THREADS` of them begun or waiting to be taken."""
    running: deque[Future[Any]] = deque()
    try:
        for job in jobs:
            running.append(pool.submit(job))
            if len(running) >= THREADS:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()


def complete_upload(bucket: Bucket, key: str, request: dict[str, Any], size: int, deadline: Deadline) -> None:
    """Make the object of its parts. A lost answer is confirmed by the object that stands. Raises StoreError."""
    try:
        bucket.with_retries(lambda: bucket.client.complete_multipart_upload(**request), key, deadline, writing=True)
    except ClientError as error:
        if bucket.size(key) != size:
            raise s3_errors.build_refused_error(bucket.address(key), error, writing=True) from None


def get(bucket: Bucket, digest: Digest, path: Path) -> None:
    """Write the blob to the new file `path`, checked. Raises CorruptError, StoreError if there is none, OSError."""
    key = blob_key(digest)
    size = bucket.size(key)
    if size is None:
        raise StoreError(f"{digest}: not in the store {bucket.address()}; put it first, or give the store that has it")
    found: list[str] = []
    for _ in range(DOWNLOAD_ATTEMPTS):
        sha256 = download(bucket, ObjectInfo(key, size), path)
        if sha256 == digest:
            return
        if sha256 in found:
            raise CorruptError(
                f"{bucket.address(key)}: its bytes have sha256 {sha256}, its name says {digest}: it was changed after it"
                " was written; restore it from a copy, or start the run in another place"
            )
        found.append(sha256)
    raise StoreError(
        f"{bucket.address(key)}: comes damaged, differently each of {DOWNLOAD_ATTEMPTS} times; check the network"
    )


def download(bucket: Bucket, seen: ObjectInfo, path: Path) -> str:
    """Write the object to `path`, in parts; the sha256 of what came. Raises StoreError, OSError."""
    size = seen.size
    deadline, length = bucket.limits.deadline(size), part_size(size)
    sha256 = hashlib.sha256()
    with path.open("w+b") as file, ThreadPoolExecutor(THREADS) as pool:
        os.truncate(file.fileno(), size)
        jobs = (
            lambda start=start: download_range(
                bucket, seen, file.fileno(), (start, min(length, size - start)), deadline
            )
            for start in range(0, size, length)
        )
        for start, count in run_bounded(pool, jobs):
            for offset in range(start, start + count, files.CHUNK):
                sha256.update(os.pread(file.fileno(), min(files.CHUNK, start + count - offset), offset))
    return sha256.hexdigest()


def download_range(
    bucket: Bucket, seen: ObjectInfo, file: int, part: tuple[int, int], deadline: Deadline
) -> tuple[int, int]:
    """Write the bytes `part` (start, length) of an object, as it was seen, to their place. Raises StoreError."""
    start, length = part
    request = {**bucket.object_arguments(seen.key), **({"IfMatch": seen.etag} if seen.etag else {})}

    def once() -> None:
        response = bucket.client.get_object(**request, Range=f"bytes={start}-{start + length - 1}")
        offset = start
        with response["Body"] as stream:
            while piece := stream.read(s3_bucket.CHUNK):
                offset += os.pwrite(file, piece, offset)
                deadline.check()
        if offset != start + length:
            raise TransferError(f"{offset - start} bytes of {length}")

    try:
        bucket.with_retries(once, seen.key, deadline)
        bucket.meter.add(Usage(down=length))
    except ClientError as error:
        raise changed_error(bucket.address(seen.key), error) from error
    return part


def changed_error(address: str, error: ClientError) -> StoreError:
    """What an error says of an object that was seen a moment ago."""
    if s3_errors.classify(error) is ErrorKind.NOT_FOUND:
        return StoreError(f"{address}: deleted while it was read; somebody deletes what a run needs")
    return StoreError(f"{address}: changed while it was read; run again when nobody writes to it")
