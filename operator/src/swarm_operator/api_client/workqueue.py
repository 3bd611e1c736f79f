"""Queues the runs to reconcile: each key at most once, first in, first out, and never with two workers at once.

A key that is added while a worker has it is queued again afterwards, because the worker may have seen an older state. A
key that fails waits longer each time, with jitter, until it succeeds once. The number of keys bounds the memory.

Limits: one event loop. Times are those of the loop.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

Jitter = Callable[[str, int], float]
"""A number in [0, 1) for a key and its number of failures."""


class WorkQueue:
    """A work queue with backoff, like client-go's."""

    def __init__(self, backoff: float, cap: float, jitter: Jitter) -> None:
        self._backoff, self._cap, self._jitter = backoff, cap, jitter
        self._waiting: OrderedDict[str, None] = OrderedDict()
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._failures: dict[str, int] = {}
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        """Number of keys that wait for a worker, without those that wait for a time."""
        return len(self._waiting) + len(self._again)

    @property
    def busy(self) -> int:
        """Number of keys that workers have now."""
        return len(self._busy)

    def add(self, key: str) -> None:
        """Queue `key` now."""
        if timer := self._later.pop(key, None):
            timer.cancel()
        if key in self._busy:
            self._again.add(key)
        else:
            self._waiting[key] = None
            self._filled.set()

    def add_later(self, key: str, seconds: float) -> None:
        """Queue `key` after `seconds`, or earlier if it was already due earlier."""
        if key in self._waiting or key in self._again:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + max(0.0, seconds)
        if timer := self._later.get(key):
            if timer.when() <= due:
                return
            timer.cancel()
        self._later[key] = loop.call_at(due, self.add, key)

    async def take(self) -> str:
        """Wait for the next key. The caller has it until it calls `done`."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        key, _ = self._waiting.popitem(last=False)
        self._busy.add(key)
        return key

    def done(self, key: str) -> None:
        """The worker is done with `key`, whether it succeeded or not."""
        self._busy.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def reset_failures(self, key: str) -> None:
        """Set the number of failures of `key` to 0."""
        self._failures.pop(key, None)

    def retry_later(self, key: str, least: float = 0.0) -> float:
        """Queue `key` after its backoff, or after `least` seconds if that is longer. Returns the delay in seconds."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        pause = min(self._cap, self._backoff * 2.0 ** min(failures - 1, 30))  # a bounded exponent cannot overflow
        pause = max(least, pause * (0.5 + 0.5 * self._jitter(key, failures)))
        self._again.discard(key)
        self.add_later(key, pause)
        return pause

    def forget(self, key: str) -> None:
        """Remove everything about `key`."""
        self._failures.pop(key, None)
        self._waiting.pop(key, None)
        self._again.discard(key)
        if timer := self._later.pop(key, None):
            timer.cancel()

    def close(self) -> None:
        """Cancel all timers."""
        for timer in self._later.values():
            timer.cancel()
        self._later.clear()
