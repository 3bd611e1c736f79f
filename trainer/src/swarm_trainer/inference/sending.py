"""Sending requests: over connections that are kept, and again where that can help.

The waits between attempts double, each drawn from its upper half, so that clients that failed together do not come back
together. Every request has one deadline for all its attempts.
"""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import httpx

from swarm_core.recipe import ModelName
from swarm_trainer.inference import wire
from swarm_trainer.inference.endpoint import Endpoint
from swarm_trainer.inference.wire import Down, Outcome

T = TypeVar("T")
Work = Callable[[httpx.AsyncClient], Coroutine[Any, Any, T]]

SHORTEST_WAIT = 0.25
"""Seconds before the second attempt, at most."""
_DRAW = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Settings:
    """How servers are asked."""

    max_model_len: int = 4096
    """Tokens of prompt and completion together."""
    concurrency: int = 64
    """Requests under way at one server, at most."""
    deadline: float = 600.0
    """Seconds for one request, all its attempts together, from when it is first sent."""
    breaks: int = 3
    """How often a request is sent that the server breaks on: it may be the request's fault."""


@dataclass(frozen=True, slots=True)
class Sender:
    """How requests reach one server."""

    client: httpx.AsyncClient
    endpoint: Endpoint
    settings: Settings
    alive: Callable[[], bool]
    """Whether the server may still answer; what it owes is given up when not."""

    async def outcome(self, body: dict[str, object]) -> Outcome:
        """Send `body`, again where that can help, until the deadline."""
        until = time.monotonic() + self.settings.deadline
        tries = broken = 0
        while True:
            found = await self._once(body, until - time.monotonic())
            if not isinstance(found, Down) or found.wait is None:
                return found
            tries, broken = tries + 1, broken + found.broke
            pause = max(found.wait, backoff(tries))
            late = time.monotonic() + pause > until
            if late or broken >= self.settings.breaks or not self.alive():
                return replace(found, message=f"{found.message} (tried {tries} times)")
            await asyncio.sleep(pause)

    async def _once(self, body: dict[str, object], left: float) -> Outcome:
        """What one attempt brings."""
        url = f"{self.endpoint.url}/v1/completions"
        try:
            answer = await self.client.post(url, json=body, headers=wire.headers(self.endpoint), timeout=max(left, 0.1))
        except (httpx.HTTPError, OSError) as error:
            said = " ".join(str(error).split())
            return Down(f"{self.endpoint.url}: no answer: {type(error).__name__} {said}".rstrip(), wait=0.0)
        return wire.outcome(self.endpoint, answer.status_code, answer.content, answer.headers.get("retry-after"))


def backoff(tries: int) -> float:
    """Seconds to wait after that many attempts."""
    return float(min(wire.LONGEST_WAIT, SHORTEST_WAIT * 2 ** (tries - 1)) * _DRAW.uniform(0.5, 1.0))


def unloading(endpoint: Endpoint, name: ModelName) -> Work[None]:
    """Have a server forget an adapter. One that it does not know, and a server that does not answer, are left be."""

    async def unload(client: httpx.AsyncClient) -> None:
        url, asked = f"{endpoint.url}/v1/unload_lora_adapter", {"lora_name": name}
        with suppress(httpx.HTTPError, OSError):
            await client.post(url, json=asked, headers=wire.headers(endpoint), timeout=10.0)

    return unload


class Line:
    """A thread with an event loop and a client in it, made when first used: connections outlive single calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx.AsyncClient | None = None
        self._thread = threading.Thread()

    def run(self, work: Work[T]) -> T:
        """What `work` brings with the client, from any thread."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="openai", daemon=True)
                self._thread.start()
                limits = httpx.Limits(max_connections=None, max_keepalive_connections=256)
                # No proxy and no netrc of the environment: keys go to the endpoint that they are for.
                self._client = httpx.AsyncClient(limits=limits, trust_env=False)
            loop, client = self._loop, self._client
        assert client is not None
        return asyncio.run_coroutine_threadsafe(work(client), loop).result()

    def close(self) -> None:
        """Close the connections and end the thread. Safe to call twice."""
        with self._lock:
            loop, client, self._loop, self._client = self._loop, self._client, None, None
        if loop is not None and client is not None:
            asyncio.run_coroutine_threadsafe(closed(client), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()


async def closed(client: httpx.AsyncClient) -> None:
    """Close a client, and let the loop take note of its connections' end."""
    await client.aclose()
    await asyncio.sleep(0.01)
