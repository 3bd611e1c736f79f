"""What an S3 store's errors mean: which may pass, which cannot, and in what words a person is told.

The words are ours: the place, what happened, the rule and the way out. Texts of libraries and of servers are left out,
because they may repeat a request's headers or an address with a password in it.
"""

from enum import Enum, auto

import urllib3.exceptions
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from swarm_core.ports import RefusedError, StoreError


class TransferError(Exception):
    """Bytes did not come as they were sent."""


class DeadlineError(Exception):
    """The time of a call is over."""


class ErrorKind(Enum):
    """What kind of answer an error is."""

    TRANSIENT = auto()
    """Asking again may help."""
    THROTTLED = auto()
    """So may asking again, but later: the store asks for less."""
    PRECONDITION_FAILED = auto()
    """The condition of a write did not hold."""
    NOT_FOUND = auto()
    PERMANENT = auto()


THROTTLING_CODES = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}
)
PRECONDITION_CODES = frozenset({"PreconditionFailed", "412", "304", "NotModified"})
"""304: some releases of MinIO answered so to a write whose condition did not hold."""
NOT_FOUND_CODES = frozenset({"NoSuchKey", "NoSuchUpload", "404", "NotFound"})
DAMAGED_CODES = frozenset(
    {"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "ContentSHA256Mismatch"}
)
"""Said of a body that does not fit its digest: it was damaged on its way."""
TRANSIENT_CODES = DAMAGED_CODES | {
    "ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "InternalError", "ServiceUnavailable",
    "IncompleteBody", "409", "408",
}  # fmt: skip
"""Beside every status of 500 and above."""
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
"""The way to the store and back."""

BAD_CREDENTIALS = "the store does not take this key; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile"
CLOCK_SKEW = "this machine's clock and the store's are too far apart for a signed request; set the clock"
REMEDIES = {
    **dict.fromkeys(("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthFailure"), BAD_CREDENTIALS),
    "ExpiredToken": "the session token has expired; fetch a new one",
    "RequestTimeTooSkewed": CLOCK_SKEW,
    "RequestExpired": CLOCK_SKEW,
    "NoSuchBucket": "there is no such bucket; make it, or correct spec.storage.s3.bucket",
    "InvalidBucketName": "that is no name for a bucket; correct spec.storage.s3.bucket",
    **dict.fromkeys(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "307"),
        "the bucket is in another region; set spec.storage.s3.region",
    ),
    **dict.fromkeys(
        ("QuotaExceeded", "StorageFull", "XMinioStorageFull", "507"),
        "there is no room, and what is stored is stored whole or not at all; free some, or give another bucket",
    ),
    **dict.fromkeys(
        ("NotImplemented", "MissingContentLength", "InvalidRequest", "InvalidArgument", "501"),
        "the store does not know this kind of request; try spec.storage.s3.requestChecksum: WhenRequired",
    ),
}
READ_DENIED = "reading is not allowed; the key needs s3:GetObject and s3:ListBucket here"
WRITE_DENIED = "writing is not allowed; the key needs s3:PutObject here, and the bucket must not be read-only"
UNREACHABLE = "the store cannot be reached; check spec.storage.s3.endpoint (or AWS_ENDPOINT_URL) and the network"
NO_CREDENTIALS = "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
TIMED_OUT = "the store did not manage within the time allowed; look at its health, then run again"


def classify(error: Exception) -> ErrorKind:
    """What kind of answer `error` is."""
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


def error_code(error: Exception) -> str:
    """The store's word for an error, else the name of its class."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "")) or "unknown"
    return type(error).__name__


def build_refused_error(address: str, error: Exception, *, writing: bool) -> RefusedError:
    """The refusal that `error` is, of the object or bucket `address`."""
    return RefusedError(f"{address}: {find_remedy(error, writing=writing)} ({error_code(error)})")


def find_remedy(error: Exception, *, writing: bool) -> str:
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return NO_CREDENTIALS
    if isinstance(error, exceptions.ProfileNotFound | exceptions.ConfigNotFound):
        return "AWS_PROFILE names a profile that is not configured; correct it"
    if isinstance(error, BotoCoreError | ValueError):
        return "the request cannot be formed; check bucket, endpoint and region in spec.storage.s3"
    return REMEDIES.get(error_code(error), WRITE_DENIED if writing else READ_DENIED)


def build_timeout_error(address: str, seconds: float, error: Exception) -> StoreError:
    """Said when time is over, `error` being the last thing that happened."""
    answered = isinstance(error, ClientError | TransferError | DeadlineError | exceptions.FlexibleChecksumError)
    words = TIMED_OUT if answered else UNREACHABLE
    return StoreError(f"{address}: {words} ({error_code(error)}, tried for {seconds:.0f} s)")
