"""The classes of failures of model servers: what each one means for the run. The class decides, not a list of codes.

An account failure stops the run until its user acts. A refusal concerns one request, unless a control request is
refused too. Overload and broken connections pass, so they are waited out. A server error or a reply that is no
completion may be the fault of this request, so it is sent again and then compared with a control request. So is a
request without any answer until its deadline: it may be too slow, or break its server.

Nothing that a server sends is trusted.
"""

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from swarm_core.errors import ErrorCode

MESSAGE_CHARACTERS = 300
ACCOUNT_STATUSES = frozenset({401, 402, 407})
PASSING_CLIENT_STATUSES = frozenset({408, 409, 423, 425, 429})
"""The statuses below 500 that a later attempt may not get: timeouts, conflicts, locks and rate limits."""
REFUSING_STATUSES = frozenset({*range(400, 407), *range(410, 418), 422, 426, 428, 431, 451})
"""The statuses below 500 with which a server refuses what it was sent. Others, such as 421, 424 and 499, say nothing
about the request."""
ACCOUNT_WORDS = re.compile(
    r"insufficient[_ -](?:quota|balance|funds|credits?)|billing[_ -](?:hard[_ -])?limit|payment[_ -]required"
    r"|(?:out of|no|not enough) credits?\b|account[_ -](?:deactivated|suspended)|invalid[_ -]api[_ -]key",
    re.IGNORECASE,
)
TIMEOUT_STATUSES = frozenset({0, 408, 504, 524})
"""The statuses of an answer that did not come in time; 0 is no answer at all."""
TOO_LARGE_WORDS = re.compile(r"request (?:is )?too large|maximum context|context[_ ]length", re.IGNORECASE)
OVERLOAD_WORDS = re.compile(r"rate[_ -]?limit|overload|too many requests|timed? ?out|unavailable", re.IGNORECASE)
MODERATION_WORDS = re.compile(
    r"content[_ -]?(?:policy|filter|management)|moderation|flagged|responsible[_ -]?ai|safety|prohibited[_ -]content"
    r"|data[_ -]inspection|sensitive",
    re.IGNORECASE,
)


class FailureClass(StrEnum):
    """The classes of failures."""

    ACCOUNT = "Account"
    """Every request of this key fails until the user acts: a wrong key, no money, no such model."""
    REFUSAL = "Refusal"
    """The server refuses this request, and perhaps every other."""
    PASSING = "Passing"
    """The server is overloaded, or the connection broke. A later attempt may succeed."""
    SERVER_ERROR = "ServerError"
    """The server failed while it processed this request."""
    MALFORMED = "Malformed"
    """The reply is not a completion."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A request without an answer, where the server or the network is the reason."""

    message: str
    cause: FailureClass = FailureClass.PASSING
    retry_after: float = 0.0
    """Seconds that the server asks to wait."""
    status: int = 0
    """The HTTP status of the answer; 0 if there was no answer."""
    attempts: str = ""
    """How often the request was sent, in parentheses. It differs from run to run, so no rollout holds it."""

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.cause not in (FailureClass.ACCOUNT, FailureClass.REFUSAL)

    @property
    def description(self) -> str:
        """The message and the attempts, for an error."""
        return f"{self.message} {self.attempts}".rstrip()

    @property
    def is_slow(self) -> bool:
        """Whether no answer came in time, although a later attempt might get one."""
        return self.cause is FailureClass.PASSING and self.status in TIMEOUT_STATUSES

    @property
    def may_be_own_fault(self) -> bool:
        """Whether this request may be the reason, so that the number of its attempts is limited."""
        return self.cause in (FailureClass.SERVER_ERROR, FailureClass.MALFORMED)

    @property
    def code(self) -> ErrorCode | None:
        """The code of an error about this request; None if the reply alone is at fault."""
        if self.status in (401, 403):
            return ErrorCode.ENDPOINT_KEY_REFUSED
        if self.cause is FailureClass.ACCOUNT:
            return ErrorCode.ENDPOINT_PAYMENT_REQUIRED
        if self.status == 429 or self.status >= 500:
            return ErrorCode.ENDPOINT_OVERLOADED
        return None if self.status else ErrorCode.ENDPOINT_UNREACHABLE


def classify_status(status: int, body: bytes) -> FailureClass:
    """Return the class of an answer with an HTTP status other than 200."""
    if status in ACCOUNT_STATUSES:
        return FailureClass.ACCOUNT
    if status in PASSING_CLIENT_STATUSES:
        words = decode(body)
        if TOO_LARGE_WORDS.search(words):
            return FailureClass.REFUSAL
        return FailureClass.ACCOUNT if ACCOUNT_WORDS.search(words) else FailureClass.PASSING
    if 300 <= status < 400 or status in REFUSING_STATUSES:
        return FailureClass.REFUSAL
    if 400 <= status <= 500:
        return FailureClass.SERVER_ERROR
    return FailureClass.MALFORMED if status < 300 else FailureClass.PASSING


def find_error(answer: Any) -> Any | None:
    """Return the error in a JSON answer with status 200; None if it holds none."""
    if not isinstance(answer, dict):
        return None
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    return answer.get("error") or first.get("error") or None


def classify_error(error: Any) -> FailureClass:
    """Return the class of an error that came with status 200: by the status in it, or by its words."""
    fields = error if isinstance(error, dict) else {}
    for name in ("code", "status", "status_code"):
        digits = str(fields.get(name))
        if digits.isascii() and digits.isdigit() and len(digits) == 3 and 300 <= int(digits) < 600:
            return classify_status(int(digits), json.dumps(error).encode())
    words = json.dumps(error)
    for pattern, cause in (
        (ACCOUNT_WORDS, FailureClass.ACCOUNT),
        (OVERLOAD_WORDS, FailureClass.PASSING),
        (MODERATION_WORDS, FailureClass.REFUSAL),
    ):
        if pattern.search(words):
            return cause
    return FailureClass.SERVER_ERROR


def describe_refusal(message: str) -> str:
    """Return who refuses, in the words of a message for the user."""
    return "moderation" if MODERATION_WORDS.search(message) else "server"


def parse_retry_after(value: str | None, milliseconds: str | None = None) -> float:
    """The seconds in a Retry-After header, which holds a number or a date; 0 for anything else.

    `milliseconds`: the header Retry-After-Ms, which is more exact, so it counts if it is there.
    """
    if milliseconds is not None and (exact := parse_retry_after(milliseconds)) > 0:
        return exact / 1000.0
    try:
        seconds = float(value or 0.0)
    except ValueError:
        return seconds_until(value or "")
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0


def seconds_until(date: str) -> float:
    """Seconds until an HTTP date; 0 if the date is past or not a date."""
    try:
        return max((parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0


def parse_error_message(data: bytes) -> str:
    """The message in an error answer."""
    try:
        answer = json.loads(data)
        message = answer.get("error", answer)
        return one_line(str(message.get("message", message) if isinstance(message, dict) else message).encode())
    except (ValueError, AttributeError, RecursionError):
        return one_line(data)


def one_line(data: bytes) -> str:
    """A server's text with runs of whitespace closed up, cut to MESSAGE_CHARACTERS."""
    return " ".join(decode(data).split())[:MESSAGE_CHARACTERS] or "nothing"


def decode(data: bytes) -> str:
    """The text of a server's bytes. Bytes that are not UTF-8 are replaced."""
    return data.decode(errors="replace")
