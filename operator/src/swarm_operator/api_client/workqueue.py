"""Which run is looked at next: each at most once in line, first come first served, and never by two workers at once.

A key that is added while it is worked on comes again afterwards, since what was seen may have been older. A key that
failed waits longer each time, with jitter, until it succeeds once. Bounded by the number of keys.

Limits: one event loop. Times are the loop's.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

Jitter = Callable[[str, int], float]
"""A number in [0, 1) for a key and its failures so far."""


class WorkQueue:
    """Keys to be worked on."""

    def __init__(self, backoff: float, cap: float, jitter: Jitter) -> None:
        self._backoff, self._cap, self._jitter = backoff, cap, jitter
        self._waiting: OrderedDict[str, None] = OrderedDict()
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._failures: dict[str, int] = {}
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        """Keys that wait for a worker; those that wait for their time are not counted."""
        return len(self._waiting) + len(self._again)

    @property
    def busy(self) -> int:
        """Keys that are worked on."""
        return len(self._busy)

    def add(self, key: str) -> None:
        """Look at `key` as soon as a worker is free."""
        if timer := self._later.pop(key, None):
            timer.cancel()
        if key in self._busy:
            self._again.add(key)
        else:
            self._waiting[key] = None
            self._filled.set()

    def add_later(self, key: str, seconds: float) -> None:
        """Look at `key` after so long, or earlier if it was to be looked at earlier."""
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
        """The next key. It is the caller's until `done`."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        key, _ = self._waiting.popitem(last=False)
        self._busy.add(key)
        return key

    def done(self, key: str) -> None:
        """The worker has finished with `key`, well or not."""
        self._busy.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def reset_failures(self, key: str) -> None:
        """Its next failure is a first one."""
        self._failures.pop(key, None)

    def retry_later(self, key: str, least: float = 0.0) -> float:
        """Look at `key` again after its back-off, or after `least` seconds if that is longer; returns the pause."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        pause = min(self._cap, self._backoff * 2.0 ** min(failures - 1, 30))
        pause = max(least, pause * (0.5 + 0.5 * self._jitter(key, failures)))
        self._again.discard(key)
        self.add_later(key, pause)
        return pause

    def forget(self, key: str) -> None:
        """There is no such key any more."""
        self._failures.pop(key, None)
        self._waiting.pop(key, None)
        self._again.discard(key)
        if timer := self._later.pop(key, None):
            timer.cancel()

    def close(self) -> None:
        """Stop all clocks."""
        for timer in self._later.values():
            timer.cancel()
        self._later.clear()
