"""Parts without a signature of their bytes: a CRC32 guards them, where the store has shown that it looks at it.

To sign a part, its bytes are hashed by sha256 here and again by the store, beside the CRC32 that goes with them anyway.
But a store may ignore a checksum, or repeat what it is told and never look. So none is trusted before it has refused a
part that does not fit, and then only until it keeps a part without confirming its CRC32, or finds one damaged: from
then on parts are signed, the one in question first, and a network that changes bytes meets both.

The CRC32 is signed with the rest of a request's head. Who changes bytes on purpose can find others that fit; that is
seen where everything is seen, by the blob's sha256, whenever it is read.
"""

import base64
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from swarm_trainer.stores import s3_errors
from swarm_trainer.stores.s3_bucket import Bucket
from swarm_trainer.stores.s3_errors import ErrorKind, TransferError

MISMATCHED_PART = {"PartNumber": 1, "Body": b"1", "ChecksumCRC32": "AAAAAA=="}
"""A part that a store keeps only if it looks at no checksum."""


def encode_crc32(crc32: int) -> str:
    """A CRC32 as S3 writes it."""
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()


def rejects_bad_checksum(client: Any, upload: Mapping[str, Any]) -> bool:
    """Whether the store takes unsigned parts, and refuses one that does not fit its CRC32. Raises what may pass."""
    try:
        client.upload_part(**upload, **MISMATCHED_PART)
    except ClientError as error:
        if s3_errors.error_code(error) in s3_errors.DAMAGED_CODES:
            return True
        if s3_errors.classify(error) is not ErrorKind.PERMANENT:
            raise
    return False


def send_part(bucket: Bucket, part: Mapping[str, Any]) -> Any:
    """The answer to a part, sent as the store is trusted by now. Raises what may pass, and WireError."""
    client = bucket.part_client or bucket.client
    return client.upload_part(**part) if client is bucket.client else send_unsigned(bucket, client, part)


def send_unsigned(bucket: Bucket, client: Any, part: Mapping[str, Any]) -> Any:
    """The answer to an unsigned part; it is the last, if the store says nothing of its CRC32 or finds it damaged."""
    try:
        answer = client.upload_part(**part)
    except ClientError as error:
        if s3_errors.error_code(error) in s3_errors.DAMAGED_CODES:
            bucket.part_client = bucket.client
        raise
    if answer.get("ChecksumCRC32") != part["ChecksumCRC32"]:
        bucket.part_client = bucket.client
        raise TransferError("a part was kept without a word on its CRC32")
    return answer
