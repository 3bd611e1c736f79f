"""Runs the command line as a user does: processes, exit codes, files."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import warm_process
import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"
ARENA, GAME = EXAMPLES / "arithmetic", EXAMPLES / "adversarial"
DATASWARM = [sys.executable, "-m", "swarm_trainer"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": "", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


GIVEN_GENERATORS: dict[str, Any] = {
    "adapters": [str(ARENA / "takers" / name) for name in ("adder", "multiplier", "subtractor")],
    "data": {"uri": str(ARENA / "seeds.jsonl"), "heldOut": 0.05},
}
"""Generators of the arena that need no training."""


def build_short_run(**changes: object) -> dict[str, Any]:
    """The short run of the arena, with `changes` of its spec. Its paths are absolute, so it may lie anywhere."""
    document: dict[str, Any] = yaml.safe_load((ARENA / "short.yaml").read_text())
    spec = document["spec"]
    spec |= changes
    spec["base"]["model"] = str(ARENA / "base")
    for taker in spec["takers"]:
        taker["adapter"] = str(ARENA / taker["adapter"])
    return document


def dataswarm(*arguments: str | Path, seconds: float = 280, at: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, in a process of its own or forked from the warm one that listens `at`."""
    command = [*(warm_process.command(at) if at else DATASWARM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=seconds, check=False)


def start_run(file: Path, folder: Path, output: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """Start a run in the background; its output goes to the file descriptor `output`."""
    command = [*DATASWARM, "run", str(file), "--folder", str(folder)]
    return subprocess.Popen(command, stdout=output, stderr=output, env=ENVIRONMENT, start_new_session=True)


def kill_after(file: Path, folder: Path, enough: Callable[[], bool]) -> bool:
    """Start a run, and kill its host with SIGKILL once `enough` is true. Returns whether the host was still alive."""
    process = start_run(file, folder)
    while process.poll() is None and not enough():
        time.sleep(0.01)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return alive


def read_output(folder: Path, name: str) -> object:
    """The bytes of the file `name` of a run; of `result.json` its fields except `usage`, in their order."""
    data = (folder / name).read_bytes()
    if name != "result.json":
        return data
    fields = json.loads(data)
    assert fields.pop("usage")["requests"] >= 0, "what it took is told, and may differ"
    return list(fields.items())


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """An undisturbed run."""

    file: Path
    folder: Path
    output: str
