"""A server of chat completions that does what it is told: answers sums, marks answers, refuses, stalls, breaks, lies.

By default it is a model that can add, subtract and multiply, and a judge that knows when others did.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, bytes, dict[str, str]]
Respond = Callable[[dict[str, Any], int], Answer | None]
"""Of a body, and how often that body came; None cuts the connection."""
SUM = re.compile(r"(-?\d+)\s*([-+*])\s*(\d+)")
MODEL = "calculator"


def said(text: str | None, reason: str = "stop", tokens: int = 2, prompt_tokens: int = 5) -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": tokens, "total_tokens": tokens + prompt_tokens}
    return 200, json.dumps({"choices": [choice], "usage": usage}).encode(), {}


def refused(status: int, message: str = "as asked", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, json.dumps({"error": {"message": message}}).encode(), named


def prompt(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def computed(text: str) -> int | None:
    """The value of the first sum in `text`."""
    found = SUM.search(text)
    if found is None:
        return None
    left, right = int(found[1]), int(found[3])
    return {"+": left + right, "-": left - right, "*": left * right}[found[2]]


def calculating(body: dict[str, Any], _: int) -> Answer:
    """Answers sums; asked to mark an answer, marks it; asked whether a query is valid, says so."""
    text = prompt(body)
    query = re.search(r"<query>\n(.*?)\n</query>", text, re.DOTALL)
    if query is None:
        return said(f"The answer is {computed(text)}.")
    if "Valid:" in text:
        return said(f"Valid: {'no' if computed(query[1]) is None else 'yes'}")
    response = re.search(r"<response>\n(.*?)\n</response>", text, re.DOTALL)
    assert response is not None
    right = str(computed(query[1])) in re.findall(r"-?\d+", response[1])
    return said(f"I computed it.\n\n**Score: {10 if right else 1}/10**")


@dataclass
class Site:
    """The server, and what it saw."""

    respond: Respond = calculating
    key: str | None = None
    """What it wants to be shown; None: nothing."""
    models: tuple[str, ...] = (MODEL,)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    connections: int = 0
    busy: int = 0
    busiest: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def answer(self, body: dict[str, Any], authorization: str | None) -> Answer | None:
        with self.lock:
            self.bodies.append(body)
            self.keys.add(authorization)
            self.seen[json.dumps(body)] += 1
            times = self.seen[json.dumps(body)]
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        try:
            if self.key is not None and authorization != f"Bearer {self.key}":
                return refused(401, f"Incorrect API key provided: {authorization}")
            if body["model"] not in self.models:
                return refused(404, f"The model {body['model']!r} does not exist")
            return self.respond(body, times)
        finally:
            with self.lock:
                self.busy -= 1


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            with site.lock:
                site.connections += 1

        def do_GET(self) -> None:
            listed = json.dumps({"object": "list", "data": [{"id": name} for name in site.models]}).encode()
            self.reply((200, listed, {}) if self.path == "/v1/models" else refused(404))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path != "/v1/chat/completions":
                self.reply(refused(404, f"no route {self.path}"))
                return
            found = site.answer(body, self.headers.get("authorization"))
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

    return Handler


class Listener(ThreadingHTTPServer):
    request_queue_size = 128  # the default of 5 is less than a client asks at once
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that was killed resets its connections: nothing to tell."""


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """`site` on a port of its own."""
    listener = Listener(("127.0.0.1", 0), handler(site))
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
    thread.start()
    site.url = f"http://127.0.0.1:{listener.server_port}"
    try:
        yield site
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
