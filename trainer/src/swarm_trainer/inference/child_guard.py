"""A process between us and a server that we start: whatever ends us, the server and all its children end too.

    python -m swarm_trainer.inference.child_guard FOLDER COMMAND ...

It runs COMMAND and watches its own stdin, a pipe whose other end only the starter holds. The pipe ends when the starter
closes it or dies, by SIGKILL too; then everything that descends from the guard is ended, FOLDER is removed, and the
guard ends. If COMMAND ends first, the same happens with what it left behind, and its exit status becomes the guard's.
The guard adopts orphans (PR_SET_CHILD_SUBREAPER), so a child that left the process group is found as well; and the
kernel ends COMMAND if the guard itself is killed (PR_SET_PDEATHSIG).

Limits: without Linux's prctl the process group is all that is found. The standard library alone is imported: the guard
must be there before anything heavy is.
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
"""From SIGTERM to SIGKILL."""
TICK_SECONDS = 0.1


def main(folder: Path, command: Sequence[str]) -> int:
    """Run `command` until it ends or stdin does; its exit status."""
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
    """Whether the pipe has ended; waits a tick for it."""
    try:
        readable, _, _ = select.select([descriptor], [], [], TICK_SECONDS)
        return bool(readable) and not os.read(descriptor, 1024)
    except (OSError, ValueError):
        return True


def _terminate(process: subprocess.Popen[bytes]) -> None:
    """End the group, and then every descendant that is left."""
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
    """The guard's children, adopted ones included; none where the system does not tell."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def _reap(command: int) -> None:
    """Take note of adopted children that have ended; `command` is its Popen's to wait for."""
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
