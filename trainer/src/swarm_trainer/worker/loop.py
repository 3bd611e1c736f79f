"""The worker's loop: a line in, an item carried out, lines out.

Whatever an item raises becomes an `Unfinished` with a one-line message, its traceback goes to the log, and the loop
goes on. End of input ends the process at once, in the middle of an item too: either nothing is wanted any more or the
host is dead, and a receipt is published last, so that any moment is a good one to stop.

Libraries print. What they write to stdout joins stderr, which the host points at the log, and the channel to the
host is a copy of stdout that nobody else knows of.
"""

import ctypes
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import NoReturn, TextIO

from swarm_core.engine.work import Failed, FailureReason, Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.ports import CorruptError
from swarm_trainer.runtime.context import Progress
from swarm_trainer.worker import messages, storage_errors

ItemExecutor = Callable[[WorkItem, Callable[[Progress], None]], Receipt]
"""Does an item, reporting as it goes. Raises BadInputError when the user's input cannot work."""

MAX_MESSAGE_CHARACTERS = 500
"""Of an error, in status and on one line; the rest is in the log."""

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal this process gets when the thread that started it ends."""


def main(execute_item: ItemExecutor) -> NoReturn:
    """Serve the host at the other end of stdin and stdout, until the input ends and the process with it."""
    die_with_parent()
    with private_channel() as channel:
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=read, args=(sys.stdin, lines), daemon=True).start()
        while True:
            execute_line(lines.get(), execute_item, lambda message: send(channel, message))


def execute_line(line: str, execute_item: ItemExecutor, say: Callable[[messages.Message], None]) -> None:
    """Carry out the item of `line` and say how it ended."""
    item = WorkItem.from_json(line)
    print(f"--- {item.key}, attempt {item.attempt}", file=sys.stderr, flush=True)
    say(execute(item, execute_item, say))


def execute(
    item: WorkItem, execute_item: ItemExecutor, report: Callable[[Progress], None]
) -> Receipt | messages.FailedAttempt:
    """The receipt of `item`, or why there is none."""
    try:
        return execute_item(item, report)
    except Exception as error:
        return messages.FailedAttempt(item.key, describe_failure(error, item.attempt))


def describe_failure(error: Exception, attempt: int) -> Failed:
    """What `error` says of an attempt; its traceback goes to the log unless it tells the user all there is."""
    if isinstance(error, BadInputError | CorruptError):  # bytes that were changed are no better at the next attempt
        return Failed(attempt, FailureReason.BAD_INPUT, collapse_and_cut(str(error)))
    traceback.print_exception(error)
    refusal = storage_errors.explain_refusal(error)
    if refusal is not None:
        return Failed(attempt, FailureReason.BAD_INPUT, refusal)
    return Failed(attempt, FailureReason.ERROR, collapse_and_cut(f"{type(error).__name__}: {error}"))


def collapse_and_cut(text: str) -> str:
    """`text` with its white space closed up, and cut."""
    collapsed = " ".join(text.split())
    return collapsed if len(collapsed) <= MAX_MESSAGE_CHARACTERS else collapsed[: MAX_MESSAGE_CHARACTERS - 1] + "…"


def read(lines: TextIO, inbox: queue.SimpleQueue[str]) -> None:
    """Hand every line on; at the end of input, end the process."""
    for line in lines:
        inbox.put(line)
    sys.stderr.flush()
    os._exit(0)


def private_channel() -> TextIO:
    """The stdout this process was started with, for messages alone; from now on file descriptor 1 is stderr."""
    sys.stdout.flush()
    channel = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(channel, "w", encoding="utf-8")


def send(channel: TextIO, message: messages.Message) -> None:
    channel.write(messages.encode(message) + "\n")
    channel.flush()


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies; elsewhere the end of input does, a little later."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
