"""Connections to endpoints: what goes out to whom, and what is made of servers that speak no HTTP."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import scripted_http_server
from scripted_chat_server import error_answer
from scripted_http_server import Answer, ScriptedServer

from swarm_trainer.inference import http_session, provider_failures, reply_parser, retrying_client
from swarm_trainer.inference.endpoint import RemoteModel
from swarm_trainer.inference.http_session import HttpSession, NoResponseError
from swarm_trainer.inference.retrying_client import ClientSettings, EventLoopThread, RetryingClient

KEY = "sk-very-secret"
KEYED = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
def line() -> Iterator[EventLoopThread]:
    made = EventLoopThread()
    yield made
    made.close()


def posted(line: EventLoopThread, url: str, times: int = 1, seconds: float = 10.0) -> list[str]:
    """What came of requests one after another: the status, or why there is none."""

    async def work(connections: HttpSession) -> list[str]:
        found = []
        for number in range(times):
            try:
                found.append(str((await connections.post(url, {"n": number}, KEYED, seconds)).status))
            except NoResponseError as error:
                found.append(str(error))
        return found

    return line.run(work)


@contextmanager
def saying(data: bytes) -> Iterator[str]:
    """The address of a server that says `data` to one request, whatever it is, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def say() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(data)

        thread = threading.Thread(target=say)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@contextmanager
def answering(respond: Callable[[int], Answer | None]) -> Iterator[ScriptedServer]:
    with scripted_http_server.run_server(ScriptedServer(lambda body, times: respond(body["n"]))) as site:
        yield site


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_answer_and_the_key_goes_nowhere_else(line: EventLoopThread, status: int) -> None:
    with answering(lambda n: (200, b"{}", {})) as other:
        with answering(lambda n: error_answer(status, location=f"{other.url}/v1")) as site:
            assert posted(line, site.url) == [str(status)]
        assert other.bodies == []


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_not_asked(
    line: EventLoopThread, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with answering(lambda n: (200, b"{}", {})) as proxy, answering(lambda n: (200, b"{}", {})) as site:
        monkeypatch.setenv(name, proxy.url)
        assert posted(line, site.url) == ["200"]
        assert proxy.connections == 0


def test_cookies_are_not_kept(line: EventLoopThread) -> None:
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                for _ in range(2):
                    seen.append(connection.recv(1 << 16))
                    connection.sendall(b"HTTP/1.1 200 OK\r\nset-cookie: a=b; path=/\r\ncontent-length: 2\r\n\r\n{}")

        thread = threading.Thread(target=serve)
        thread.start()
        assert posted(line, f"http://localhost:{listener.getsockname()[1]}", times=2) == ["200", "200"]
        thread.join()
    assert len(seen) == 2
    assert not any(b"cookie" in one.lower() for one in seen)


def test_a_connection_that_was_closed_meanwhile_is_made_anew(line: EventLoopThread) -> None:
    with answering(lambda n: (200, b"{}", {"connection": "close"})) as site:
        assert posted(line, site.url, times=3) == ["200"] * 3
        assert site.connections == 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: nine\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 9\r\n\r\nno gzip\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "no HTTP", "cut", "no length", "no gzip", "endless header"],
)
def test_what_is_no_answer_is_said_on_one_line(line: EventLoopThread, data: bytes) -> None:
    with saying(data) as url:
        [said] = posted(line, url)
    assert not said.isdigit()
    assert "\n" not in said


def test_a_key_that_a_broken_answer_repeats_is_hidden(line: EventLoopThread) -> None:
    with saying(f"{KEY} is no HTTP\r\n\r\n".encode()) as url:

        async def work(connections: HttpSession) -> reply_parser.RequestOutcome:
            return await RetryingClient(
                connections, RemoteModel(url, "m", KEY), ClientSettings(), is_alive=lambda: False
            ).complete({"n": 0})

        found = line.run(work)
    assert isinstance(found, provider_failures.Unavailable)
    assert f"{url}: no answer: " in found.message
    assert KEY not in found.message
    assert retrying_client.REDACTED.decode() in found.message


def test_a_server_that_is_silent_is_left_at_the_deadline(line: EventLoopThread) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        [said] = posted(line, f"http://127.0.0.1:{listener.getsockname()[1]}", seconds=0.2)
    assert said == "TimeoutError: no answer within 0.2 s"


def test_a_server_that_does_not_finish_the_handshake_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_session, "CONNECT_SECONDS", 0.2)
    impatient = EventLoopThread()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        [said] = posted(impatient, f"https://127.0.0.1:{listener.getsockname()[1]}", seconds=20)
    impatient.close()
    assert said == "TimeoutError: no connection within 0.2 s"


def test_connections_are_closed_with_their_line() -> None:
    line = EventLoopThread()
    with answering(lambda n: (200, b"{}", {})) as site:
        assert posted(line, site.url) == ["200"]
        line.close()
        line.close()
        assert posted(line, site.url) == ["200"], "a line that was closed begins again"
        line.close()


def test_a_host_loads_no_client_of_endpoints() -> None:
    code = "import sys, swarm_trainer.__main__; assert not {'aiohttp', 'httpx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
