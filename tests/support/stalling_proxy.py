"""A wire between an operator and the API server that can stall: what is open then stays open and says nothing more.

That is what a watch looks like when the network between has forgotten it: no error, no end, no events. Connections
opened afterwards work. Limits: TCP; what it carries is not looked into.
"""

import contextlib
import select
import socket
import threading

PIECE = 65_536


class StallingProxy:
    """Listens on a port of its own for one server behind it."""

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
        """Everything that is open now goes silent."""
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
