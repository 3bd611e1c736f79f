"""Runs an operator as its own process, which tests can kill, stop, pause and continue."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from control_plane import die_with_parent

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT / "operator" / "src", ROOT / "trainer" / "src", ROOT / "tests" / "support")
INHERITED = ("PATH", "PYTHONPYCACHEPREFIX")
"""Variables of the tests. Without the place of the byte code, each process would compile every package anew."""
QUICK = {
    "DATASWARM_LEASE_SECONDS": "4",
    "DATASWARM_LEASE_RENEW_SECONDS": "0.8",
    "DATASWARM_LEASE_MARGIN_SECONDS": "1",
    "DATASWARM_LIST_SECONDS": "2",
    "DATASWARM_CALL_SECONDS": "2",
    "DATASWARM_CALLS_PER_SECOND": "200",
    "DATASWARM_BACKOFF_SECONDS": "0.2",
}
"""Short times for tests: a Lease of four seconds."""


@dataclass
class OperatorProcess:
    """One replica."""

    name: str
    folder: Path
    kubeconfig: Path
    module: str = "watched_operator"
    settings: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> "OperatorProcess":
        environment = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "PYTHONPATH": os.pathsep.join(map(str, SOURCES)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "KUBECONFIG": str(self.kubeconfig),
            "DATASWARM_DUMP": str(self.folder / f"{self.name}.json"),
            **QUICK,
            **self.settings,
        }
        scope = [] if "KOPF_RUN_NAMESPACES" in environment else ["-A"]
        command = [sys.executable, "-m", "kopf", "run", *scope, "--standalone", "-m", self.module]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                command,
                env=environment,
                stdout=out,
                stderr=out,
                preexec_fn=die_with_parent,  # noqa: PLW1509 (takes no lock)
            )
        return self

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """Send SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        """Send SIGTERM. Returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(20)
        finally:
            self.kill()

    def pause(self) -> None:
        self.send(signal.SIGSTOP)

    def wake(self) -> None:
        self.send(signal.SIGCONT)

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def cache(self) -> Any:
        """Uids and versions by kind in the cache of the process."""
        path = self.folder / f"{self.name}.json"
        path.unlink(missing_ok=True)
        self.send(signal.SIGUSR1)
        for _ in range(200):
            if path.exists():
                return json.loads(path.read_text())
            time.sleep(0.05)
        raise AssertionError(f"{self.name} does not answer:\n{self.log.read_text()[-3000:]}")
