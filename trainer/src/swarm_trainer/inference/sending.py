"""Sending requests: over connections that are kept, and again where that can help.

The waits between attempts double, each drawn from its upper half, so that clients that failed together do not come back
together; what a server asks us to wait is waited, and where that is beyond the deadline the request is given up at
once. Every request has one deadline for all its attempts.
"""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from swarm_core.effort import Effort, bucket
from swarm_core.ports import Failure
from swarm_core.recipe import ModelName
from swarm_trainer.inference import wire
from swarm_trainer.inference.connections import Broken, Connections
from swarm_trainer.inference.endpoint import Addressed
from swarm_trainer.inference.pace import Pace
from swarm_trainer.inference.wire import COMPLETIONS, Dialect, Down, Outcome, Reply
from swarm_trainer.meter import Meter

T = TypeVar("T")
Work = Callable[[Connections], Coroutine[Any, Any, T]]

SHORTEST_WAIT = 0.25
"""Seconds before the second attempt, at most."""
LONGEST_WAIT = 10.0
"""Seconds between two attempts, unless the server asks for more."""
UNLOADING_SECONDS = 10.0
"""For a server to forget an adapter."""
HIDDEN = b"***"
SECRET = 8
"""Characters of a key that is one; a shorter one is a word, such as EMPTY, that answers may hold."""
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

    connections: Connections
    endpoint: Addressed
    settings: Settings
    alive: Callable[[], bool] = lambda: True
    """Whether the server may still answer; what it owes is given up when not."""
    dialect: Dialect = COMPLETIONS
    pace: Pace = field(default_factory=Pace)
    meter: Meter = field(default_factory=Meter)

    async def outcome(self, body: dict[str, object]) -> Outcome:
        """Send `body`, again where that can help, until the deadline."""
        found = await self.reply(body)
        return found.completion if isinstance(found, Reply) else found

    async def reply(self, body: dict[str, object]) -> Reply | Failure | Down:
        """The same, with what the answer took."""
        until = time.monotonic() + self.settings.deadline
        tries = broken = 0
        while True:
            began = time.monotonic()
            found = await self._once(body, until - began)
            tries += 1
            if not isinstance(found, Down) or found.wait is None:
                break
            broken += found.broke
            asked = found.wait
            pause = max(asked, backoff(tries))
            late = time.monotonic() + pause > until
            if late or broken >= self.settings.breaks or not self.alive():
                asks = f", asked to wait {asked:.0f} s" if asked > 0 else ""
                found = replace(found, message=f"{found.message} (tried {tries} times{asks})")
                break
            self.pace.hold(asked)
            await asyncio.sleep(pause)
            await self.pace.turn()
        self.meter.add(took(found, tries, time.monotonic() - began))
        return found

    async def _once(self, body: dict[str, object], left: float) -> Reply | Failure | Down:
        """What one attempt brings."""
        url, headers = f"{self.endpoint.url}{self.dialect.path}", wire.headers(self.endpoint)
        try:
            answer = await self.connections.post(url, body, headers, max(left, 0.1))
        except Broken as error:
            said = self._hidden(str(error).encode()).decode()
            return Down(f"{self.endpoint.url}: no answer: {said}", wait=0.0)
        return wire.outcome(self.endpoint, self.dialect, answer.status, self._hidden(answer.data), answer.retry_after)

    def _hidden(self, data: bytes) -> bytes:
        """What a server says, without our key should it repeat it."""
        key = self.endpoint.key or ""
        return data.replace(key.encode(), HIDDEN) if len(key) >= SECRET else data


def took(found: Reply | Failure | Down, tries: int, seconds: float) -> Effort:
    """The effort of one request; `seconds` is the time of its last attempt."""
    if not isinstance(found, Reply):
        return Effort(requests=1, failed=1, retries=tries - 1)
    return Effort(
        requests=1,
        retries=tries - 1,
        prompt_tokens=found.prompt_tokens,
        tokens=found.completion.tokens,
        latencies=((bucket(seconds), 1),),
    )


def backoff(tries: int) -> float:
    """Seconds to wait after that many attempts."""
    return float(min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** (tries - 1)) * _DRAW.uniform(0.5, 1.0))


def unloading(endpoint: Addressed, name: ModelName) -> Work[None]:
    """Have a server forget an adapter. One that it does not know, and a server that does not answer, are left be."""

    async def unload(connections: Connections) -> None:
        url, asked = f"{endpoint.url}/v1/unload_lora_adapter", {"lora_name": name}
        with suppress(Broken):
            await connections.post(url, asked, wire.headers(endpoint), UNLOADING_SECONDS)

    return unload


class Line:
    """A thread with an event loop and connections in it, made when first used: they outlive single calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connections: Connections | None = None
        self._thread = threading.Thread()

    def run(self, work: Work[T]) -> T:
        """What `work` brings with the connections, from any thread."""
        return self.begin(work).result()

    def begin(self, work: Work[T]) -> Future[T]:
        """`work` begun with the connections, from any thread."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="openai", daemon=True)
                self._thread.start()
                self._connections = asyncio.run_coroutine_threadsafe(opened(), self._loop).result()
            loop, connections = self._loop, self._connections
        assert connections is not None
        return asyncio.run_coroutine_threadsafe(work(connections), loop)

    def close(self) -> None:
        """Close the connections and end the thread. Safe to call twice."""
        with self._lock:
            loop, connections, self._loop, self._connections = self._loop, self._connections, None, None
        if loop is not None and connections is not None:
            asyncio.run_coroutine_threadsafe(closed(connections), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()


async def opened() -> Connections:
    """Connections of the running loop."""
    return Connections()


async def closed(connections: Connections) -> None:
    """Close connections, and end the threads of the loop."""
    await connections.close()
    await asyncio.get_running_loop().shutdown_default_executor()
