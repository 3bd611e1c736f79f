"""Limits the rate of calls with a token bucket. Callers get their tokens in the order in which they asked."""

import asyncio
from collections.abc import Callable


class TokenBucket:
    """A token bucket that starts full. A rate of 0 sets no limit."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = per_second, max(1, burst), clock
        self._tokens, self._filled_at = float(self._burst), clock()
        self._turn = asyncio.Lock()  # a Lock wakes its waiters in order

    async def take(self) -> None:
        """Wait until one call may be made."""
        if self._rate <= 0:
            return
        async with self._turn:
            self._fill()
            if self._tokens < 1:
                await asyncio.sleep((1 - self._tokens) / self._rate)
                self._fill()
            self._tokens -= 1  # slightly below 0 if the timer fires early

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(float(self._burst), self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
