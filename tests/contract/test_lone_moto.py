"""The lock that moto lacks: no two requests are inside the server at once."""

import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

CALLERS = 8


@pytest.mark.long  # it imports moto's server
def test_a_request_has_the_server_to_itself() -> None:
    import lone_moto  # noqa: PLC0415

    inside, most, count = 0, 0, threading.Lock()

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        nonlocal inside, most
        with count:
            inside += 1
            most = max(most, inside)
        time.sleep(0.005)
        yield b"answer"
        with count:
            inside -= 1

    alone = lone_moto.one_at_a_time(app)
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(lambda _: list(alone({}, None)), range(CALLERS)))
    assert answers == [[b"answer"]] * CALLERS
    assert most == 1
