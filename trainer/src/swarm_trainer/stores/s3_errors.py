"""Classifies the errors of an S3 store and words them for the user.

A message names the object, the reason, the rule and the way out. It leaves out the texts of libraries and servers,
because they may repeat a request's headers or an address with a password in it.
"""

from enum import Enum, auto

import urllib3.exceptions
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from swarm_core.errors import ErrorCode, add_code
from swarm_core.ports import RefusedError, StoreError
from swarm_trainer import network


class TransferError(Exception):
    """The bytes received are not the bytes sent."""


class DeadlineError(Exception):
    """The time of a call is over."""


class ErrorKind(Enum):
    """The kinds of errors, by what a client should do."""

    TRANSIENT = auto()
    """A retry may help."""
    THROTTLED = auto()
    """A later retry may help: the store asks for fewer requests."""
    PRECONDITION_FAILED = auto()
    """The condition of a write did not hold."""
    NOT_FOUND = auto()
    PERMANENT = auto()


THROTTLING_CODES = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}
)
PRECONDITION_CODES = frozenset({"PreconditionFailed", "412", "304", "NotModified"})
"""304: some releases of MinIO answer a write whose condition failed with it."""
NOT_FOUND_CODES = frozenset({"NoSuchKey", "NoSuchUpload", "404", "NotFound"})
DAMAGED_CODES = frozenset(
    {"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "ContentSHA256Mismatch"}
)
"""Answers to a body that does not match its digest: it was damaged in transfer."""
TRANSIENT_CODES = DAMAGED_CODES | {
    "ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "InternalError", "ServiceUnavailable",
    "IncompleteBody", "409", "408",
}  # fmt: skip
"""In addition to every status of 500 and above."""
TRANSPORT_ERRORS = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
    exceptions.ReadTimeoutError,
    exceptions.ResponseStreamingError,
    exceptions.FlexibleChecksumError,
    urllib3.exceptions.HTTPError,
    ResponseParserError,
    TransferError,
    OSError,
)
"""Errors of the connection to the store."""

BAD_CREDENTIALS = "the store rejects this key; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile"
CLOCK_SKEW = "this machine's clock and the store's are too far apart for a signed request; set the clock"
KEY_CODES = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthFailure")
ACCESS_CODES = frozenset({*KEY_CODES, "ExpiredToken"})
"""Answers to a key that the store does not take."""
REMEDIES = {
    **dict.fromkeys(KEY_CODES, BAD_CREDENTIALS),
    "ExpiredToken": "the session token has expired; fetch a new one",
    "RequestTimeTooSkewed": CLOCK_SKEW,
    "RequestExpired": CLOCK_SKEW,
    "NoSuchBucket": "there is no such bucket; create it, or correct spec.storage.s3.bucket",
    "InvalidBucketName": "this is not a valid bucket name; correct spec.storage.s3.bucket",
    **dict.fromkeys(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "307"),
        "the bucket is in another region; set spec.storage.s3.region",
    ),
    **dict.fromkeys(
        ("QuotaExceeded", "StorageFull", "XMinioStorageFull", "507"),
        "the store is full, and objects are stored whole or not at all; free some space, or give another bucket",
    ),
    **dict.fromkeys(
        ("NotImplemented", "MissingContentLength", "InvalidRequest", "InvalidArgument", "501"),
        "the store does not support this kind of request; try spec.storage.s3.requestChecksum: WhenRequired",
    ),
}
READ_DENIED = "reading is not allowed; the key needs s3:GetObject and s3:ListBucket here"
WRITE_DENIED = "writing is not allowed; the key needs s3:PutObject here, and the bucket must not be read-only"
UNREACHABLE = "the store cannot be reached; check spec.storage.s3.endpoint (or AWS_ENDPOINT_URL) and the network"
NO_CREDENTIALS = "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
TIMED_OUT = "the store did not finish in time; check its health, then run again"


def classify(error: Exception) -> ErrorKind:
    """The kind of an error."""
    if is_untrusted(error):
        return ErrorKind.PERMANENT
    if not isinstance(error, ClientError):
        return ErrorKind.TRANSIENT if isinstance(error, TRANSPORT_ERRORS) else ErrorKind.PERMANENT
    found, status = error_code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if found in THROTTLING_CODES or status in (429, 503):
        return ErrorKind.THROTTLED
    if found in PRECONDITION_CODES:
        return ErrorKind.PRECONDITION_FAILED
    if found in NOT_FOUND_CODES:
        return ErrorKind.NOT_FOUND
    known = found in REMEDIES
    return ErrorKind.TRANSIENT if not known and (found in TRANSIENT_CODES or status >= 500) else ErrorKind.PERMANENT


def is_untrusted(error: Exception) -> bool:
    """Whether the certificate of the store is not from a trusted authority."""
    return isinstance(error, exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


def error_code(error: Exception) -> str:
    """The store's error code, or else the name of the error's class."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "")) or "unknown"
    return type(error).__name__


def build_refused_error(address: str, error: Exception, *, writing: bool) -> RefusedError:
    """The RefusedError for `error`, on the object or bucket `address`."""
    refused = RefusedError(f"{address}: {find_remedy(error, writing=writing)} ({error_code(error)})")
    return add_code(refused, find_refusal_code(error))


def find_refusal_code(error: Exception) -> ErrorCode | None:
    """The code of a refusal: access, the bucket, or none of both."""
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return ErrorCode.STORE_ACCESS_DENIED
    if is_untrusted(error) or isinstance(error, BotoCoreError | ValueError):
        return None
    found = error_code(error)
    if found == "NoSuchBucket":
        return ErrorCode.BUCKET_NOT_FOUND
    return ErrorCode.STORE_ACCESS_DENIED if found in ACCESS_CODES or found not in REMEDIES else None


def find_remedy(error: Exception, *, writing: bool) -> str:
    if is_untrusted(error):
        return network.UNTRUSTED
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return NO_CREDENTIALS
    if isinstance(error, exceptions.ProfileNotFound | exceptions.ConfigNotFound):
        return "AWS_PROFILE names a profile that is not configured; correct it"
    if isinstance(error, BotoCoreError | ValueError):
        return "the request cannot be formed; check bucket, endpoint and region in spec.storage.s3"
    return REMEDIES.get(error_code(error), WRITE_DENIED if writing else READ_DENIED)


def build_timeout_error(address: str, seconds: float, error: Exception) -> StoreError:
    """The StoreError for a call whose time is over. `error` is the last one that occurred."""
    answered = isinstance(error, ClientError | TransferError | DeadlineError | exceptions.FlexibleChecksumError)
    words = TIMED_OUT if answered else UNREACHABLE
    late = StoreError(f"{address}: {words} ({error_code(error)}, tried for {seconds:.0f} s)")
    return add_code(late, ErrorCode.STORE_UNREACHABLE)
