"""Processes of this machine, found by a word in their environment or command line, and what they hold."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

PROC = Path("/proc")


def find_by_word(word: str) -> list[int]:
    """The processes whose environment or command line holds `word`; not this one."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        pid = int(folder.name)
        if pid != os.getpid() and word.encode() in read_environment(pid) + read_command_line(pid):
            found.append(pid)
    return found


def read_command_line(pid: int) -> bytes:
    """The command line; empty when the process has ended."""
    return read_proc_file(PROC / str(pid) / "cmdline")


def read_environment(pid: int) -> bytes:
    """The environment that it was started with; empty when the process has ended."""
    return read_proc_file(PROC / str(pid) / "environ")


def read_proc_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def variable_values(pids: Sequence[int], name: str) -> set[str]:
    """The values that a variable has in the environments of these processes."""
    words = [word for pid in pids for word in read_environment(pid).split(b"\0")]
    return {word.decode().partition("=")[2] for word in words if word.startswith(f"{name}=".encode())}


def resident_bytes(pids: Sequence[int]) -> int:
    """Bytes of memory that these processes hold."""
    pages = [int((PROC / str(pid) / "statm").read_text().split()[1]) for pid in pids]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


def kill_servers(word: str) -> int:
    """SIGKILL the servers whose environment holds `word`, not the guards that watch them; how many there were."""
    servers = [pid for pid in find_by_word(word) if b"swarm_trainer" not in read_command_line(pid)]
    for pid in servers:
        os.kill(pid, signal.SIGKILL)
    return len(servers)
