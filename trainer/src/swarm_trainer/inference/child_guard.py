"""A process between this one and a server that it starts: when this one ends, however it ends, so does the server.

    python -m swarm_trainer.inference.child_guard FOLDER COMMAND ...

The guard runs COMMAND and watches its own stdin, a pipe whose other end only the starter holds. The pipe ends when the
starter closes it or dies, even by SIGKILL. Then the guard ends all its descendants, removes FOLDER and ends. If COMMAND
ends first, the guard does the same with the processes that COMMAND left behind, and exits with COMMAND's status. The
guard adopts orphans (PR_SET_CHILD_SUBREAPER), so it also finds a child that left the process group. The kernel ends
COMMAND if the guard itself is killed (PR_SET_PDEATHSIG).

Limits: without Linux's prctl, only the process group is found. The guard imports the standard library alone, because it
must run before anything that takes long to import.
"""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
GRACE_SECONDS = 5.0
"""Seconds from SIGTERM to SIGKILL."""
TICK_SECONDS = 0.1


def main(folder: Path, command: Sequence[str]) -> int:
    """Run `command` until it ends or stdin ends; returns the exit status of `command`."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os.close(0))
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    process = subprocess.Popen(  # noqa: S603 - the starter's own command
        command,
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=_die_with_guard,  # noqa: PLW1509 - no threads here
    )
    while process.poll() is None and not _is_pipe_closed(sys.stdin.fileno()):
        continue
    _terminate(process)
    shutil.rmtree(folder, ignore_errors=True)
    return process.returncode


def _is_pipe_closed(descriptor: int) -> bool:
    """Whether the pipe has ended. Waits one tick for it."""
    try:
        readable, _, _ = select.select([descriptor], [], [], TICK_SECONDS)
        return bool(readable) and not os.read(descriptor, 1024)
    except (OSError, ValueError):
        return True


def _terminate(process: subprocess.Popen[bytes]) -> None:
    """End the process group, then every remaining descendant."""
    _signal_group(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and (process.poll() is None or _list_children()):
        time.sleep(TICK_SECONDS)
        _reap(process.pid)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()
    while left := _list_children():
        for child in left:
            os.kill(child, signal.SIGKILL)
        _reap(process.pid)
        time.sleep(TICK_SECONDS / 10)


def _list_children() -> list[int]:
    """The guard's children, adopted ones included; empty where the system has no such list."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def _reap(command: int) -> None:
    """Reap adopted children that have ended. The Popen object reaps `command` itself."""
    for child in _list_children():
        if child != command:
            try:
                os.waitpid(child, os.WNOHANG)
            except ChildProcessError:
                continue


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _die_with_guard() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
