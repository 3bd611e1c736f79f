"""Uploads and downloads blobs of a bucket: small ones in one request, large ones in parts, several at once.

No part is held in memory, however large the file: an upload reads while it sends, a download writes while it receives.
A part is large enough for the file to have at most 10,000 of them, S3's limit. An upload that fails is aborted. If the
process dies, the upload is left to the bucket's rule for incomplete uploads. A file that changes while it is uploaded
is refused. The store refuses a part with a changed byte: the part is signed, or carries a CRC32 that the store has been
shown to verify (`unsigned_parts`). A downloaded blob is checked against its digest before it gets its name.
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
"""Bytes of a part. S3 accepts none below 5 MiB except the last."""
MAX_SENT_PART_BYTES = 32 << 20
"""Maximum bytes of an uploaded part, unless S3 needs larger ones. A damaged part costs this much."""
MAX_PARTS = 10_000
"""Maximum number of parts of an object in S3."""
MIN_READ_BYTES = 1 << 18
"""Minimum bytes read at a time for an upload."""
ABORT_SECONDS = 10.0
DOWNLOAD_ATTEMPTS = 5
"""Downloads of a whole blob while its parts arrive intact but its sha256 does not match."""


def blob_key(digest: Digest) -> str:
    """The key of a blob."""
    return f"blobs/{digest[:2]}/{digest}"


def part_size(size: int) -> int:
    """Bytes of each part of a file of `size` bytes."""
    return max(PART_BYTES, -(-size // MAX_PARTS))


def sent_part_size(size: int) -> int:
    """Bytes of each uploaded part of a file of `size` bytes. Every thread gets as much to send as any other."""
    turns = -(-size // (THREADS * MAX_SENT_PART_BYTES))
    return max(part_size(size), -(-size // (THREADS * turns)))


def put(bucket: Bucket, source: Path | bytes) -> Digest:
    """Store these bytes; returns their digest. Raises StoreError."""
    if isinstance(source, bytes):
        return put_bytes(bucket, source)
    with files.translate_os_errors(source):
        stamp = files.stamp(source)  # taken first: a write while we read changes the stamp
        size = stamp[2]
        if size <= PART_BYTES:
            return put_bytes(bucket, source.read_bytes())
        digest = files.digest(source)
        if bucket.size(blob_key(digest)) != size:
            with source.open("rb") as file:
                upload(bucket, digest, UploadSource(source, file.fileno(), stamp))
    return digest


def put_bytes(bucket: Bucket, data: bytes) -> Digest:
    """Store bytes in one request. The store verifies the sha256 itself if it can. Raises StoreError."""
    digest = digest_bytes(data)
    key = blob_key(digest)
    if bucket.size(key) != len(data):
        sha256 = base64.b64encode(bytes.fromhex(digest)).decode()
        bucket.write(key, data, {"ChecksumSHA256": sha256} if supports_checksums(bucket) else {})
    return digest


def supports_checksums(bucket: Bucket) -> bool:
    """Whether the store supports the newer checksums, according to the spec."""
    return bucket.storage.request_checksum is RequestChecksum.WHEN_SUPPORTED


class PartBody:
    """A part of a file as a request body for botocore, which reads it once to sign it, if it does, and once to send it.

    The part is not held in memory. That would copy it twice and allocate new memory each time, which costs more than a
    second read from the system's cache.
    """

    def __init__(self, file: int, start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def read(self, size: int = -1) -> bytes:
        """At least MIN_READ_BYTES bytes, if so many are left: urllib3 asks for 16 KiB at a time, which is slow."""
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
    """An open file for an upload in parts, with its stamp from before it was read."""

    path: Path
    file: int
    """The file descriptor."""
    stamp: tuple[int, int, int]

    @property
    def size(self) -> int:
        return self.stamp[2]

    def ranges(self) -> list[tuple[int, int]]:
        """Start and size of every part, in order."""
        length = sent_part_size(self.size)
        return [(start, min(length, self.size - start)) for start in range(0, self.size, length)]

    def crc32(self, start: int, size: int) -> int:
        """The CRC32 of a part. Sender threads call it, so that it uses the other core too."""
        part, crc = PartBody(self.file, start, size), 0
        while data := part.read(MIN_READ_BYTES):
            crc = zlib.crc32(data, crc)
        return crc

    def check(self) -> None:
        """Raises StoreError if the file's stamp has changed.

        A second sha256 would find no more than the check of the download finds, and would cost as much as the first.
        """
        if files.stamp(self.path) != self.stamp:
            raise StoreError(f"{self.path}: it changed while it was read; put it again when nothing writes to it")


def upload(bucket: Bucket, digest: Digest, source: UploadSource) -> None:
    """Upload a file in parts. Raises StoreError, also for a file that changes meanwhile, and OSError."""
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
    """Start an upload; returns the arguments that name it in every later request. Raises StoreError."""
    arguments = bucket.object_arguments(key)
    checksum = {"ChecksumAlgorithm": "CRC32"} if supports_checksums(bucket) else {}
    start = functools.partial(bucket.client.create_multipart_upload, **arguments, **checksum)
    return {**arguments, "UploadId": bucket.with_retries(start, key, deadline, writing=True)["UploadId"]}


def abort_upload(bucket: Bucket, key: str, request: Mapping[str, Any]) -> None:
    """Drop the parts of an upload. Otherwise they would use space, unseen, until the bucket's rule collects them.

    Raises nothing: the error that ended the upload matters more than an error here.
    """
    abort_deadline = Deadline(ABORT_SECONDS, bucket.limits)
    with suppress(Exception):
        bucket.with_retries(lambda: bucket.client.abort_multipart_upload(**request), key, abort_deadline, writing=True)


def choose_part_client(bucket: Bucket, deadline: Deadline) -> None:
    """Find out, before the first upload, whether parts may be sent unsigned. Raises StoreError."""
    if supports_checksums(bucket) and bucket.part_client is None:
        client = s3_bucket.build_client(bucket.storage, bucket.limits, signing=False)
        bucket.part_client = client if verifies_checksums(bucket, client, deadline) else bucket.client


def verifies_checksums(bucket: Bucket, client: Any, deadline: Deadline) -> bool:
    """Whether the store detects a changed byte in a part from `client`. Raises StoreError.

    The trial has an upload of its own, because some stores cannot replace a part that they kept (`rclone serve s3`). If
    the key may not write beside the blobs, there is no trial and parts are signed.
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
    """Send every part, THREADS at once. Returns the fields of each that `complete_upload` needs. Raises StoreError."""

    def send(number: int, part: tuple[int, int]) -> dict[str, Any]:
        return send_part(bucket, {**request, "PartNumber": number}, source, part, deadline)

    with ThreadPoolExecutor(THREADS) as pool:
        calls = (lambda n=n, part=part: send(n, part) for n, part in enumerate(source.ranges(), 1))
        return list(run_bounded(pool, calls))


def send_part(
    bucket: Bucket, request: dict[str, Any], source: UploadSource, part: tuple[int, int], deadline: Deadline
) -> dict[str, Any]:
    """Send the bytes `part` (start, size) of `source`. Returns number, ETag and checksum. Raises StoreError."""
    start, size = part
    checksum = {}
    if supports_checksums(bucket):
        checksum = {"ChecksumCRC32": unsigned_parts.encode_crc32(source.crc32(start, size))}

    def once() -> Any:
        source.check()  # a file that became shorter would never fill its parts
        return unsigned_parts.send_part(bucket, {**request, **checksum, "Body": PartBody(source.file, start, size)})

    answer = retry_part(bucket, request["Key"], once, deadline)
    bucket.meter.add(Usage(bytes_written=size))
    confirmed = {"ChecksumCRC32": answer["ChecksumCRC32"]} if checksum and "ChecksumCRC32" in answer else {}
    return {"PartNumber": request["PartNumber"], "ETag": answer["ETag"], **confirmed}


def retry_part(bucket: Bucket, name: str, call: Any, deadline: Deadline) -> Any:
    """The result of `call` for one part, tried until the deadline. Raises StoreError, also when the upload no longer
    exists.
    """
    try:
        return bucket.with_retries(call, name.rpartition("/")[2], deadline, writing=True)
    except ClientError as error:
        raise StoreError(
            f"{bucket.address()}: the upload of {name} no longer exists ({s3_errors.error_code(error)}); something"
            " aborts running uploads: let the rule for incomplete uploads wait a day"
        ) from error


def run_bounded(pool: ThreadPoolExecutor, jobs: Iterable[Any]) -> Iterator[Any]:
    """The results of jobs, in order. At most THREADS of them run or wait to be taken."""
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
    """Make the object from its parts. If the answer is lost, the object itself shows success. Raises StoreError."""
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
        raise StoreError(
            f"{digest}: the store {bucket.address()} does not have it; put it first, or give the store that has it"
        )
    found: list[str] = []
    for _ in range(DOWNLOAD_ATTEMPTS):
        sha256 = download(bucket, ObjectInfo(key, size), path)
        if sha256 == digest:
            return
        if sha256 in found:
            raise CorruptError(
                f"{bucket.address(key)}: its bytes have sha256 {sha256}, but its name says {digest}: it was"
                " changed after it was written; restore it from a copy, or start the run in another place"
            )
        found.append(sha256)
    raise StoreError(
        f"{bucket.address(key)}: {DOWNLOAD_ATTEMPTS} downloads were damaged, each differently; check the network"
    )


def download(bucket: Bucket, seen: ObjectInfo, path: Path) -> str:
    """Write the object to `path`, in parts; returns the sha256 of the bytes received. Raises StoreError, OSError."""
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


def write_body(body: Any, file: int, start: int, deadline: Deadline) -> int:
    """Write the stream `body` to `file` from the offset `start`. Returns the number of bytes. Raises DeadlineError."""
    offset = start
    with body as stream:
        while piece := stream.read(s3_bucket.CHUNK):
            offset += os.pwrite(file, piece, offset)
            deadline.check()
    return offset - start


def download_range(
    bucket: Bucket, seen: ObjectInfo, file: int, part: tuple[int, int], deadline: Deadline
) -> tuple[int, int]:
    """Write the bytes `part` (start, length) of the version `seen` of an object to their place. Raises StoreError."""
    start, length = part
    request = {**bucket.object_arguments(seen.key), **({"IfMatch": seen.etag} if seen.etag else {})}

    def once() -> None:
        response = bucket.client.get_object(**request, Range=f"bytes={start}-{start + length - 1}")
        written = write_body(response["Body"], file, start, deadline)
        if written != length:
            raise TransferError(f"{written} bytes of {length}")

    try:
        bucket.with_retries(once, seen.key, deadline)
        bucket.meter.add(Usage(bytes_read=length))
    except ClientError as error:
        raise changed_error(bucket.address(seen.key), error) from error
    return part


def changed_error(address: str, error: ClientError) -> StoreError:
    """The error for an object that changed or disappeared after it was seen."""
    if s3_errors.classify(error) is ErrorKind.NOT_FOUND:
        return StoreError(f"{address}: it was deleted while it was read; stop the program that deletes a run's objects")
    return StoreError(f"{address}: it changed while it was read; run again when nothing writes to it")
