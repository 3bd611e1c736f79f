"""Deadlines and retries of calls to a store.

Every call ends by its deadline, in success or in an error. Pauses grow, and each is drawn at random from its whole
range, so that many clients that were refused at once do not return at once. After SlowDown the pauses are longer.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from swarm_core.ports import StoreError
from swarm_trainer.stores import s3_errors
from swarm_trainer.stores.s3_errors import DeadlineError, ErrorKind

T = TypeVar("T")

MAX_PAUSE_SECONDS = 8.0
"""The longest pause between two attempts, in seconds."""
RANDOM = random.SystemRandom()
"""Not the run's random stream: two processes of one run must not pause alike."""


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """Limits in seconds, and the lowest transfer rate."""

    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    """Without a byte, on one connection."""
    call_timeout: float = 120.0
    """For a call with all its attempts, without the time for its bytes."""
    min_rate: float = 256 * 1024.0
    """Bytes per second. A transfer may take `call_timeout` plus its size divided by this."""
    first_pause: float = 0.05
    """The longest first pause between two attempts. Each later one may be twice as long."""
    first_throttled_pause: float = 0.5
    """The same, after the store asked for fewer requests."""

    def deadline(self, size: int = 0) -> "Deadline":
        """A deadline from now, for a transfer of `size` bytes."""
        return Deadline(self.call_timeout + size / self.min_rate, self)


class Deadline:
    """A point in time on the monotonic clock."""

    def __init__(self, seconds: float, limits: RetryLimits) -> None:
        self.seconds = seconds
        self.limits = limits
        self._end = time.monotonic() + seconds

    def seconds_left(self) -> float:
        return self._end - time.monotonic()

    def check(self) -> None:
        """Raises DeadlineError when the time is over."""
        if self.seconds_left() <= 0:
            raise DeadlineError


PASSED_THROUGH = (ErrorKind.PRECONDITION_FAILED, ErrorKind.NOT_FOUND)
"""The kinds of error that have a meaning for the caller."""


def with_retries(call: Callable[[], T], address: str, deadline: Deadline, *, writing: bool) -> T:
    """Return the result of `call`, retried until it succeeds or the deadline passes.

    Errors of the kinds `PASSED_THROUGH` pass through. Raises RefusedError if no retry can help, StoreError after the
    deadline.
    """
    last: Exception = DeadlineError()
    for attempt in count():
        try:
            deadline.check()
            return call()
        except DeadlineError:
            raise s3_errors.build_timeout_error(address, deadline.seconds, last) from last
        except Exception as error:
            last, kind = error, s3_errors.classify(error)
            if kind in PASSED_THROUGH or (kind is ErrorKind.PERMANENT and isinstance(error, StoreError)):
                raise
            if kind is ErrorKind.PERMANENT:
                raise s3_errors.build_refused_error(address, error, writing=writing) from None
            sleep_before_retry(attempt, throttled=kind is ErrorKind.THROTTLED, deadline=deadline)
    raise AssertionError("an endless loop has ended")


def sleep_before_retry(attempt: int, *, throttled: bool, deadline: Deadline) -> None:
    """Pause before the next attempt, never beyond the deadline."""
    first = deadline.limits.first_throttled_pause if throttled else deadline.limits.first_pause
    longest = min(MAX_PAUSE_SECONDS, first * 2 ** min(attempt, 16))
    time.sleep(max(0.0, min(RANDOM.uniform(0, longest), deadline.seconds_left())))
