"""Ends a pod's process at once on SIGTERM.

A step may be stopped at any moment: results that it has published stay, and all others are computed again. So draining
only writes the termination message and exits. A thread waits for the signal, because the main thread may be inside a
library call. Without this, SIGTERM would have no effect, because the kernel ignores it for the first process of a
container that has no handler.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from swarm_core.engine.container_contract import EXIT_DRAINED


class ProcessExit:
    """Ends the process exactly once, also when two threads try at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def exit(self, report: Callable[[], None], code: int) -> NoReturn:
        """Call `report` and end the process with `code`. A second caller waits until the process has ended."""
        self._lock.acquire()
        try:
            report()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def hold_sigterm() -> None:
    """From now on, SIGTERM waits until `exit_on_sigterm` or `release_sigterm`. Call this before the long imports.

    Otherwise, a pod that is told to end while it imports would stay until it is killed.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def release_sigterm() -> None:
    """Receive SIGTERM again, for a program that takes the place of this process and handles it."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def exit_on_sigterm(process_exit: ProcessExit, report: Callable[[], None]) -> None:
    """From now on, SIGTERM calls `report` and ends the process with code 75. Call this before any thread starts."""
    hold_sigterm()  # threads inherit the mask, so only the thread that calls sigwait receives the signal

    def exit_on_signal() -> None:
        signal.sigwait({signal.SIGTERM})
        process_exit.exit(report, EXIT_DRAINED)

    threading.Thread(target=exit_on_signal, name="sigterm", daemon=True).start()
