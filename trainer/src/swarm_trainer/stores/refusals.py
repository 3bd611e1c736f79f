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


class WireError(Exception):
    """Bytes did not come as they were sent."""


class LateError(Exception):
    """The time of a call is over."""


class Trouble(Enum):
    """What kind of answer an error is."""

    PASSING = auto()
    """Asking again may help."""
    BUSY = auto()
    """So may asking again, but later: the store asks for less."""
    UNMET = auto()
    """The condition of a write did not hold."""
    ABSENT = auto()
    FINAL = auto()


BUSY = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
UNMET = frozenset({"PreconditionFailed", "412", "304", "NotModified"})
"""304: some releases of MinIO answered so to a write whose condition did not hold."""
ABSENT = frozenset({"NoSuchKey", "NoSuchUpload", "404", "NotFound"})
DAMAGED = frozenset({"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "ContentSHA256Mismatch"})
"""Said of a body that does not fit its digest: it was damaged on its way."""
PASSING = DAMAGED | {
    "ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "InternalError", "ServiceUnavailable",
    "IncompleteBody", "409", "408",
}  # fmt: skip
"""Beside every status of 500 and above."""
TRANSPORT = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
    exceptions.ReadTimeoutError,
    exceptions.ResponseStreamingError,
    exceptions.FlexibleChecksumError,
    urllib3.exceptions.HTTPError,
    ResponseParserError,
    WireError,
    OSError,
)
"""The way to the store and back."""

KEY = "the store does not take this key; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile"
CLOCK = "this machine's clock and the store's are too far apart for a signed request; set the clock"
WORDS = {
    **dict.fromkeys(("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthFailure"), KEY),
    "ExpiredToken": "the session token has expired; fetch a new one",
    "RequestTimeTooSkewed": CLOCK,
    "RequestExpired": CLOCK,
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
READ = "reading is not allowed; the key needs s3:GetObject and s3:ListBucket here"
WRITE = "writing is not allowed; the key needs s3:PutObject here, and the bucket must not be read-only"
UNREACHED = "the store cannot be reached; check spec.storage.s3.endpoint (or AWS_ENDPOINT_URL) and the network"
KEYLESS = "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
AGAIN = "the store did not manage within the time allowed; look at its health, then run again"


def trouble(error: Exception) -> Trouble:
    """What kind of answer `error` is."""
    if not isinstance(error, ClientError):
        return Trouble.PASSING if isinstance(error, TRANSPORT) else Trouble.FINAL
    found, status = code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if found in BUSY or status in (429, 503):
        return Trouble.BUSY
    if found in UNMET:
        return Trouble.UNMET
    if found in ABSENT:
        return Trouble.ABSENT
    known = found in WORDS
    return Trouble.PASSING if not known and (found in PASSING or status >= 500) else Trouble.FINAL


def code(error: Exception) -> str:
    """The store's word for an error, else the name of its class."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "")) or "unknown"
    return type(error).__name__


def final(where: str, error: Exception, *, writing: bool) -> RefusedError:
    """The refusal that `error` is, of the object or bucket `where`."""
    return RefusedError(f"{where}: {way_out(error, writing=writing)} ({code(error)})")


def way_out(error: Exception, *, writing: bool) -> str:
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return KEYLESS
    if isinstance(error, exceptions.ProfileNotFound | exceptions.ConfigNotFound):
        return "AWS_PROFILE names a profile that is not configured; correct it"
    if isinstance(error, BotoCoreError | ValueError):
        return "the request cannot be formed; check bucket, endpoint and region in spec.storage.s3"
    return WORDS.get(code(error), WRITE if writing else READ)


def given_up(where: str, seconds: float, error: Exception) -> StoreError:
    """Said when time is over, `error` being the last thing that happened."""
    met = isinstance(error, ClientError | WireError | LateError | exceptions.FlexibleChecksumError)
    words = AGAIN if met else UNREACHED
    return StoreError(f"{where}: {words} ({code(error)}, tried for {seconds:.0f} s)")
