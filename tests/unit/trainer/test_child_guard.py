"""Whatever ends the starter, nothing that it started is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm_trainer.inference import vllm_server

SLEEPER = "import os, sys, time; print(os.getpid(), file=open(sys.argv[1], 'a')); time.sleep(600)"
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = [sys.executable, "-c", "import os, sys, time; print(os.getpid(), file=open(sys.argv[1], 'a')); time.sleep(600)"]
subprocess.Popen([*child, sys.argv[1]])
subprocess.Popen([*child, sys.argv[1]], start_new_session=True)
print(os.getpid(), file=open(sys.argv[1], "a"))
time.sleep(600)
"""
"""A server that will not end when asked, with a child in its group and one that has left it."""
STARTER = """
import os, sys, time
from pathlib import Path
from swarm_trainer.inference import vllm_server
log = open(sys.argv[3], "wb")
command = [sys.executable, "-c", sys.argv[4], sys.argv[2]]
vllm_server.start_guarded(Path(sys.argv[1]), command, environment=dict(os.environ), log=log.fileno())
time.sleep(600)
"""
SECONDS = 60.0


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def guarding(tmp_path: Path, code: str) -> subprocess.Popen[bytes]:
    """A guard over a Python command that is given a file for its process id."""
    command = [sys.executable, "-c", code, str(tmp_path / "pids")]
    with (tmp_path / "log").open("wb") as log:
        return vllm_server.start_guarded(tmp_path / "none", command, environment=dict(os.environ), log=log.fileno())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_starter_that_is_killed_leaves_no_process_and_no_folder(tmp_path: Path, number: int) -> None:
    folder, told, log = tmp_path / "adapters", tmp_path / "pids", tmp_path / "log"
    folder.mkdir()
    (folder / "file").write_text("left")
    starter = subprocess.Popen([sys.executable, "-c", STARTER, folder, told, log, STUBBORN])
    until(lambda: len(pids(told)) == 3, "the server and its two children did not start")
    assert all(map(alive, pids(told)))
    starter.send_signal(number)
    starter.wait()
    until(lambda: not any(map(alive, pids(told))), f"still there: {pids(told)}")
    until(lambda: not folder.exists(), "the folder is left")


def test_a_guard_that_is_killed_takes_its_command_along(tmp_path: Path) -> None:
    guard, told = guarding(tmp_path, SLEEPER), tmp_path / "pids"
    until(lambda: pids(told), "did not start")
    with guard:
        guard.kill()
    until(lambda: not any(map(alive, pids(told))), "the command outlived its guard")


def test_a_command_that_ends_gives_the_guard_its_status(tmp_path: Path) -> None:
    with guarding(tmp_path, "raise SystemExit(7)") as guard:
        assert guard.wait(SECONDS) == 7


def test_releasing_a_guard_ends_its_command(tmp_path: Path) -> None:
    guard, told = guarding(tmp_path, SLEEPER), tmp_path / "pids"
    until(lambda: pids(told), "did not start")
    vllm_server.stop_guarded(guard)
    assert guard.poll() is not None
    assert not any(map(alive, pids(told)))
