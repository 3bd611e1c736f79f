"""A command line that is warm: forked from a process that has already imported what it needs.

`dataswarm run` starts a worker, and a worker takes seconds to import torch and its friends; `verify` and `gc` import
them too. Tests of what a command says and does can do without: `serving` starts one process that imports everything
once. A small client stands for `python -m swarm_trainer`. It hands its arguments, stdin, stdout, stderr, folder and
environment to the warm process, which forks the command with them, and ends with the command's exit code. Workers that
the command starts are warm too. A command ends with its client, and the warm process with its test session.

Limits: needs fork, and sockets that carry file descriptors. It does not test how a process starts, what it imports, nor
how many threads it takes, because `OMP_NUM_THREADS` is read before the fork.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

STARTING_SECONDS = 120.0
MOST = 1 << 20
"""Bytes of a request, which is mostly an environment."""
DISTURBED = 70
"""Exit code of a client whose command ended without one."""


def command(place: Path | str) -> list[str]:
    """The command that replaces `python -m swarm_trainer` and uses the warm process at `place`."""
    return [sys.executable, "-I", "-S", __file__, "ask", str(place)]


@contextlib.contextmanager
def serving(folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """The address of a warm process, which runs for the duration of the context."""
    place, nothing = folder / "warm", subprocess.DEVNULL
    serve = [sys.executable, "-P", __file__, "serve", str(place)]
    process = subprocess.Popen(serve, env=environment, stdin=nothing, stdout=nothing)
    try:
        end = time.monotonic() + STARTING_SECONDS
        while not place.exists():
            assert process.poll() is None, "the warm process ended before it listened"
            assert time.monotonic() < end, "the warm process does not listen"
            time.sleep(0.05)
        yield place
    finally:
        process.kill()
        process.wait()


def ask(place: str, arguments: list[str]) -> None:
    """Act as a command: the warm process runs it with the descriptors of this process."""
    told = {"folder": str(Path.cwd()), "environment": dict(os.environ), "arguments": arguments}
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(place)
        socket.send_fds(line, [json.dumps(told).encode()], [0, 1, 2])
        for number in (0, 1):
            os.close(number)  # who reads is to see the end of the command, not of this process
        status = line.recv(16)
    os._exit(int(status or DISTURBED))


def serve(place: str) -> None:
    """Import what commands need; then fork one process per request."""
    from swarm_trainer.worker import loop  # noqa: PLC0415

    loop.die_with_parent()
    warm_up()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{place}.part")
        door.listen()
        Path(f"{place}.part").rename(place)
        while True:
            line, _ = door.accept()
            if os.fork() == 0:
                door.close()
                work(line, place)
            line.close()


def warm_up() -> None:
    import torch  # noqa: F401, PLC0415
    import transformers  # noqa: PLC0415

    from swarm_trainer.maintenance import garbage_collection, replay  # noqa: F401, PLC0415
    from swarm_trainer.steps import conclude, iterate, prepare, train  # noqa: F401, PLC0415

    _ = transformers.AutoTokenizer, transformers.AutoConfig, transformers.AutoModelForCausalLM  # imported when named


def work(line: socket.socket, place: str) -> None:
    """Run the requested command with the descriptors of the client, until the command or the client ends."""
    message, descriptors, _, _ = socket.recv_fds(line, MOST, 3)
    told = json.loads(message)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(told["folder"])
    os.environ.clear()
    os.environ.update(told["environment"])
    threading.Thread(target=end_with, args=(line,), daemon=True).start()
    status = DISTURBED
    try:
        status = carried_out(told["arguments"], place)
    finally:
        sys.stdout.flush()
        line.send(str(status).encode())
        os._exit(status)


def carried_out(arguments: list[str], place: str) -> int:
    """The exit code of a command or of a worker."""
    from swarm_trainer import __main__, cli  # noqa: PLC0415

    if arguments[0] == "worker":
        return __main__.main(arguments)
    return cli.main(arguments, worker=[*command(place), "worker"])


def end_with(line: socket.socket) -> None:
    """End this process as soon as no process holds the other end."""
    line.recv(1)
    os._exit(DISTURBED)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        ask(sys.argv[2], sys.argv[3:])
