"""The host's side of one worker process: it sends items, receives messages and ends the process.

Messages arrive in the inbox in the order in which the worker sent them; exactly one `WorkerExited` ends them. The inbox
is a `SimpleQueue` because its `put` may be called from a signal handler.

Limits: start the worker from the main thread, because Linux ends a worker together with the thread that started it
(`swarm_trainer.worker.loop.die_with_parent`).
"""

import contextlib
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from swarm_core.engine.work import WorkItem
from swarm_trainer.worker import messages

LOG_TAIL_BYTES = 4096
LOG_TAIL_LINES = 3
"""Lines of the log in an error message: enough for the name of an exception and the line before it."""


@dataclass(frozen=True, slots=True)
class WorkerMessage:
    """A message from the worker with this number."""

    worker: int
    message: messages.Message


@dataclass(frozen=True, slots=True)
class WorkerExited:
    """The worker with this number has closed its output: no more messages follow."""

    worker: int


@dataclass(frozen=True, slots=True)
class StopSignal:
    """A signal asks the host to stop."""

    signal: int


InboxMessage = WorkerMessage | WorkerExited | StopSignal
Inbox = queue.SimpleQueue[InboxMessage]


class WorkerProcess:
    """A running worker process. `number` separates its messages from those of earlier workers."""

    def __init__(self, command: Sequence[str], log: Path, inbox: Inbox, number: int) -> None:
        """Start `command` with its stderr appended to `log`. Raises OSError if it cannot be started."""
        self.number = number
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(  # noqa: S603 - the host's own command
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                # A group of its own: Ctrl-C in a terminal reaches the host alone, and `end` reaches child processes.
                process_group=0,
            )
        assert self._process.stdout is not None
        self._reader = threading.Thread(
            target=forward_messages, args=(self._process.stdout, inbox, number), daemon=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send_item(self, item: WorkItem) -> None:
        """Send one item. If the worker has just died this does nothing, because `WorkerExited` will follow."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(item.to_json().encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return

    def end(self, grace: float) -> int:
        """End the process and its children within about `grace` seconds; return the exit status (-N for signal N)."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        self._signal(signal.SIGKILL)
        status = self._process.wait()
        self._reader.join()
        self._close()
        return status

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:
                continue


def forward_messages(stream: IO[bytes], inbox: Inbox, number: int) -> None:
    """Put the worker's messages into the inbox until its output ends or a line is not a message."""
    for line in stream:
        try:
            inbox.put(WorkerMessage(number, messages.decode(line.decode())))
        except ValueError:
            break
    inbox.put(WorkerExited(number))


def read_log_tail(log: Path) -> str:
    """Return the last lines of `log` joined on one line, or a note that it is empty. Raises OSError."""
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - LOG_TAIL_BYTES))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-LOG_TAIL_LINES:]) or "(the log is empty)"
