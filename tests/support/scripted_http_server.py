"""An HTTP server for JSON requests that a test scripts. It answers or cuts the connection, and records the requests.

It takes the place of a third-party API. Subclasses of `ScriptedServer` define the answers.
"""

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

Answer = tuple[int, bytes, dict[str, str]]
Respond = Callable[[dict[str, Any], int], Answer | None]
"""The response to a body, and to how often that body came. None cuts the connection."""


@dataclass
class ScriptedServer:
    """The answers of the server, and the requests that it got."""

    respond: Respond
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    connections: int = 0
    busy: int = 0
    busiest: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def get(self, path: str) -> Answer:
        return 404, b"{}", {}

    def post(self, path: str, body: dict[str, Any], authorization: str | None) -> Answer | None:
        """Record a request and answer it."""
        with self.lock:
            self.bodies.append(body)
            self.keys.add(authorization)
            self.seen[json.dumps(body)] += 1
            times = self.seen[json.dumps(body)]
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        try:
            return self.answer(body, times, authorization)
        finally:
            with self.lock:
                self.busy -= 1

    def answer(self, body: dict[str, Any], times: int, authorization: str | None) -> Answer | None:
        return self.respond(body, times)


AnyServer = TypeVar("AnyServer", bound=ScriptedServer)


class Handler(BaseHTTPRequestHandler):
    """Answers for the `ScriptedServer` of its listener."""

    protocol_version = "HTTP/1.1"
    server: "Listener"

    def setup(self) -> None:
        super().setup()
        with self.server.site.lock:
            self.server.site.connections += 1

    def do_GET(self) -> None:
        self.reply(self.server.site.get(self.path))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        found = self.server.site.post(self.path, body, self.headers.get("authorization"))
        if found is None:
            self.close_connection = True
        else:
            self.reply(found)

    def reply(self, found: Answer) -> None:
        status, data, headers = found
        self.send_response(status)
        for name, value in {"content-length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return


class Listener(ThreadingHTTPServer):
    request_queue_size = 128  # the default of 5 is less than a client asks at once
    daemon_threads = True

    def __init__(self, site: ScriptedServer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.site = site

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore connections that a killed client resets. Report errors of the test itself."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def run_server(site: AnyServer) -> Iterator[AnyServer]:
    """`site` on its own port."""
    listener = Listener(site)
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
    thread.start()
    site.url = f"http://127.0.0.1:{listener.server_port}"
    try:
        yield site
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
