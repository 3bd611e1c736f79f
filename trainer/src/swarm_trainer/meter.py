"""Adds up what work takes while it is done, from many threads.

Whoever asks, or moves bytes, tells it; whoever reports takes what has come together since the last report.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from swarm_core.usage import Usage


class Meter:
    """Effort since it was last taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._usage = Usage()
        self._open_requests = 0
        self._counted_until = 0.0

    def add(self, usage: Usage) -> None:
        with self._lock:
            self._usage += usage

    @contextmanager
    def time_requests(self) -> Iterator[None]:
        """Within, time counts; only once, however many ask at the same time."""
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
        """What has come together since it was last taken."""
        with self._lock:
            self._count_time()
            taken, self._usage = self._usage, Usage()
        return taken

    def _count_time(self) -> None:
        """Add the time since the last look, if anything was being asked for in it."""
        now = time.monotonic()
        if self._open_requests:
            self._usage += Usage(seconds=now - self._counted_until)
        self._counted_until = now
