"""The error for invalid input of the user, what its messages have in common, and the codes of errors.

A code is attached to an error where it is raised. It stays with the errors that are raised from it, and a host reports
it as the reason of a failure. So nobody reads the words of a message, which may change.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TypeVar


class BadInputError(Exception):
    """The input of the user is invalid. The message names the value, the rule and the way out on one line.

    Another attempt cannot succeed, so no host retries. The command line exits with code 2.
    """


@contextmanager
def name_subject(*subject: object) -> Iterator[None]:
    """During the `with` block, put a subject, such as a field and its value, before the message of a BadInputError."""
    try:
        yield
    except BadInputError as error:
        raise BadInputError(": ".join(map(str, (*subject, error)))) from error


def list_names(names: Iterable[object], limit: int = 12) -> str:
    """Names, such as those of fields, for a message, escaped and at most `limit` of them."""
    found = [repr(str(name)[:60])[1:-1] for name in names]
    more = f" and {len(found) - limit} more" if len(found) > limit else ""
    return ", ".join(found[:limit]) + more or "nothing"


class ErrorCode(StrEnum):
    """The causes of failed attempts that a run reports as reasons of their own."""

    OUT_OF_MEMORY = "OOMKilled"
    EVICTED = "Evicted"
    MODEL_REFUSED = "ModelRefused"
    """An inference server cannot serve the model."""
    BUDGET_EXCEEDED = "BudgetExceeded"
    PLUGIN_NOT_FOUND = "PluginNotFound"
    BUCKET_NOT_FOUND = "BucketNotFound"
    CONDITIONAL_WRITES_IGNORED = "ConditionalWritesIgnored"
    STORE_ACCESS_DENIED = "StoreAccessDenied"
    STORE_UNREACHABLE = "StoreUnreachable"
    STORE_ERROR = "StoreError"
    """Any other failure of the store."""
    ENDPOINT_KEY_REFUSED = "EndpointKeyRefused"
    ENDPOINT_PAYMENT_REQUIRED = "EndpointPaymentRequired"
    ENDPOINT_OVERLOADED = "EndpointOverloaded"
    ENDPOINT_UNREACHABLE = "EndpointUnreachable"
    INFERENCE_ERROR = "InferenceError"
    """Any other failure of an engine."""
    NOTHING_ACCEPTED = "NothingAccepted"
    """No item, or no generator or taker, could be measured."""


AnyError = TypeVar("AnyError", bound=Exception)


def add_code(error: AnyError, code: ErrorCode | None) -> AnyError:
    """Return `error` with its code."""
    error.__dict__["error_code"] = code
    return error


def find_code(error: BaseException) -> ErrorCode | None:
    """Return the code of `error`, or of the first error that has one among those that it was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        code = cause.__dict__.get("error_code")
        if isinstance(code, ErrorCode):
            return code
        cause = cause.__cause__
    return None
