"""A lock that allows one host per run folder. The kernel releases it when the holding process ends for any reason.

The lock file contains the holder's process ID, host name and start time, so that a second host can name the first in
its error message. The content means nothing while the file is not locked.

Limits: flock(2). On network file systems it works only where the file system supports it.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from swarm_core.errors import BadInputError

PROBE_SECONDS = 0.05
"""Seconds before a second attempt. `holder` takes the lock for microseconds to see if it is free, and a host that
starts at that moment must not fail."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds the lock of a run folder."""

    pid: int
    host: str
    since: str
    """The time at which it took the lock: UTC, ISO 8601."""


@contextmanager
def hold(path: Path) -> Iterator[Holder]:
    """Hold the lock at `path` during the `with` block.

    Raises BadInputError, which names the holder, if another process has the lock; OSError if the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not (try_acquire(descriptor) or retry_acquire(descriptor)):
            raise BadInputError(describe_conflict(path))
        own = Holder(os.getpid(), socket.gethostname(), datetime.now(UTC).isoformat(timespec="seconds"))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(own)).encode(), 0)
        yield own
    finally:
        os.close(descriptor)


def holder(path: Path) -> Holder | None:
    """Return the process that holds the lock at `path` now, or None. Raises OSError if the file cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if try_acquire(descriptor) else read_holder(path)
    finally:
        os.close(descriptor)


def try_acquire(descriptor: int) -> bool:
    """Take the lock if it is free; return whether it was. Raises OSError."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def retry_acquire(descriptor: int) -> bool:
    """Try again to take the lock, after `PROBE_SECONDS`; return whether it was free."""
    time.sleep(PROBE_SECONDS)
    return try_acquire(descriptor)


def read_holder(path: Path) -> Holder:
    """Return the holder that the file names. Its pid is 0 if the file has not been written yet."""
    try:
        return Holder(**json.loads(path.read_bytes()))
    except (ValueError, TypeError):
        return Holder(0, "", "")


def describe_conflict(path: Path) -> str:
    """Return the error message for a second host: the holder, and what the user can do."""
    found = read_holder(path)
    name = f"process {found.pid} on {found.host}, since {found.since}," if found.pid else "another process"
    stop = f"`kill {found.pid}`" if found.pid else "Ctrl-C there"
    return (
        f"{path.parent}: {name} already runs in this folder; wait until it finishes, stop it with {stop},"
        " or choose another folder with --folder"
    )
