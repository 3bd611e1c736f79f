"""A proxy between an operator and the API server that can stall: open connections stay open and carry nothing more.

A watch looks like this after a network device has dropped its connection: no error, no end, no events. New connections
work. Limits: TCP; the proxy does not read what it forwards.
"""

import contextlib
import select
import socket
import threading

PIECE = 65_536


class StallingProxy:
    """Listens on its own port for one server."""

    def __init__(self, port: int) -> None:
        self.behind = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.generation = 0
        self.over = threading.Event()
        self.stalled = 0
        """Connections that say nothing more."""
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def stall(self) -> None:
        """Stall all connections that are open now."""
        self.generation += 1

    def close(self) -> None:
        self.over.set()
        self.listener.close()
        for thread in self.threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self.over.is_set():
            ready, _, _ = select.select([self.listener], [], [], 0.2)
            if not ready:
                continue
            with contextlib.suppress(OSError):
                near, _ = self.listener.accept()
                thread = threading.Thread(target=self._carry, args=(near, self.generation), daemon=True)
                thread.start()
                self.threads.append(thread)

    def _carry(self, near: socket.socket, generation: int) -> None:
        with near, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.behind)) as far:
            silent = False
            while not self.over.is_set():
                ready, _, _ = select.select([near, far], [], [], 0.2)
                if generation != self.generation:
                    self.stalled += not silent
                    silent = True
                    self.over.wait(0.2)  # what comes is left lying
                    continue
                for one in ready:
                    data = one.recv(PIECE)
                    if not data:
                        return
                    (far if one is near else near).sendall(data)
