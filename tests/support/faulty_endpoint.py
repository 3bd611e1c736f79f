"""A chat completion endpoint over real sockets that breaks on request, and the kinds of fault that it knows.

A `FaultPlan` names the fault that each request meets, or none. By default the endpoint is three models of arithmetic:
`small` and `large` add and multiply what is small enough for them, and `judge` recognizes correct answers.

A fault that closes the door (`refused`, `no address`, `broken TLS handshake`) meets the requests after it.
"""

import asyncio
import email.utils
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import scripted_chat_server

from swarm_core.objectives.scores import AnswerFate

Body = dict[str, Any]
REACH = {"small": 60, "large": 90}
"""The left operand from which on a model answers wrong."""
CLOSED_SECONDS = 0.03
HUGE = 17 << 20


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


def completion(reason: str | None = "stop", **message: Any) -> bytes:
    """A chat completion with one choice, whose message holds these fields."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}).encode()


def says(name: str, status: int, data: bytes | Callable[[Exchange], bytes] = b"", **headers: str) -> Fault:
    """A fault that is an answer. An empty `data` is an error in JSON."""

    async def act(exchange: Exchange) -> bool:
        error = json.dumps({"error": {"message": name}}).encode()
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return await exchange.send(status, (data if isinstance(data, bytes) else data(exchange)) or error, named)

    return Fault(name, act, refuses=300 <= status < 500 and status not in (408, 409, 423, 425, 429))


def error_body(message: str, **fields: Any) -> bytes:
    return json.dumps({"error": {"message": message, **fields}}).encode()


async def refuse(exchange: Exchange) -> bool:
    await exchange.site.close_door(CLOSED_SECONDS)
    return False


async def lose_address(exchange: Exchange) -> bool:
    exchange.site.lookups_to_fail += 2
    return False


async def break_handshake(exchange: Exchange) -> bool:
    exchange.site.handshakes_to_break += 2
    return False


async def send_nothing(exchange: Exchange) -> bool:
    return False


async def reset_at_once(exchange: Exchange) -> bool:
    return exchange.reset()


async def reset_in_body(exchange: Exchange) -> bool:
    await send_half(exchange)
    return exchange.reset()


async def close_in_body(exchange: Exchange) -> bool:
    await send_half(exchange)
    return False


async def stall_at_once(exchange: Exchange) -> bool:
    return await exchange.stall()


async def stall_in_body(exchange: Exchange) -> bool:
    await send_half(exchange)
    return await exchange.stall()


async def cut_chunks(exchange: Exchange) -> bool:
    exchange.writer.write(head(200, {"Transfer-Encoding": "chunked"}) + b"20\r\n" + exchange.right[:32] + b"\r\n")
    await exchange.writer.drain()
    return False


async def send_half(exchange: Exchange) -> None:
    data = exchange.right
    exchange.writer.write(head(200, {"Content-Length": str(len(data))}) + data[: len(data) // 2])
    await exchange.writer.drain()


async def retry_at_date(exchange: Exchange) -> bool:
    date = email.utils.formatdate(time.time() + 1, usegmt=True)
    return await exchange.send(429, error_body("slow down"), {"Retry-After": date})


def duplicate_keys(exchange: Exchange) -> bytes:
    return exchange.right[:-1] + b', "choices": []}'


def no_text(exchange: Exchange) -> bytes:
    fields = json.loads(exchange.right)
    del fields["choices"][0]["message"]
    return json.dumps(fields).encode()


def no_end(exchange: Exchange) -> bytes:
    return exchange.right.replace(b'"stop"', b"null")


PAGE = b"<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>"
PASSING = (
    Fault("connection refused", refuse),
    Fault("connection reset before the answer", reset_at_once),
    Fault("connection closed before the answer", send_nothing),
    Fault("connection reset in the body", reset_in_body),
    Fault("connection closed in the body", close_in_body),
    Fault("chunked body without its end", cut_chunks),
    Fault("no answer", stall_at_once),
    Fault("body that stalls", stall_in_body),
    Fault("address that is not found", lose_address),
    says("400 of one attempt", 400),
    says("403 of one attempt, a page of a firewall", 403, b"<html>Request blocked</html>"),
    says("404 of one attempt", 404),
    says("408", 408),
    says("409", 409),
    says("413 of one attempt", 413),
    says("422 of one attempt", 422),
    says("423", 423),
    says("425", 425),
    says("429", 429),
    says("429, Retry-After in seconds", 429, Retry_After="2"),
    Fault("429, Retry-After as a date", retry_at_date),
    says("429, Retry-After-Ms", 429, retry_after_ms="1500"),
    says("500", 500),
    says("501", 501),
    says("502, the page of a proxy", 502, PAGE),
    says("503, Retry-After", 503, Retry_After="1"),
    says("504", 504),
    *(says(str(status), status) for status in range(520, 525)),
    says("529", 529, error_body("Overloaded", type="overloaded_error")),
    says("307, a redirect", 307, Location="http://127.0.0.1:9/v1/chat/completions"),
    says("200 with an error, overloaded", 200, error_body("The engine is overloaded", code=503)),
    says("200 with an error, no reason", 200, error_body("Internal error")),
    says("200 with the page of a proxy", 200, PAGE, Content_Type="text/html"),
    says("200 with an empty body", 200, b" "),
    says("204", 204, b" "),
    says("JSON without its end", 200, lambda exchange: exchange.right[:-9]),
    says("no choice", 200, b'{"choices": []}'),
    says("choices null", 200, b'{"choices": null}'),
    says("choice without a message", 200, no_text),
    says("finish_reason null", 200, no_end),
    says("body that is no gzip", 200, b"\x1f\x8b no gzip at all", Content_Encoding="gzip"),
    says("body that is no UTF-8", 200, lambda exchange: exchange.right.replace(b"stop", b"st\xf6p")),
    says("two fields of one name", 200, duplicate_keys),
    says("stream of events", 200, lambda exchange: b"data: " + exchange.right + b"\n\ndata: [DONE]\n\n"),
    says("nested a hundred thousand deep", 200, b"[" * 100_000),
    says("body without end", 200, lambda exchange: exchange.right[:-1] + b" " * HUGE + b"}"),
)
"""Faults that pass: the next attempt may succeed."""
PASSING_TLS = (Fault("broken TLS handshake", break_handshake),)
SAME = (
    says("content in parts", 200, lambda exchange: in_parts(exchange.right)),
    says("body in UTF-16", 200, lambda exchange: exchange.right.decode().encode("utf-16")),
    says("choices without numbers", 200, lambda exchange: exchange.right.replace(b'"index": 0, ', b"")),
)
"""Odd answers that say the same as the usual ones."""


LASTING = (
    says("401", 401, error_body("Incorrect API key provided")),
    says("402", 402, error_body("Insufficient Balance")),
    says("403 of the account", 403, error_body("Your account is not active")),
    says("404, the model is gone", 404, error_body("The model `large` does not exist")),
    says("407", 407),
    says("429 insufficient_quota", 429, error_body("You exceeded your current quota", code="insufficient_quota")),
    says("400, a parameter", 400, error_body("Unsupported parameter: 'seed'")),
    says("405", 405),
    says("422, a parameter", 422),
    says("301, moved for good", 301, Location="http://127.0.0.1:9/v2/chat/completions"),
    says("200 with an error, no credits", 200, error_body("Insufficient credits", code=402)),
    says("200 with an error, invalid key", 200, error_body("invalid_api_key")),
)
"""Faults that last until the user acts."""
OUTAGES = (
    Fault("endless refused connections", refuse),
    Fault("endless resets", reset_at_once),
    Fault("endless silence", stall_at_once),
    Fault("endless failed lookups", lose_address),
    says("endless 500", 500),
    says("endless 503", 503),
    says("endless 529", 529, error_body("Overloaded", type="overloaded_error")),
    says("endless page of a proxy", 200, PAGE),
)
"""Faults that last until the endpoint is back."""
POISON: tuple[tuple[Fault, AnswerFate], ...] = (
    *(
        (says(f"{status} of one item", status, error_body("flagged by our content policy")), AnswerFate.REFUSED)
        for status in (400, 403, 413, 422, 451, 500)
    ),
    (says("429 of one item, too large", 429, error_body("Request too large for large (TPM)")), AnswerFate.REFUSED),
    (says("504 of one item", 504), AnswerFate.REFUSED),
    (Fault("reset of one item", reset_at_once), AnswerFate.REFUSED),
    (says("finish_reason content_filter", 200, completion("content_filter", content="")), AnswerFate.REFUSED),
    (says("refusal in its field", 200, completion(content=None, refusal="I cannot help")), AnswerFate.REFUSED),
    (says("page of a proxy for one item", 200, PAGE), AnswerFate.UNREADABLE),
    (says("no choice for one item", 200, b'{"choices": []}'), AnswerFate.UNREADABLE),
    (says("content null", 200, completion(content=None)), AnswerFate.UNREADABLE),
    (says("content absent", 200, completion()), AnswerFate.UNREADABLE),
    (says("tool call", 200, completion("tool_calls", content=None, tool_calls=[{"id": "1"}])), AnswerFate.UNREADABLE),
    (says("only reasoning_content", 200, completion(content=None, reasoning_content="Hm")), AnswerFate.THINKING_ONLY),
    (says("only a thinking tag", 200, completion("length", content="<think>Hm")), AnswerFate.THINKING_ONLY),
    (says("finish_reason length", 200, completion("length", content="The answer is 1")), AnswerFate.CUT_OFF),
    (says("blank content", 200, completion(content=" \n")), AnswerFate.BLANK),
)
"""Faults that always meet one item, with the fate that its answers have."""
POISON_OF_JUDGES = (
    says("400 of one item at the judge", 400, error_body("flagged by our content policy")),
    says("content null at the judge", 200, completion(content=None)),
    says("no verdict", 200, completion(content="I like it.")),
    says("verdict without its end", 200, completion("length", content="Score: 1")),
)
"""Faults that always meet one item at the judge, or at the gate."""


def in_parts(data: bytes) -> bytes:
    fields = json.loads(data)
    message = fields["choices"][0]["message"]
    message["content"] = [{"type": "text", "text": part} for part in re.split(r"(?<= )", message["content"])]
    return json.dumps(fields).encode()


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
