"""Sends parts without a signature of their bytes, protected by a CRC32, if the store has been shown to verify it.

To sign a part, its bytes are hashed with sha256 here and again by the store, in addition to the CRC32 that the part
carries anyway. But a store may ignore a checksum, or echo it without verifying it. So no store is trusted before it has
refused a part with a wrong CRC32. The trust ends as soon as the store keeps a part without confirming its CRC32, or
finds one damaged. From then on parts are signed, starting with that one, so a network that changes bytes meets both
checks.

Limits: the CRC32 is signed with the request's head, but a deliberate change can find other bytes with the same CRC32.
The sha256 of the blob detects that whenever the blob is read.
"""

import base64
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from swarm_trainer.stores import s3_errors
from swarm_trainer.stores.s3_bucket import Bucket
from swarm_trainer.stores.s3_errors import ErrorKind, TransferError

MISMATCHED_PART = {"PartNumber": 1, "Body": b"1", "ChecksumCRC32": "AAAAAA=="}
"""A part with a wrong checksum. Only a store that verifies no checksum keeps it."""


def encode_crc32(crc32: int) -> str:
    """A CRC32 in the form that S3 uses."""
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()


def rejects_bad_checksum(client: Any, upload: Mapping[str, Any]) -> bool:
    """Whether the store accepts unsigned parts and refuses one with a wrong CRC32. Raises ClientError if a retry may
    help.
    """
    try:
        client.upload_part(**upload, **MISMATCHED_PART)
    except ClientError as error:
        if s3_errors.error_code(error) in s3_errors.DAMAGED_CODES:
            return True
        if s3_errors.classify(error) is not ErrorKind.PERMANENT:
            raise
    return False


def send_part(bucket: Bucket, part: Mapping[str, Any]) -> Any:
    """The answer to a part, sent signed or unsigned as the store is trusted now. Raises ClientError, TransferError."""
    client = bucket.part_client or bucket.client
    return client.upload_part(**part) if client is bucket.client else send_unsigned(bucket, client, part)


def send_unsigned(bucket: Bucket, client: Any, part: Mapping[str, Any]) -> Any:
    """The answer to an unsigned part. It is the last one if the store does not confirm its CRC32 or finds it
    damaged.
    """
    try:
        answer = client.upload_part(**part)
    except ClientError as error:
        if s3_errors.error_code(error) in s3_errors.DAMAGED_CODES:
            bucket.part_client = bucket.client
        raise
    if answer.get("ChecksumCRC32") != part["ChecksumCRC32"]:
        bucket.part_client = bucket.client
        raise TransferError("the store kept a part without confirming its CRC32")
    return answer
