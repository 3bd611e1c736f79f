"""Runs pods without a cluster: the command of a work item's container as a local process, started by a small host."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swarm_core.api import loading, resolution
from swarm_core.engine.decide import decide
from swarm_core.engine.phases import TERMINAL
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Done, Launch, Observation, Observations, Receipt, WorkItem
from swarm_core.programs import program_protocol
from swarm_trainer.worker.session import WorkerSpec

POD = [sys.executable, "-P", "-m", "swarm_trainer.pod"]


@dataclass
class Pods:
    """The pods of one run. Each starts with nothing but the order."""

    order: Path
    folder: Path
    """Holds one folder per pod."""
    environment: Mapping[str, str]
    receipts: dict[str, Receipt] = field(default_factory=dict)
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def close(self) -> None:
        """End all processes that still run."""
        for process in self.started:
            process.kill()
            process.wait()

    def start(self, item: WorkItem, **environment: str) -> "Pod":
        """Start a pod with an empty cache."""
        place = self.folder / f"{item.key}-{len(list(self.folder.glob('*')))}"
        place.mkdir(parents=True)
        command = [*POD, "work", "--order", str(self.order), "--item", item.to_json()]
        command += ["--cache", str(place / "cache"), "--message", str(place / "message")]
        with (place / "log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **self.environment, **environment}
            )
        self.started.append(process)
        return Pod(process, place)

    def run(self, before: Callable[[WorkItem], None] = lambda _: None) -> EngineState:
        """Run one item after another until the run has ended; `before` is called before the first pod of each item."""
        outline = program_protocol.build_outline(WorkerSpec.from_bytes(self.order.read_bytes()).resolved)
        state, now = EngineState(), 0.0
        while state.phase not in TERMINAL:
            seen: dict[str, Observation] = {key: Done(receipt) for key, receipt in self.receipts.items()}
            decision = decide(outline, state, Observations(seen), now)
            state, now = decision.state, now + 1
            launches = [action.item for action in decision.actions if isinstance(action, Launch)]
            for item in launches:
                before(item)
                pod = self.start(item, **index_variables(item))
                assert pod.ended() == 0, pod.log
                self.receipts[item.key] = Receipt.from_bytes(pod.message)
        return state


def index_variables(item: WorkItem) -> dict[str, str]:
    """The variables with which an Indexed Job of this one item starts its pod."""
    return {"JOB_COMPLETION_INDEX": "0", "DATASWARM_ITEMS": item.key} if item.needs.accelerator else {}


@dataclass(frozen=True, slots=True)
class Pod:
    """One container of one pod."""

    process: "subprocess.Popen[bytes]"
    folder: Path

    def ended(self) -> int:
        """The exit code."""
        return self.process.wait(240)

    @property
    def message(self) -> bytes:
        return (self.folder / "message").read_bytes()

    @property
    def failure(self) -> dict[str, object]:
        """The failure in its termination message."""
        failed: dict[str, object] = json.loads(self.message)["failed"]
        return failed

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-4000:]


def write_order(file: Path, base_folder: Path, place: Path) -> Path:
    """Write the order of the run in `file`, as the ConfigMap would contain it."""
    resolved = resolution.resolve_run(loading.parse(file.read_text(), str(file)))
    place.write_bytes(WorkerSpec(resolved, base_folder).to_bytes())
    return place
