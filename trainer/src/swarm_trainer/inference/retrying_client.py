"""Sends requests over kept connections, and again where that can help.

The pauses between attempts double. Each is drawn from the upper half of its range, so that clients that failed together
do not return together. A pause that the server asks for is kept. If it would pass the deadline, the request is given up
at once. Every request has one deadline for all its attempts.
"""

import asyncio
import math
import secrets
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from swarm_core.ports import RequestFailure
from swarm_core.recipe import ModelName
from swarm_core.usage import Usage, latency_bucket
from swarm_trainer.inference import openai_protocol, reply_parser
from swarm_trainer.inference.endpoint import EndpointAddress
from swarm_trainer.inference.http_session import HttpSession, NoResponseError
from swarm_trainer.inference.openai_protocol import COMPLETIONS, ApiFormat
from swarm_trainer.inference.provider_failures import Unavailable
from swarm_trainer.inference.rate_limiter import RateLimiter
from swarm_trainer.inference.reply_parser import ExpectedAnswer, Reply, RequestOutcome
from swarm_trainer.meter import Meter

T = TypeVar("T")
SessionTask = Callable[[HttpSession], Coroutine[Any, Any, T]]

MIN_BACKOFF_SECONDS = 0.25
"""Maximum seconds before the second attempt."""
MAX_BACKOFF_SECONDS = 10.0
"""Maximum seconds between two attempts, unless the server asks for more."""
UNLOADING_SECONDS = 10.0
"""Seconds for a server to unload an adapter."""
REDACTED = b"***"
MIN_SECRET_LENGTH = 8
"""Characters from which on a key is redacted. A shorter one is a word, such as EMPTY, that answers may contain."""
_RANDOM = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Settings of a client of completion servers."""

    max_model_len: int = 4096
    """Maximum number of tokens of prompt and completion together."""
    concurrency: int = 64
    """Maximum number of requests at one server at one time."""
    deadline: float = 600.0
    """Seconds for one request, all attempts together, from its first attempt."""
    timeout: float = math.inf
    """Seconds for one attempt. A server of our own answers late only because it is busy."""
    max_own_faults: int = 3
    """Maximum attempts of a request on which the server fails or gives no completion: the request may be the reason."""


@dataclass(frozen=True, slots=True)
class RetryingClient:
    """A client of one server."""

    session: HttpSession
    endpoint: EndpointAddress
    settings: ClientSettings
    is_alive: Callable[[], bool] = lambda: True
    """Whether the server may still answer. If it cannot, its requests are given up."""
    api_format: ApiFormat = COMPLETIONS
    rate_limiter: RateLimiter = field(default_factory=RateLimiter)
    meter: Meter = field(default_factory=Meter)

    async def complete(self, body: dict[str, object]) -> RequestOutcome:
        """Send `body`, again where that can help, until the deadline; returns the completion without its prompt
        tokens.
        """
        found = await self.send(body)
        return found.completion if isinstance(found, Reply) else found

    async def send(self, body: dict[str, object]) -> Reply | RequestFailure | Unavailable:
        """Send `body`, again where that can help, until the deadline."""
        clock = asyncio.get_running_loop().time
        until = clock() + self.settings.deadline
        tries = own_faults = 0
        while True:
            began = clock()
            found = await self._send_once(body, min(self.settings.timeout, until - began))
            tries += 1
            if not isinstance(found, Unavailable) or not found.is_retryable:
                break
            own_faults += found.may_be_own_fault
            requested = found.retry_after
            pause = max(requested, backoff_seconds(tries))
            late = clock() + pause > until
            if late or own_faults >= self.settings.max_own_faults or not self.is_alive():
                asks = f", asked to wait {requested:.0f} s" if requested > 0 else ""
                found = replace(found, attempts=f"(tried {tries} times{asks})")
                break
            self.rate_limiter.pause_for(requested)
            await asyncio.sleep(pause)
            await self.rate_limiter.acquire()
        self.meter.add(request_usage(found, tries, clock() - began))
        return found

    async def _send_once(self, body: dict[str, object], left: float) -> Reply | RequestFailure | Unavailable:
        """The outcome of one attempt."""
        url, headers = f"{self.endpoint.url}{self.api_format.path}", openai_protocol.auth_headers(self.endpoint)
        try:
            answer = await self.session.post(url, body, headers, max(left, 0.1))
        except NoResponseError as error:
            reason = self._redact(str(error).encode()).decode()
            return Unavailable(f"{self.endpoint.url}: no answer: {reason}")
        answer = replace(answer, data=self._redact(answer.data))
        return reply_parser.parse_response(self.endpoint, self.api_format, answer, ExpectedAnswer.from_body(body))

    def _redact(self, data: bytes) -> bytes:
        """A server's answer with our key replaced, in case the server repeats it."""
        key = self.endpoint.key or ""
        return data.replace(key.encode(), REDACTED) if len(key) >= MIN_SECRET_LENGTH else data


def request_usage(found: Reply | RequestFailure | Unavailable, tries: int, seconds: float) -> Usage:
    """The usage of one request. `seconds` is the time of its last attempt."""
    if not isinstance(found, Reply):
        return Usage(requests=1, failed=1, retries=tries - 1)
    return Usage(
        requests=1,
        retries=tries - 1,
        prompt_tokens=found.prompt_tokens,
        tokens=found.completion.tokens,
        latencies=((latency_bucket(seconds), 1),),
    )


def backoff_seconds(tries: int) -> float:
    """Seconds to wait after that many attempts."""
    return float(min(MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS * 2 ** (tries - 1)) * _RANDOM.uniform(0.5, 1.0))


def unload_adapter(endpoint: EndpointAddress, name: ModelName) -> SessionTask[None]:
    """A task that has a server unload an adapter. An unknown adapter and a server that does not answer are ignored."""

    async def unload(session: HttpSession) -> None:
        url, body = f"{endpoint.url}/v1/unload_lora_adapter", {"lora_name": name}
        with suppress(NoResponseError):
            await session.post(url, body, openai_protocol.auth_headers(endpoint), UNLOADING_SECONDS)

    return unload


class EventLoopThread:
    """A thread with an event loop and an HTTP session. It starts at first use and outlives single calls."""

    def __init__(self, new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> None:
        """`new_loop` makes the loop. All pauses and deadlines follow its clock."""
        self._new_loop = new_loop
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: HttpSession | None = None
        self._thread = threading.Thread()

    def run(self, work: SessionTask[T]) -> T:
        """The result of `work` with the session. Any thread may call it. Raises what `work` raises."""
        return self.submit(work).result()

    def submit(self, work: SessionTask[T]) -> Future[T]:
        """Start `work` with the session. Any thread may call it."""
        with self._lock:
            if self._loop is None:
                self._loop = self._new_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="openai", daemon=True)
                self._thread.start()
                self._session = asyncio.run_coroutine_threadsafe(open_session(), self._loop).result()
            loop, session = self._loop, self._session
        assert session is not None
        return asyncio.run_coroutine_threadsafe(work(session), loop)

    def close(self) -> None:
        """Close the session and end the thread. Safe to call twice."""
        with self._lock:
            loop, session, self._loop, self._session = self._loop, self._session, None, None
        if loop is not None and session is not None:
            asyncio.run_coroutine_threadsafe(close_session(session), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()


async def open_session() -> HttpSession:
    """A session on the running event loop."""
    return HttpSession()


async def close_session(session: HttpSession) -> None:
    """Close a session and end the threads of its event loop."""
    await session.close()
    await asyncio.get_running_loop().shutdown_default_executor()
