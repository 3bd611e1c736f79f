"""The command line as a user meets it: processes, exit codes, files."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
ARENA, GAME = EXAMPLES / "arithmetic", EXAMPLES / "adversarial"
DATASWARM = [sys.executable, "-m", "swarm_trainer"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": "", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def dataswarm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    command = [*DATASWARM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=280, check=False)


def kill_after(file: Path, folder: Path, enough: Callable[[], bool]) -> bool:
    """Start a run, kill -9 its host once `enough`; whether it still lived then."""
    process = subprocess.Popen(
        [*DATASWARM, "run", str(file), "--folder", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    while process.poll() is None and not enough():
        time.sleep(0.01)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return alive


@dataclass(frozen=True, slots=True)
class Finished:
    """An undisturbed run."""

    file: Path
    folder: Path
    output: str
