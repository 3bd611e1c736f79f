"""The worker's loop: it reads an item, runs it and sends messages.

An exception in an item becomes a `FailedAttempt` with a message on one line. Its traceback goes to the log, and the
loop continues. The end of the input ends the process at once, even during an item: the host has no more work or has
died. A step publishes its receipt last, so the process may stop at any moment.

Libraries print to stdout. Their output is redirected to stderr, which the host writes to the log. The channel to the
host is a private copy of stdout.
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
from swarm_core.errors import BadInputError, ErrorCode, find_code
from swarm_core.ports import CorruptError, InferenceError, StoreError
from swarm_trainer.runtime.context import Progress
from swarm_trainer.worker import messages, storage_errors

ItemExecutor = Callable[[WorkItem, Callable[[Progress], None]], Receipt]
"""Runs an item and reports its progress. Raises BadInputError if the user's input is wrong."""

MAX_MESSAGE_CHARACTERS = 500
"""The maximum length of an error message in the status; the log has the full text."""

PR_SET_PDEATHSIG = 1
"""prctl(2): sets the signal that this process receives when the thread that started it ends."""


def main(execute_item: ItemExecutor) -> NoReturn:
    """Run items from stdin and send messages to stdout until the input ends, which ends the process."""
    die_with_parent()
    with private_channel() as channel:
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=read, args=(sys.stdin, lines), daemon=True).start()
        while True:
            execute_line(lines.get(), execute_item, lambda message: send(channel, message))


def execute_line(line: str, execute_item: ItemExecutor, send_message: Callable[[messages.Message], None]) -> None:
    """Run the item of `line` and send its outcome. Raises ValueError if the line is not a work item."""
    item = WorkItem.from_json(line)
    print(f"--- {item.key}, attempt {item.attempt}", file=sys.stderr, flush=True)
    send_message(execute(item, execute_item, send_message))


def execute(
    item: WorkItem, execute_item: ItemExecutor, report: Callable[[Progress], None]
) -> Receipt | messages.FailedAttempt:
    """Run `item`; return its receipt, or the failure if it raised an exception."""
    try:
        return execute_item(item, report)
    except Exception as error:
        return messages.FailedAttempt(item.key, describe_failure(error, item.attempt))


def describe_failure(error: Exception, attempt: int) -> Failed:
    """Return the failure for `error`. The traceback goes to the log, unless the message alone explains the failure."""
    if isinstance(error, BadInputError | CorruptError):  # corrupt bytes would still be corrupt at the next attempt
        return Failed(attempt, FailureReason.BAD_INPUT, collapse_and_cut(str(error)), code=find_error_code(error))
    traceback.print_exception(error)
    refusal = storage_errors.explain_refusal(error)
    if refusal is not None:
        return Failed(attempt, FailureReason.BAD_INPUT, refusal, code=find_error_code(error))
    message = collapse_and_cut(f"{type(error).__name__}: {error}")
    return Failed(attempt, FailureReason.ERROR, message, code=find_error_code(error))


def find_error_code(error: Exception) -> str:
    """Return the code of `error`; of one without a code, that of its kind; empty if it has none either."""
    kinds = ((StoreError, ErrorCode.STORE_ERROR), (InferenceError, ErrorCode.INFERENCE_ERROR))
    return find_code(error) or next((code for kind, code in kinds if isinstance(error, kind)), "")


def collapse_and_cut(text: str) -> str:
    """Return `text` on one line, with single spaces, cut to MAX_MESSAGE_CHARACTERS."""
    collapsed = " ".join(text.split())
    return collapsed if len(collapsed) <= MAX_MESSAGE_CHARACTERS else collapsed[: MAX_MESSAGE_CHARACTERS - 1] + "…"


def read(lines: TextIO, inbox: queue.SimpleQueue[str]) -> None:
    """Put each line into the inbox. At the end of the input, end the process."""
    for line in lines:
        inbox.put(line)
    sys.stderr.flush()
    os._exit(0)


def private_channel() -> TextIO:
    """Return the original stdout for messages only. From now on, file descriptor 1 points to stderr."""
    sys.stdout.flush()
    channel = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(channel, "w", encoding="utf-8")


def send(channel: TextIO, message: messages.Message) -> None:
    """Write a message to the channel and flush it. Raises OSError if the host has closed the channel."""
    channel.write(messages.encode(message) + "\n")
    channel.flush()


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies. On other systems the end of the input ends it, a bit later.

    prctl follows the parent thread, not the parent process, so the host must start workers from its main thread.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
