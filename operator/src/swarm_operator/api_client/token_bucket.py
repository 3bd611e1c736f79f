"""How many calls may be made: a bucket of tokens that fills at a steady rate; who comes first is served first."""

import asyncio
from collections.abc import Callable


class TokenBucket:
    """A bucket, full at first. A rate of 0 is no limit."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = per_second, max(1, burst), clock
        self._tokens, self._filled_at = float(self._burst), clock()
        self._turn = asyncio.Lock()  # wakes its waiters in order

    async def take(self) -> None:
        """Return when one call may be made."""
        if self._rate <= 0:
            return
        async with self._turn:
            self._fill()
            if self._tokens < 1:
                await asyncio.sleep((1 - self._tokens) / self._rate)
                self._fill()
            self._tokens -= 1  # may be a hair below 0, when a timer fires early

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(float(self._burst), self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
