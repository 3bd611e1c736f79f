"""Starts, watches and ends a vLLM server for one base.

The server listens on a free loopback port and requires a random key, which it gets through the environment. It runs
under `child_guard`: when this process ends, even by SIGKILL, the server and all its children end, and its folder is
removed.

Adapters reach the server through the run's store and `swarm_trainer.vllm_plugin`. Nothing is loaded by hand.
"""

import importlib.util
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from swarm_core.errors import BadInputError
from swarm_core.ports import InferenceError
from swarm_core.recipe import Digest, ModelName
from swarm_trainer.inference import plugin_environment
from swarm_trainer.inference.endpoint import Endpoint
from swarm_trainer.stores import store_location
from swarm_trainer.stores.store_location import StoreLocation

SUPPORTED_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The adapter ranks that vLLM is compiled for. Other ranks are rounded up."""
STARTUP_SECONDS = 900.0
"""Seconds until /health answers. A small model takes half a minute; a large one has to read its weights."""
CPU_CACHE_GIB = 1
"""Memory for keys and values on a CPU. vLLM would take half of the memory."""
SCRATCH_PREFIX = "dataswarm-"
"""Prefix of the names of servers' folders."""
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - every server has a folder of its own in it, unreadable to others
LAST_LINES, LINE_CHARACTERS, TAIL_BYTES = 3, 200, 64 * 1024
TICK_SECONDS = 0.2
GRACE_SECONDS = 15.0
"""Seconds from the end of the guard's pipe to its end: the guard's own grace period and a little more."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The base, the adapters and the resources of one server."""

    base: Digest
    folder: Path
    """The folder of the base model."""
    name: ModelName
    """The name of the bare base in requests."""
    rank: int
    """The highest rank of any adapter; 0 if there are no adapters."""
    adapters_per_batch: int
    """Maximum number of adapters in one batch."""
    live_adapters: int
    """Number of adapters that are live at one time."""
    dtype: str = "float32"
    max_model_len: int = 4096
    cpu: bool = True
    threads: int | None = None
    host: str = "127.0.0.1"
    """The address to listen on."""
    tensor_parallel: int = 1
    """Number of accelerators that hold one copy of the model."""
    memory_fraction: float | None = None
    """Share of each accelerator's memory. None leaves vLLM's default."""
    extra_arguments: tuple[str, ...] = ()
    """Further command-line arguments of vLLM."""


def is_installed() -> bool:
    """Whether vLLM can be imported in this environment."""
    return importlib.util.find_spec("vllm") is not None


def round_up_rank(rank: int) -> int:
    """The lowest rank of vLLM that holds `rank`. Raises BadInputError above the highest."""
    for allowed in SUPPORTED_RANKS:
        if rank <= allowed:
            return allowed
    raise BadInputError(
        f"rank {rank}: vLLM serves adapters of rank {SUPPORTED_RANKS[-1]} at most; train with a lower rank"
    )


def build_command(served: ServerConfig, port: int) -> list[str]:
    """The server's command line. It holds no secret, because every user of the machine can read it."""
    flags = {
        "--model": str(served.folder),
        "--served-model-name": served.name,
        "--host": served.host,
        "--port": str(port),
        "--dtype": served.dtype,
        "--max-model-len": str(served.max_model_len),
        # Otherwise the model's own generation settings become defaults of requests that leave them out.
        "--generation-config": "vllm",
    }
    if served.tensor_parallel > 1:
        flags["--tensor-parallel-size"] = str(served.tensor_parallel)
    if served.memory_fraction is not None and not served.cpu:
        flags["--gpu-memory-utilization"] = str(served.memory_fraction)
    if served.rank:
        # Twice the live set: late requests still name adapters of the generation before.
        flags |= {
            "--max-lora-rank": str(round_up_rank(served.rank)),
            "--max-loras": str(max(1, served.adapters_per_batch)),
            "--max-cpu-loras": str(max(served.adapters_per_batch, 2 * served.live_adapters + 1)),
        }
    switches = ["--disable-uvicorn-access-log"]
    switches += ["--enable-lora"] if served.rank else []
    switches += ["--enforce-eager"] if served.cpu else []
    words = [word for flag in flags.items() for word in flag]
    return [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *words, *switches, *served.extra_arguments]


def build_environment(served: ServerConfig, store: StoreLocation, folder: Path, key: str) -> dict[str, str]:
    """The server's environment: this process's, the plugin's variables, and the key."""
    threads = served.threads or os.cpu_count() or 1
    cpu = {
        "VLLM_CPU_KVCACHE_SPACE": str(CPU_CACHE_GIB),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # bound cores would be shared with other processes that bind to them
        "OMP_NUM_THREADS": str(threads),
        # Otherwise the engine spins on a core while its worker, then another process, computes on the rest.
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    }
    return {
        **os.environ,
        **(cpu if served.cpu else {}),
        "VLLM_API_KEY": key,
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_PLUGINS": "dataswarm",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        plugin_environment.STORE: store_location.format_location(store),
        plugin_environment.ADAPTER_FOLDER: str(folder),
        plugin_environment.BASE: served.base,
        plugin_environment.BASE_FOLDER: str(served.folder.absolute()),
        plugin_environment.MAX_RANK: str(round_up_rank(served.rank)),
    }


class VllmServer:
    """A server that is started when its endpoint is first requested, and again if it has died."""

    def __init__(self, served: ServerConfig, store: StoreLocation, log: Path) -> None:
        """`store` is the location of the run's store. `log` receives the server's output since its last start."""
        self._served, self._store, self._log = served, store, log
        self._process: subprocess.Popen[bytes] | None = None
        self._endpoint: Endpoint | None = None
        self._folder: Path | None = None
        self._lock = threading.Lock()

    def endpoint(self) -> Endpoint:
        """The server's endpoint. Raises InferenceError, with the log's last lines, if the server cannot be started."""
        with self._lock:
            if self._endpoint is None or not self.is_alive():
                self._stop()
                self._endpoint = self._start()
            return self._endpoint

    def is_alive(self, endpoint: Endpoint | None = None) -> bool:
        """Whether the server's process runs; with `endpoint`, whether it is the process behind that endpoint."""
        return self._process is not None and self._process.poll() is None and endpoint in (None, self._endpoint)

    def stop(self) -> None:
        """End the server and all its children. Safe to call twice. `endpoint` would start it again."""
        with self._lock:
            self._stop()

    def _start(self) -> Endpoint:
        port, key = find_free_port(), secrets.token_hex(16)
        folder = self._folder = make_scratch_folder()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:  # the output of an earlier server says nothing about this one
            self._process = start_guarded(
                folder,
                build_command(self._served, port),
                environment=build_environment(self._served, self._store, folder, key),
                log=log.fileno(),
            )
        url = f"http://127.0.0.1:{port}"
        self._await_health(url)
        return Endpoint(url, self._served.folder, key)

    def _await_health(self, url: str) -> None:
        """Wait until the server answers. Raises InferenceError if it ends first or takes too long."""
        deadline = time.monotonic() + STARTUP_SECONDS
        while not is_healthy(url):
            if not self.is_alive():
                self._stop()
                raise InferenceError(f"vLLM ended before it served {self._served.folder}: {summarize_log(self._log)}")
            if time.monotonic() > deadline:
                self._stop()
                raise InferenceError(
                    f"vLLM did not serve {self._served.folder} within {STARTUP_SECONDS:.0f} s:"
                    f" {summarize_log(self._log)}"
                )
            time.sleep(TICK_SECONDS)

    def _stop(self) -> None:
        if self._process is not None:
            stop_guarded(self._process)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)  # a guard that was killed did not remove it
        self._process, self._endpoint, self._folder = None, None, None


def start_guarded(
    folder: Path, words: Sequence[str], *, environment: dict[str, str], log: int
) -> subprocess.Popen[bytes]:
    """Start `words` under a guard that removes `folder` at the end. The guard runs as long as its stdin is open."""
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "swarm_trainer.inference.child_guard", str(folder), *words],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        env=environment,
        start_new_session=True,  # a signal to our process group must not end the guard before it has cleaned up
    )


def stop_guarded(process: subprocess.Popen[bytes]) -> None:
    """Have a guard end its server, and wait for it."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def make_scratch_folder() -> Path:
    """A new folder for a server's adapters, in memory if possible."""
    parent = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=parent))


def find_free_port() -> int:
    """A loopback port that no process listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_healthy(url: str) -> bool:
    """Whether a server answers at `url`."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5.0) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def summarize_log(log: Path) -> str:
    """The end of a server's log on one line: its last errors if there are any, otherwise its last lines."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = [" ".join(line.split()) for line in file.read().decode(errors="replace").splitlines()]
    lines_with_text = [line[-LINE_CHARACTERS:] for line in lines if line]
    errors = [line for line in lines_with_text if re.match(r"(\(.*\) )?([\w.]+Error\b|.*\bERROR\b)", line)]
    return " / ".join(dict.fromkeys((errors or lines_with_text)[-LAST_LINES:])) or "the log is empty"
