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

from swarm_trainer.stores import refusals
from swarm_trainer.stores.bucket import Bucket
from swarm_trainer.stores.refusals import Trouble, WireError

MISFIT = {"PartNumber": 1, "Body": b"1", "ChecksumCRC32": "AAAAAA=="}
"""A part that a store keeps only if it looks at no checksum."""


def written(crc32: int) -> str:
    """A CRC32 as S3 writes it."""
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()


def refuses(client: Any, upload: Mapping[str, Any]) -> bool:
    """Whether the store takes unsigned parts, and refuses one that does not fit its CRC32. Raises what may pass."""
    try:
        client.upload_part(**upload, **MISFIT)
    except ClientError as error:
        if refusals.code(error) in refusals.DAMAGED:
            return True
        if refusals.trouble(error) is not Trouble.FINAL:
            raise
    return False


def sent(store: Bucket, part: Mapping[str, Any]) -> Any:
    """The answer to a part, sent as the store is trusted by now. Raises what may pass, and WireError."""
    client = store.carrier or store.client
    return client.upload_part(**part) if client is store.client else confirmed(store, client, part)


def confirmed(store: Bucket, client: Any, part: Mapping[str, Any]) -> Any:
    """The answer to an unsigned part; it is the last, if the store says nothing of its CRC32 or finds it damaged."""
    try:
        answer = client.upload_part(**part)
    except ClientError as error:
        if refusals.code(error) in refusals.DAMAGED:
            store.carrier = store.client
        raise
    if answer.get("ChecksumCRC32") != part["ChecksumCRC32"]:
        store.carrier = store.client
        raise WireError("a part was kept without a word on its CRC32")
    return answer
