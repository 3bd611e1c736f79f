"""Paces the requests to one server: its limits per minute, and the pauses that it asks for.

Requests go out evenly rather than in bursts. So no minute exceeds the limit, whenever the server starts to count it.
The tokens of a request are known only afterwards, so it is charged with an estimate first and corrected later.

Limits: it must be used on one event loop. It does not know other processes that share the key; they show as status 429.
"""

import asyncio
import secrets

MINUTE = 60.0
JITTER_SECONDS = 0.25
"""Maximum number of seconds by which requests that waited for the same pause are spread."""
_RANDOM = secrets.SystemRandom()


class RateLimiter:
    """Decides when the next request may go. Without limits it may go at once, unless the server asked for a pause."""

    def __init__(self, requests_per_minute: int | None = None, tokens_per_minute: int | None = None) -> None:
        self._request_interval = MINUTE / requests_per_minute if requests_per_minute else 0.0
        self._token_interval = MINUTE / tokens_per_minute if tokens_per_minute else 0.0
        self._next_request = self._tokens_paid_until = self._paused_until = 0.0

    async def acquire(self, estimate: int = 0) -> None:
        """Wait until a request that may take `estimate` tokens may go."""
        now = asyncio.get_running_loop().time()
        start = max(now, self._next_request, self._tokens_paid_until)
        self._next_request = start + self._request_interval
        self._tokens_paid_until = max(now, self._tokens_paid_until) + estimate * self._token_interval
        await asyncio.sleep(start - now)
        while True:  # the server may ask for another pause meanwhile
            left = self._paused_until - asyncio.get_running_loop().time()
            if left <= 0:
                return
            await asyncio.sleep(left + _RANDOM.uniform(0.0, JITTER_SECONDS))

    def correct(self, estimate: int, tokens: int) -> None:
        """Correct the charge of a request with this `estimate` that took `tokens` tokens."""
        self._tokens_paid_until += (tokens - estimate) * self._token_interval

    def pause_for(self, seconds: float) -> None:
        """Hold all requests for so many seconds, because the server asked for it."""
        if seconds > 0:
            self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + seconds)
