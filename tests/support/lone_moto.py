"""moto's S3 server on a loopback port, one request at a time: `python lone_moto.py PORT`.

moto compares `If-Match` and `If-None-Match` with what stands, and writes afterwards; no lock holds the two steps
together (`moto.s3.responses.S3Response.put_object`, 5.2.5). So two requests at once can both win, and one of them is
lost (`benchmarks/store_moves.py`). Here a request has the server to itself, and its conditions mean what they say.

Limit: what is tested against it says nothing about a bare `moto_server`.
"""

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


def one_at_a_time(app: App) -> App:
    """`app`, which handles the next request after the response to the last one is complete."""
    lock = threading.Lock()

    def alone(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with lock:
            return list(app(environ, start_response))

    return alone


def main(port: int) -> None:
    """Serve until the process is ended. Many connections may be open; their requests run one at a time."""
    app = one_at_a_time(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", port, app, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main(int(sys.argv[1]))
