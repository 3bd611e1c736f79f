"""Real S3 servers on free loopback ports: versitygw, moto one request at a time or bare, and rclone.

moto as it comes does not write atomically (see `lone_moto`); rclone ignores conditional writes.

Limits: a port that was free may be taken before the server has it; starting then fails and says so. Invariant: nothing
started here outlives its block; where Python cannot clean up, as under SIGKILL, the kernel ends the processes with
their parent.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from swarm_core.api.execution import S3Storage

KEY, SECRET = "SWARMTESTKEY0001", "swarm-test-secret-that-no-log-may-hold"
KEYS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1", "AWS_PROFILE": ""}
STARTING_SECONDS = 120
PR_SET_PDEATHSIG = 1
LONE_MOTO = Path(__file__).with_name("lone_moto.py")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    endpoint: str
    folder: Path
    """The folder with its data, if it has one."""

    def bucket(self, name: str, prefix: str = "") -> S3Storage:
        """Create a bucket."""
        boto(self.endpoint).create_bucket(Bucket=name)
        return S3Storage(bucket=name, prefix=prefix, endpoint=self.endpoint)


def boto(endpoint: str, connections: int = 10) -> Any:
    """A client for the tests, for `threads` threads at once."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=Config(
            s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, max_pool_connections=connections
        ),
    )


def gateway() -> str | None:
    """The versitygw program from KUBEBUILDER_ASSETS, or from the path."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    return (shutil.which("versitygw", path=assets) if assets else None) or shutil.which("versitygw")


@contextmanager
def versitygw(folder: Path, *options: str) -> Iterator[Server]:
    """A gateway over `folder`, which must lie on a file system with extended attributes."""
    program, port = gateway(), free_port()
    assert program is not None
    users, data = folder / "users", folder / "data"
    users.mkdir(parents=True, exist_ok=True)
    data.mkdir(exist_ok=True)
    keys = {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
    command = [program, *options, "--port", f"127.0.0.1:{port}", "--iam-dir", str(users), "posix", str(data)]
    with run_process(command, port, folder, keys):
        yield Server(f"http://127.0.0.1:{port}", data)


@contextmanager
def moto(folder: Path) -> Iterator[Server]:
    """moto's server in memory, one request at a time. It honors conditions and accepts any key."""
    port = free_port()
    with run_process([sys.executable, "-P", str(LONE_MOTO), str(port)], port, folder, {"MOTO_PORT": str(port)}):
        yield Server(f"http://127.0.0.1:{port}", folder)


@contextmanager
def bare_moto(folder: Path) -> Iterator[Server]:
    """moto's server without changes: two concurrent writers may both be told that they won."""
    port = free_port()
    with run_process([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port, folder, {}):
        yield Server(f"http://127.0.0.1:{port}", folder)


@contextmanager
def rclone(folder: Path) -> Iterator[Server]:
    """rclone's server over a folder. It accepts every write, whatever its conditions."""
    port, data = free_port(), folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    program = shutil.which("rclone", path=Path(sys.executable).parent) or "rclone"
    command = [program, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}", str(data)]
    with run_process(command, port, folder, {}):
        yield Server(f"http://127.0.0.1:{port}", data)


@contextmanager
def run_process(command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """The process of `command`, while it listens on `port`. Raises RuntimeError with its log if it does not start."""
    log = folder / "server.log"
    folder.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            preexec_fn=die_with_parent,  # noqa: PLW1509 (it takes no lock)
        )
    try:
        await_port(process, port, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_port(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not come up:\n{log.read_text(errors='replace')[-2000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
