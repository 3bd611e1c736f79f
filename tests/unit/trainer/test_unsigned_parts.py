"""What a store's answer to a part that does not fit says of the store."""

import hashlib
import io
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from urllib3 import HTTPResponse

from swarm_core.api.execution import S3Storage
from swarm_trainer.stores import s3_bucket, unsigned_parts
from swarm_trainer.stores.retry_policy import RetryLimits

UPLOAD = {"Bucket": "swarms", "Key": "blob", "UploadId": "1"}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return s3_bucket.build_client(
        S3Storage(bucket="swarms", endpoint="http://127.0.0.1:1"), RetryLimits(), signing=False
    )


@pytest.mark.parametrize(
    ("code", "status", "trusted"),
    [
        ("BadDigest", 400, True),
        ("XAmzContentChecksumMismatch", 400, True),
        ("AccessDenied", 403, False),
        ("NotImplemented", 501, False),
        ("InvalidRequest", 400, False),
    ],
)
def test_only_a_refusal_for_the_checksum_makes_a_store_trusted(
    client: Any, code: str, status: int, trusted: bool
) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("upload_part", code, http_status_code=status)
        assert unsigned_parts.rejects_bad_checksum(client, UPLOAD) is trusted


def test_a_store_that_keeps_the_part_is_not_trusted_whatever_it_says_of_it(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_response(
            "upload_part", {"ETag": '"1"', "ChecksumCRC32": unsigned_parts.MISMATCHED_PART["ChecksumCRC32"]}
        )
        assert not unsigned_parts.rejects_bad_checksum(client, UPLOAD)


@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("InternalError", 500), ("NoSuchUpload", 404)])
def test_what_says_nothing_of_the_checksum_is_no_answer(client: Any, code: str, status: int) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("upload_part", code, http_status_code=status)
        with pytest.raises(ClientError, match=code):
            unsigned_parts.rejects_bad_checksum(client, UPLOAD)


@pytest.mark.parametrize("signing", [True, False])
def test_over_tls_too_a_part_is_signed_or_not_as_its_client_was_told(client: Any, signing: bool) -> None:
    place = S3Storage(bucket="swarms", endpoint="https://127.0.0.1:1", region="us-east-1")
    there, guards = s3_bucket.build_client(place, RetryLimits(), signing=signing), []

    def answered(request: Any, **_: Any) -> AWSResponse:
        guards.append(request.headers["X-Amz-Content-SHA256"].decode())
        return AWSResponse(request.url, 200, {}, HTTPResponse(io.BytesIO(), preload_content=False))

    there.meta.events.register("before-send.s3.UploadPart", answered)
    there.upload_part(**UPLOAD, **unsigned_parts.MISMATCHED_PART)
    assert guards == [hashlib.sha256(b"1").hexdigest() if signing else "UNSIGNED-PAYLOAD"]


def test_a_crc32_is_written_as_the_store_writes_it() -> None:
    assert unsigned_parts.encode_crc32(0xCBF43926) == "y/Q5Jg=="
