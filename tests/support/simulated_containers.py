"""A store and the containers that work on it, for whole runs in which nothing is computed.

The result of an item depends on the item alone, as in the engine's tests, so the final digest of a run proves its whole
history. Results are written once, so an item that runs again finds its result. An item that does not follow what is in
the store is a fault of the component that launched it, and is recorded in `faults`.
"""

import itertools
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import engine_simulation
import pod_items
import swarmrun_documents as documents
from process_node import Answer

from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.swarm_names import GENERATORS, TAKERS
from swarm_operator.common import names

SERVER = Answer(forever=True)
PURGED = Answer(message='{"purged": {"objects": 12, "size": 3456}}', seconds=0.3)
ITERATIONS = 3
LOCAL: documents.Patch = {
    "spec.storage": {"type": "S3", "s3": {"bucket": "swarms"}},
    "spec.generators.count": 3,
    "spec.swarm": {"iterations": ITERATIONS},
    "spec.execution": {"kubernetes": {"inference": "Local", "maxAccelerators": 1, "trainer": {"accelerators": 0}}},
}
"""A run in which every pod belongs to a work item."""
SERVED: documents.Patch = {
    **LOCAL,
    "spec.execution": {"kubernetes": {"inference": "VLLM", "maxAccelerators": 1, "trainer": {"accelerators": 1}}},
}
"""A run with servers, and one accelerator for servers and training."""


@dataclass
class SimulatedContainers:
    """The store, and the items that ran."""

    iterations: int
    takers: int | None = None
    """Number of taker clusters of a game. None for a run that is no game."""
    seconds: float = 0.0
    """How long every item takes."""
    held: Kind | None = None
    """Items of this kind never end."""
    purge: Answer = PURGED
    """The answer of a pod that deletes results."""
    store: dict[tuple[str, str], Receipt] = field(default_factory=dict)
    """Receipts by run and key: written once."""
    begun: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """Pods by run, key and attempt."""
    faults: list[str] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def behave(self, pod: Any) -> Answer:
        """The answer of the pod's container."""
        if pod["metadata"]["labels"][names.WORK_LABEL] == names.SERVE:
            return SERVER
        if pod["metadata"]["labels"][names.WORK_LABEL] == names.PURGE:
            return self.purge
        item, run = pod_items.item_of_pod(pod), pod["metadata"]["labels"][names.RUN_UID_LABEL]
        with self._turn:
            self.begun[run, item.key, item.attempt] += 1
            receipt = self._carried_out(run, item)
        return Answer(message=receipt.to_bytes().decode(), seconds=self.seconds, forever=item.kind is self.held)

    def _carried_out(self, run: str, item: WorkItem) -> Receipt:
        if (run, item.key) in self.store:
            return self.store[run, item.key]
        forerunner = self._forerunner(run, item)
        if forerunner != item.parent:
            self.faults.append(f"{item.key} follows {item.parent}; it must follow {forerunner}")
        receipt = engine_simulation.carry_out(item, self.iterations, sides(self.takers)[-1])
        self.store[run, item.key] = receipt
        return receipt

    def _forerunner(self, run: str, item: WorkItem) -> str | None:
        """The digest that the item must name as its parent."""
        if item.kind is Kind.PREPARE:
            return None
        before = engine_simulation.predecessor_key(item, self.iterations, self.takers)
        if not before:
            return self.store[run, "prepare"].outputs[Output.EXPERIMENT]
        return self.store[run, before].outputs[Output.COMMIT]


def sides(takers: int | None) -> tuple[str, ...]:
    """The swarms that take turns, in their order."""
    return (GENERATORS,) if takers is None else (GENERATORS, TAKERS)


def undisturbed_result(iterations: int, takers: int | None = None) -> str:
    """The digest of the conclusion of an undisturbed run."""
    parent = engine_simulation.carry_out(WorkItem(Kind.PREPARE), iterations).outputs[Output.EXPERIMENT]
    for index, swarm in itertools.product(range(iterations + 1), sides(takers)):
        item = WorkItem(Kind.ITERATE, swarm, index, parent)
        parent = engine_simulation.carry_out(item, iterations, sides(takers)[-1]).outputs[Output.COMMIT]
    return engine_simulation.carry_out(WorkItem(Kind.CONCLUDE, parent=parent), iterations).outputs[Output.RESULT]


def saved_engine_state(run: Any) -> Any:
    """The engine's state in a status."""
    return json.loads(run["status"]["engine"])
