"""One host per run folder: a lock that the kernel drops when its holder dies, however it dies.

The file holds who has it, for the message to the second; the words in it mean nothing without the lock.
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
"""`holder` takes the lock for some microseconds to learn whether it is free; who meets that tries once more."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a run folder."""

    pid: int
    host: str
    since: str
    """When it took the lock: UTC, ISO 8601."""


@contextmanager
def hold(path: Path) -> Iterator[Holder]:
    """Hold the lock at `path` for the length of the block. Raises BadInputError, naming who else has it; OSError."""
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
    """Who holds the lock at `path` now; None if nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if try_acquire(descriptor) else read_holder(path)
    finally:
        os.close(descriptor)


def try_acquire(descriptor: int) -> bool:
    """Whether the lock could be had at once."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def retry_acquire(descriptor: int) -> bool:
    time.sleep(PROBE_SECONDS)
    return try_acquire(descriptor)


def read_holder(path: Path) -> Holder:
    """The holder named in the file; pid 0 while it has not been written yet."""
    try:
        return Holder(**json.loads(path.read_bytes()))
    except (ValueError, TypeError):
        return Holder(0, "", "")


def describe_conflict(path: Path) -> str:
    """Why a second host is refused, and the way out."""
    who = read_holder(path)
    name = f"process {who.pid} on {who.host}, since {who.since}," if who.pid else "another process"
    stop = f"`kill {who.pid}`" if who.pid else "Ctrl-C there"
    return f"{path.parent}: {name} runs in this folder; let it finish, stop it with {stop}, or give another --folder"
