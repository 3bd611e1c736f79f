"""A proxy between an S3 client and a real server that sometimes injects faults of networks and stores.

A seed decides which fault hits which request, in the order of the requests. A client signs for the proxy's address, and
the proxy forwards the Host header unchanged, so signatures hold. Only faults that took effect count: half a body needs
a body, and a stale read needs an older response.

Limits: plain HTTP with Content-Length, which is what botocore sends over HTTP.
"""

import http.client
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

POINTER = "/names/HEAD"
REMEMBERED = 4
"""Earlier responses to reads of the pointer, for stale reads."""


class Fault(StrEnum):
    """A fault of a request."""

    ERROR = "answered 500"
    SLOW_DOWN = "answered 503 SlowDown"
    CUT_BEFORE = "cut before it took effect"
    CUT_AFTER = "cut after it took effect"
    HALF = "half a body"
    FLIPPED_ANSWER = "a byte flipped in the answer"
    FLIPPED_REQUEST = "a byte flipped in the request"
    STALL = "stalled"
    STALE = "stale read of HEAD"
    OWN_412 = "412 for one's own write"
    UNCONFIRMED = "a checksum left out of the answer"


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """A request of a client."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def conditional(self) -> bool:
        return any(name.lower() in ("if-match", "if-none-match") for name, _ in self.headers)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response to a client."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass
class FaultProxy:
    """The state of the proxy: the faults that it may inject, and those that it injected."""

    upstream: str
    """host:port of the real server."""
    rate: float
    """Share of requests that suffer a fault."""
    faults: Sequence[Fault]
    stall: float
    """Seconds of a stall, longer than the client waits."""
    draw: random.Random
    endpoint: str = ""
    counts: Counter[Fault] = field(default_factory=Counter)
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    seen: list[Answer] = field(default_factory=list)

    def fate(self, asked: ProxyRequest) -> Fault | None:
        """The fault of a request."""
        fitting = [fault for fault in self.faults if self.fits(fault, asked)]
        with self.lock:
            self.requests += 1
            if not fitting or self.draw.random() >= self.rate:
                return None
            return self.draw.choice(fitting)

    def fits(self, fault: Fault, asked: ProxyRequest) -> bool:
        match fault:
            case Fault.HALF | Fault.FLIPPED_ANSWER:
                return asked.method == "GET"
            case Fault.FLIPPED_REQUEST:
                return bool(asked.body)
            case Fault.STALE:
                return asked.method == "GET" and asked.path.endswith(POINTER) and len(self.seen) > 1
            case Fault.OWN_412:
                return asked.method == "PUT" and asked.conditional
            case Fault.UNCONFIRMED:
                return asked.method == "PUT"
            case _:
                return True

    def count(self, fault: Fault) -> None:
        with self.lock:
            self.counts[fault] += 1

    def remember(self, asked: ProxyRequest, answer: Answer) -> None:
        if asked.method == "GET" and asked.path.endswith(POINTER) and answer.status in (200, 404):
            with self.lock:
                if not self.seen or self.seen[-1].status != answer.status or answer.body != self.seen[-1].body:
                    self.seen[:] = [*self.seen, answer][-REMEMBERED:]

    def flipped(self, data: bytes) -> bytes:
        with self.lock:
            place, bit = self.draw.randrange(len(data)), 1 << self.draw.randrange(8)
        return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]

    def old(self) -> Answer:
        with self.lock:
            return self.draw.choice(self.seen[:-1])


@contextmanager
def run_proxy(
    endpoint: str, seed: int, rate: float = 0.2, faults: Sequence[Fault] = tuple(Fault), stall: float = 1.7
) -> Iterator[FaultProxy]:
    """A proxy for the server at `endpoint`, on a free port of this machine."""
    proxy = FaultProxy(urlsplit(endpoint).netloc, rate, faults, stall, random.Random(seed))

    class Bound(Handler):
        state = proxy

    server = Server(("127.0.0.1", 0), Bound)
    proxy.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


class Server(ThreadingHTTPServer):
    """One thread per connection. No thread keeps the process alive."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that hang up, because the faults make them do so."""


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    state: FaultProxy
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one packet each; without this, each waits for the acknowledgement of the other.
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        asked = ProxyRequest(self.command, self.path, tuple(self.headers.items()), self.rfile.read(length))
        self.suffer(asked, self.state.fate(asked))

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_any  # noqa: N815 (http.server looks for these)

    def suffer(self, asked: ProxyRequest, fault: Fault | None) -> None:
        """Inject `fault` into a request."""
        match fault:
            case Fault.ERROR | Fault.SLOW_DOWN | Fault.CUT_BEFORE | Fault.STALL | Fault.STALE:
                self.state.count(fault)
                self.instead(fault)
            case Fault.FLIPPED_REQUEST:
                self.state.count(fault)
                self.reply(self.forward(asked, self.state.flipped(asked.body)))
            case _:
                self.after(asked, fault, self.forward(asked, asked.body))

    def instead(self, fault: Fault) -> None:
        """The response to a request that is not forwarded."""
        match fault:
            case Fault.ERROR:
                self.reply(s3_error(500, "InternalError"))
            case Fault.SLOW_DOWN:
                self.reply(s3_error(503, "SlowDown"))
            case Fault.STALE:
                self.reply(self.state.old())
            case _:
                time.sleep(self.state.stall if fault is Fault.STALL else 0)
                self.cut()

    def after(self, asked: ProxyRequest, fault: Fault | None, answer: Answer) -> None:
        """The fault of a response."""
        self.state.remember(asked, answer)
        whole = len(answer.body)
        if fault is Fault.CUT_AFTER:
            self.state.count(fault)
            self.cut()
        elif fault is Fault.OWN_412 and answer.status == 200:
            self.state.count(fault)
            self.reply(s3_error(412, "PreconditionFailed"))
        elif fault is Fault.UNCONFIRMED and any(map(is_checksum_header, answer.headers)):
            self.state.count(fault)
            self.reply(replace(answer, headers=tuple(one for one in answer.headers if not is_checksum_header(one))))
        elif fault is Fault.FLIPPED_ANSWER and answer.status in (200, 206) and whole:
            self.state.count(fault)
            self.reply(Answer(answer.status, answer.headers, self.state.flipped(answer.body)))
        elif fault is Fault.HALF and answer.status in (200, 206) and whole > 1:
            self.state.count(fault)
            self.reply(Answer(answer.status, answer.headers, answer.body[: whole // 2]))
            self.cut()
        else:
            self.reply(answer)

    def forward(self, asked: ProxyRequest, body: bytes) -> Answer:
        """Forward a request, with the Host header that the client signed."""
        connection = http.client.HTTPConnection(self.state.upstream, timeout=30)
        try:
            connection.putrequest(asked.method, asked.path, skip_host=True, skip_accept_encoding=True)
            for name, value in asked.headers:
                if name.lower() not in ("expect", "connection"):
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            response = connection.getresponse()
            headers = tuple(
                (name, value) for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP_HEADERS
            )
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()

    def reply(self, answer: Answer) -> None:
        head = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}"]
        head += [f"{name}: {value}" for name, value in answer.headers]
        text = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n"
        self.wfile.write(text + (b"" if self.command == "HEAD" else answer.body))
        self.wfile.flush()

    def cut(self) -> None:
        """Close the connection in the middle of a response."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Log nothing: the counts suffice."""


def is_checksum_header(header: tuple[str, str]) -> bool:
    """Whether a response header states a checksum of the body."""
    return header[0].lower().startswith("x-amz-checksum-")


HOP_BY_HOP_HEADERS = ("connection", "transfer-encoding", "keep-alive")


def s3_error(status: int, code: str) -> Answer:
    """A response with an S3 error."""
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>injected</Message></Error>'.encode()
    return Answer(status, (("Content-Type", "application/xml"), ("Content-Length", str(len(body)))), body)
