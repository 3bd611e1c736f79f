"""Adds up the usage of a process (requests, tokens, bytes, time) while it works, from any number of threads.

Code that sends requests or transfers bytes adds to the meter. Code that reports takes the usage since the last report.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from swarm_core.usage import Usage


class Meter:
    """The usage since it was last taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._usage = Usage()
        self._open_requests = 0
        self._counted_until = 0.0

    def add(self, usage: Usage) -> None:
        """Add `usage` to the total."""
        with self._lock:
            self._usage += usage

    @contextmanager
    def time_requests(self) -> Iterator[None]:
        """Count the wall-clock time of the `with` block, in seconds. Overlapping blocks count once."""
        with self._lock:
            self._count_time()
            self._open_requests += 1
        try:
            yield
        finally:
            with self._lock:
                self._count_time()
                self._open_requests -= 1

    def take(self) -> Usage:
        """Return the usage since the last call, and start again from zero."""
        with self._lock:
            self._count_time()
            taken, self._usage = self._usage, Usage()
        return taken

    def _count_time(self) -> None:
        """Add the seconds since the last call if a request was open. The lock must be held."""
        now = time.monotonic()
        if self._open_requests:
            self._usage += Usage(seconds=now - self._counted_until)
        self._counted_until = now
