"""A chat completion endpoint over real sockets that breaks on request. `endpoint_fault_kinds` lists how.

A `FaultPlan` names the fault that each request meets, or none. By default the endpoint is three models of arithmetic:
`small` and `large` add and multiply what is small enough for them, and `judge` recognizes correct answers.

A fault that closes the door (`refused`, `no address`, `broken TLS handshake`) meets the requests after it.
"""

import asyncio
import json
import re
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import scripted_chat_server

Body = dict[str, Any]
REACH = {"small": 60, "large": 90}
"""The left operand from which on a model answers wrong."""


class Role(StrEnum):
    """What a request asks for."""

    TAKER = "taker"
    JUDGE = "judge"
    GATE = "gate"
    PROBE = "probe"


@dataclass
class Exchange:
    """One request, its right answer, and the connection."""

    body: Body
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    site: "FaultyEndpoint"

    @property
    def right(self) -> bytes:
        return answer(self.body)

    async def send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> bool:
        """Send an answer; returns that the connection can be kept."""
        self.writer.write(head(status, {"Content-Length": str(len(data)), **(headers or {})}) + data)
        with suppress(ConnectionError):
            await self.writer.drain()
        return True

    def reset(self) -> bool:
        """Reset the connection; returns that it cannot be kept."""
        line = self.writer.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        return False

    async def stall(self) -> bool:
        """Say nothing more until the client leaves."""
        with suppress(ConnectionError):
            await self.reader.read()
        return False


Act = Callable[[Exchange], Awaitable[bool]]


@dataclass(frozen=True)
class Fault:
    """One kind of fault."""

    name: str
    act: Act
    refuses: bool = False
    """Whether it looks like a refusal of this request."""


FaultPlan = Callable[[Body, int], Fault | None]
"""The fault that a body meets when it comes for the nth time."""


def head(status: int, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Content-Type": "application/json", **headers}.items())
    return f"HTTP/1.1 {status} as asked\r\n{lines}\r\n".encode()


def find_role(body: Body) -> Role:
    text = scripted_chat_server.prompt(body)
    if "<response-" in text:
        return Role.JUDGE
    if "<query-" in text:
        return Role.GATE
    return Role.PROBE if text == "Say: ok" else Role.TAKER


def answer(body: Body) -> bytes:
    """The right answer to a request."""
    text = scripted_chat_server.prompt(body)
    if find_role(body) is not Role.TAKER:
        return scripted_chat_server.answer_arithmetic(body, 1)[1]  # type: ignore[index]
    found = re.search(r"\d+", text)
    knows = found is not None and int(found[0]) < REACH.get(body["model"], 0)
    said = f"The answer is {scripted_chat_server.evaluate_sum(text)}." if knows else "It is 1."
    return scripted_chat_server.chat_completion(said)[1]


class FaultyEndpoint:
    """The endpoint. Its address stays the same for its whole life."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        """`context` makes it speak TLS."""
        self.plan: FaultPlan = lambda body, times: None
        self.seen: Counter[str] = Counter()
        self.thrown: Counter[str] = Counter()
        self.requests = self.lookups_to_fail = self.handshakes_to_break = 0
        self._context, self._loop = context, asyncio.new_event_loop()
        self._lines: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._door = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http{'s' if self._context else ''}://localhost:{self.port}/v1"

    def begin(self, plan: FaultPlan) -> None:
        """Forget all requests so far, and follow `plan`."""
        self.plan, self.seen, self.thrown = plan, Counter(), Counter()
        self.requests = self.lookups_to_fail = self.handshakes_to_break = 0

    def throw(self, fault: Fault) -> Fault:
        self.thrown[fault.name] += 1
        return fault

    async def open_door(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=256)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close_door(self, seconds: float) -> None:
        """Refuse connections for a while."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        self._loop.call_later(seconds, lambda: self._loop.create_task(self.open_door()))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        try:
            if self._context is not None and not await self._shake_hands(writer):
                return
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self._lines.discard(writer)
            writer.close()

    async def _shake_hands(self, writer: asyncio.StreamWriter) -> bool:
        if self.handshakes_to_break:
            self.handshakes_to_break -= 1
            writer.write(b"HTTP/1.1 400 this is no TLS\r\n\r\n")
            return False
        assert self._context is not None
        await writer.start_tls(self._context)
        return True

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns whether the connection can be kept."""
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length")), 0)
        data = await reader.readexactly(length)
        if lines[0].startswith("GET"):
            writer.write(head(404, {"Content-Length": "2"}) + b"{}")
            return True
        body = json.loads(data)
        self.requests += 1
        self.seen[data.decode()] += 1
        fault = self.plan(body, self.seen[data.decode()])
        exchange = Exchange(body, reader, writer, self)
        return await (exchange.send(200, exchange.right) if fault is None else self.throw(fault).act(exchange))

    @contextmanager
    def running(self) -> Iterator["FaultyEndpoint"]:
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        asyncio.run_coroutine_threadsafe(self.open_door(), self._loop).result()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._lines):
            writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
