"""How fast one server may be asked: requests and tokens in a minute, and pauses that it asks for.

Requests go out evenly rather than in bursts, so that no minute, wherever a server begins to count it, holds more than
allowed. What a request takes in tokens is known afterwards: it is charged with an estimate, and corrected.

Limits: one event loop's; other processes that share the key are not known of, and show themselves by 429.
"""

import asyncio
import secrets
import time

MINUTE = 60.0
JITTER_SECONDS = 0.25
"""Seconds by which those who waited for the same pause go apart, at most."""
_RANDOM = secrets.SystemRandom()


class RateLimiter:
    """When the next request may go. Without limits: at once, unless the server asked for a pause."""

    def __init__(self, requests_per_minute: int | None = None, tokens_per_minute: int | None = None) -> None:
        self._request_interval = MINUTE / requests_per_minute if requests_per_minute else 0.0
        self._token_interval = MINUTE / tokens_per_minute if tokens_per_minute else 0.0
        self._next_request = self._tokens_paid_until = self._paused_until = 0.0

    async def acquire(self, estimate: int = 0) -> None:
        """Wait for a turn, for a request that may take `estimate` tokens."""
        now = time.monotonic()
        start = max(now, self._next_request, self._tokens_paid_until)
        self._next_request = start + self._request_interval
        self._tokens_paid_until = max(now, self._tokens_paid_until) + estimate * self._token_interval
        await asyncio.sleep(start - now)
        while True:  # another pause may be asked for meanwhile
            left = self._paused_until - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(left + _RANDOM.uniform(0.0, JITTER_SECONDS))

    def correct(self, estimate: int, tokens: int) -> None:
        """A request that was charged with `estimate` took `tokens`."""
        self._tokens_paid_until += (tokens - estimate) * self._token_interval

    def pause_for(self, seconds: float) -> None:
        """Nobody goes for so long: the server said so."""
        if seconds > 0:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)
