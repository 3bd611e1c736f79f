"""The operator's pure half on the cluster of `pod_cluster`, with edits by a user, single reconciles and crashes.

Tests say which actor acts next, or let all act in turn. Every written status is checked: its size, and that
accelerator-seconds never decrease.
"""

import copy
import json
from dataclasses import dataclass, field
from typing import Any

import adversarial_documents as adversarial
import swarmrun_documents as documents
from pod_cluster import Cluster, KubernetesObject

from swarm_core.engine.phases import Phase
from swarm_core.engine.state import EngineState
from swarm_operator.common import names
from swarm_operator.common.reconcile_plan import Create, Delete, ObservedRun, Patch, Plan, Step
from swarm_operator.reconciler.reconcile import reconcile

STATUS_BYTES = 64 * 1024


@dataclass(frozen=True)
class Defaults:
    """The settings of the operator for pods."""

    trainer_image: str = "dataswarm/trainer:test"
    server_image: str = "dataswarm/vllm:test"
    pod_user_id: int = 65532


ACTS = ("terminate", "bind", "start", "finish")
LOCAL = {
    "spec.execution.kubernetes": {"inference": "Local", "trainer": {"accelerators": 1}, "maxAccelerators": 2},
}
SERVED = {
    "spec.takers": [{"name": "bare"}, {"name": "other", "model": "models/other"}],
    "spec.execution.kubernetes": {
        "trainer": {"accelerators": 1},
        "servers": {"idleSeconds": 60, "startupSeconds": 300},
        "maxAccelerators": 2,
    },
}

GAME_SERVED = {"spec.execution.kubernetes": SERVED["spec.execution.kubernetes"]}
"""SERVED without its own takers: the takers of a game use the base model."""
COMMON = {
    "metadata": {"name": "arithmetic", "namespace": "team", "uid": "u-1", "generation": 1, "resourceVersion": "1"},
    "spec.generators.count": 3,
    "spec.storage": {"type": "S3", "s3": {"bucket": "swarms", "credentialsSecretRef": {"name": "s3"}}},
    "spec.execution.attempts": 4,
}


def run(patch: documents.Patch) -> KubernetesObject:
    """A SwarmRun as the API server has it: three clusters, four iterations."""
    return documents.patched(
        {**COMMON, "spec.swarm": {"iterations": 4, "particles": 4, "standard": {"scattered": 4}}, **patch}
    )


def game(patch: documents.Patch) -> KubernetesObject:
    """An AdversarialRun as the API server has it: three clusters and two, four rounds, takers that are trained."""
    sides = {"spec.takers.count": 2, "spec.takers.learning": {"type": "Train"}, "spec.rounds": 4}
    return documents.patched({**COMMON, **sides, **patch}, adversarial.minimal())


class CrashError(Exception):
    """The operator has crashed."""


@dataclass
class World(Cluster):
    """A cluster with an operator."""

    plan: Plan = field(default_factory=Plan)
    events: list[str] = field(default_factory=list)
    spent: float = 0.0

    @property
    def state(self) -> EngineState:
        text = self.run.get("status", {}).get("engine")
        return EngineState.from_json(text) if text else EngineState()

    @property
    def phase(self) -> str:
        return str(self.run.get("status", {}).get("phase", "Pending"))

    @property
    def over(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    def conditions(self) -> dict[str, tuple[str, str]]:
        return {one["type"]: (one["status"], one["reason"]) for one in self.run["status"]["conditions"]}

    # --- the operator

    def observed(self) -> ObservedRun:
        children = [thing for (kind, _), thing in sorted(self.things.items()) if kind in ("Job", "Pod", "Deployment")]
        run, *rest = json.loads(json.dumps([self.run, *children]))
        return ObservedRun(run, tuple(rest))

    def operate(self, crash_after: int | None = None, seen: ObservedRun | None = None) -> Plan:
        """Reconcile once.

        A crash leaves the first `crash_after` effects done. `seen` is the content of an old cache.
        """
        seen = seen or self.observed()
        plan = reconcile(seen, self.now, Defaults())
        assert plan.wake_after is None or plan.wake_after > 0
        effects: list[Any] = [*plan.steps, plan.status]
        for number, effect in enumerate(effects):
            if number == crash_after:
                raise CrashError
            if effect is not plan.status:
                self.apply(effect)
            elif effect is not None:
                self.write(seen, effect)
        self.events += [event.reason for event in plan.events]
        self.plan = plan
        return plan

    def write(self, seen: ObservedRun, status: Any) -> None:
        if seen.run["metadata"]["resourceVersion"] != self.run["metadata"]["resourceVersion"]:
            return
        status = json.loads(json.dumps(status))
        assert len(json.dumps(status, ensure_ascii=False).encode()) < STATUS_BYTES
        gpu = status.get("gpuSeconds", {})
        spent = sum(gpu.get(name, 0.0) for name in ("busy", "loading", "idle"))
        if status != self.run.get("status"):
            self.run["status"] = status
            self.touch()
        assert spent >= self.spent or not gpu, "accelerator-seconds went down"
        self.spent = max(spent, self.spent)

    def touch(self) -> None:
        metadata = self.run["metadata"]
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)

    def edit(self, patch: documents.Patch) -> None:
        """Change the spec as a user does."""
        self.run = documents.patched(patch, self.run)
        self.run["metadata"]["generation"] += 1
        self.touch()

    # --- the API server

    def apply(self, step: Step) -> None:
        match step:
            case Create():
                self.create(copy.deepcopy(dict(step.manifest)))
            case Delete():
                assert step.kind != self.run["kind"] or self.over
                self.delete(step.kind, step.name, step.uid, step.grace_seconds)
            case Patch():
                thing = self.things.get((step.kind, step.name))
                if thing is not None and thing["metadata"]["uid"] == step.uid:
                    merge(thing, step.patch)

    # --- everybody, in turn

    def turn(self, *acts: str) -> None:
        """Let the cluster do everything that is possible now, or only `acts`, and then reconcile."""
        self.control()
        for act in acts or ACTS:
            for pod in self.pods():
                getattr(self, act)(pod)
        self.control()
        self.operate()

    def until(self, *works: str, turns: int = 60) -> None:
        """Continue until pods of one of `works` run."""
        for _ in range(turns):
            if any(pod["status"]["phase"] == "Running" for work in works for pod in self.pods(work)):
                return
            self.turn("terminate", "bind", "start")
            running = {pod["metadata"]["labels"][names.WORK_LABEL] for pod in self.living()}
            if not running & set(works):
                self.turn("finish")
            self.now += 1.0
        raise AssertionError(f"nothing of {works} runs: {self.run['status'].get('message')}")

    def drive(self, turns: int = 400) -> None:
        """Run to Succeeded without faults. A failed run is started again, as its owner would do."""
        reopened = 0
        for _ in range(turns):
            if self.phase == Phase.SUCCEEDED and not self.living():
                return
            if self.phase == Phase.FAILED:
                reopened += 1
                assert reopened <= 12, self.run["status"]["message"]
                self.edit({"spec.rerun": f"again-{reopened}-{self._serial}"})
            before = self.run["metadata"]["resourceVersion"], len(self.things)
            self.turn()
            if not self.over:
                assert self.plan.wake_after is not None, "a run that is not over waits for nothing"
            still = before == (self.run["metadata"]["resourceVersion"], len(self.things))
            self.now += (self.plan.wake_after or 60.0) if still else 1.0
        raise AssertionError(f"not over after {turns} turns: {self.run['status'].get('message')}")


def merge(thing: Any, patch: Any) -> None:
    """Apply a JSON merge patch."""
    for key, value in patch.items():
        if value is None:
            thing.pop(key, None)
        elif isinstance(value, dict):
            merge(thing.setdefault(key, {}), value)
        else:
            thing[key] = value
