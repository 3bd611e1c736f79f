"""SIGTERM ends a pod's work at once, whatever it is in the middle of.

Any moment is a good one to stop: what a verb has published stands, and what it has not is made again. So draining is
nothing but to say so and to go. A thread waits for the signal, for the main one may be deep in a library; as the first
process of its container this one would not be ended by SIGTERM otherwise.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from swarm_core.engine.container_contract import EXIT_DRAINED


class ProcessExit:
    """How the process ends: in exactly one way, whoever comes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def exit(self, report: Callable[[], None], code: int) -> NoReturn:
        """Say it and end the process. Whoever comes second waits for the process to be gone."""
        self._lock.acquire()
        try:
            report()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def exit_on_sigterm(process_exit: ProcessExit, report: Callable[[], None]) -> None:
    """From now on SIGTERM has `report` called and the process end with code 75. Call before any thread is started."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # every thread inherits it, so it comes to ours alone

    def exit_on_signal() -> None:
        signal.sigwait({signal.SIGTERM})
        process_exit.exit(report, EXIT_DRAINED)

    threading.Thread(target=exit_on_signal, name="sigterm", daemon=True).start()
