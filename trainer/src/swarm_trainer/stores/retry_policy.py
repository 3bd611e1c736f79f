"""How long a call to a store may take, and how it is tried again until then.

Every call ends by its deadline, in success or in an error. Pauses grow and are drawn at random over their whole length,
so that many who were refused at once do not come back at once; a store that says SlowDown is left alone for longer.
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
"""Seconds."""
RANDOM = random.SystemRandom()
"""Not the run's randomness: two processes of one run must not pause alike."""


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """Seconds, and the rate below which a transfer counts as stuck."""

    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    """Without a byte, on one connection."""
    call_timeout: float = 120.0
    """For a call, all its attempts together, apart from what its bytes need."""
    min_rate: float = 256 * 1024.0
    """Bytes a second: a transfer may take `call_timeout` and its size divided by this."""
    first_pause: float = 0.05
    """The first pause between two attempts at most; each later one may last twice as long."""
    first_throttled_pause: float = 0.5
    """Likewise, where the store asks for less."""

    def deadline(self, size: int = 0) -> "Deadline":
        """From now on, for `size` bytes."""
        return Deadline(self.call_timeout + size / self.min_rate, self)


class Deadline:
    """A moment on the monotonic clock."""

    def __init__(self, seconds: float, limits: RetryLimits) -> None:
        self.seconds = seconds
        self.limits = limits
        self._end = time.monotonic() + seconds

    def seconds_left(self) -> float:
        return self._end - time.monotonic()

    def check(self) -> None:
        """Raises LateError when the moment has passed."""
        if self.seconds_left() <= 0:
            raise DeadlineError


def with_retries(call: Callable[[], T], address: str, deadline: Deadline, *, writing: bool) -> T:
    """What `call` gives, asked until it gives something or time is over.

    Errors that say something (a condition that does not hold, an absent object) pass through as they are. Raises
    RefusedError for what cannot help, StoreError when time is over.
    """
    last: Exception = DeadlineError()
    for attempt in count():
        try:
            deadline.check()
            return call()
        except DeadlineError:
            raise s3_errors.build_timeout_error(address, deadline.seconds, last) from last
        except Exception as error:
            last = error
            match s3_errors.classify(error):
                case ErrorKind.PRECONDITION_FAILED | ErrorKind.NOT_FOUND:
                    raise
                case ErrorKind.PERMANENT if isinstance(error, StoreError):
                    raise
                case ErrorKind.PERMANENT:
                    raise s3_errors.build_refused_error(address, error, writing=writing) from None
                case kind:
                    sleep_before_retry(attempt, throttled=kind is ErrorKind.THROTTLED, deadline=deadline)
    raise AssertionError("an endless loop has ended")


def sleep_before_retry(attempt: int, *, throttled: bool, deadline: Deadline) -> None:
    """Pause before the next attempt, never beyond the deadline."""
    first = deadline.limits.first_throttled_pause if throttled else deadline.limits.first_pause
    longest = min(MAX_PAUSE_SECONDS, first * 2 ** min(attempt, 16))
    time.sleep(max(0.0, min(RANDOM.uniform(0, longest), deadline.seconds_left())))
