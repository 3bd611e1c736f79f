"""A node for tests: it registers with GPUs, runs the pods that the scheduler binds to it, and reports like a kubelet.

A local process does the work of a pod, or a function (`behave`) answers at once. A deletion gets its grace period:
SIGTERM, SIGKILL, a last status, and only then the object is removed. The node can fall silent, while its pods go on and
the control plane considers it lost. When it comes back, it ends the pods that were deleted meanwhile.

Limits: one container per pod; readiness follows the process, or comes at once; the pods of a node share this machine.
"""

import http.client
import subprocess
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from control_plane import ADMIN, ApiServer, ControlPlane
from pod_process import PodProcess

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
HEARTBEAT_SECONDS = 1.0
TICK_SECONDS = 0.02
DOWN = (OSError, http.client.HTTPException, ValueError)
"""Errors of a call while the API server is down; a response that is cut off is no JSON."""
TERMINATED = 143
Pod = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """The behavior of a container that does not run: it ends after `seconds`, or never."""

    code: int = 0
    message: str = ""
    seconds: float = 0.0
    forever: bool = False
    deaf: bool = False
    """Whether SIGTERM does not end it."""


Behave = Callable[[Pod], Answer | None]
"""None: run the pod's command as a process."""


@dataclass
class Life:
    """One pod, from binding to removal."""

    pod: Pod
    begun: float
    answer: Answer | None
    process: PodProcess | None
    told: bool = False
    """Whether the API server has its last status."""
    asked: float | None = None
    """When it was asked to end."""
    grace: float = 0.0
    result: tuple[int, str] | None = None

    def ended(self) -> tuple[int, str] | None:
        """Exit code and message, once it has ended."""
        if self.result is None:
            self.result = self._looked()
        return self.result

    def _looked(self) -> tuple[int, str] | None:
        now, answer = time.monotonic(), self.answer
        overdue = self.asked is not None and now - self.asked >= self.grace
        if answer is not None:
            if self.asked is not None and (overdue or not answer.deaf):
                return (137 if overdue and answer.deaf else TERMINATED), ""
            return None if answer.forever or now - self.begun < answer.seconds else (answer.code, answer.message)
        assert self.process is not None
        if overdue:
            self.process.process.kill()
        code = self.process.process.poll()
        return None if code is None else (code if code >= 0 else 128 - code, self.process.message())

    def ask(self, grace: float) -> None:
        if self.asked is None:
            self.asked = time.monotonic()
            if self.process is not None:
                self.process.process.terminate()
        self.grace = grace

    def kill(self) -> None:
        if self.process is not None:
            self.process.process.kill()
            self.process.process.wait()


@dataclass
class ProcessNode:
    """One node. `start` it, and `stop` it at the end."""

    plane: ControlPlane
    name: str
    behave: Behave
    folder: Path
    gpus: int = 0
    lives: dict[str, Life] = field(default_factory=dict)
    history: list[Pod] = field(default_factory=list)
    """All pods that ever started here."""
    faults: list[str] = field(default_factory=list)
    """Errors of the node itself."""

    def start(self) -> None:
        self.api = ApiServer(self.plane.port, self.plane.certificate, ADMIN)
        self.heart = ApiServer(self.plane.port, self.plane.certificate, ADMIN)
        self.over, self.silent = threading.Event(), threading.Event()
        self.register()
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._beat, self._live)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(10)
        for life in self.lives.values():
            life.kill()
        self.api.connection.close()
        self.heart.connection.close()

    def register(self) -> None:
        capacity = {"cpu": "64", "memory": "256Gi", "pods": "500", "ephemeral-storage": "100Gi"}
        if self.gpus:
            capacity["nvidia.com/gpu"] = str(self.gpus)
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": {"kubernetes.io/hostname": self.name}},
        }
        self.api.call("POST", "/api/v1/nodes", node)
        self.api.merge(f"/api/v1/nodes/{self.name}/status", {"status": {"capacity": capacity, "allocatable": capacity}})
        self.api.call("POST", LEASES, {"metadata": {"name": self.name}, "spec": {"holderIdentity": self.name}})
        self._heartbeat(self.api)

    def _heartbeat(self, api: ApiServer) -> None:
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "", "lastHeartbeatTime": now(),
                 "lastTransitionTime": now()}  # fmt: skip
        api.merge(f"/api/v1/nodes/{self.name}/status", {"status": {"conditions": [ready]}})
        lease = {"spec": {"holderIdentity": self.name, "leaseDurationSeconds": 40, "renewTime": micro()}}
        api.merge(f"{LEASES}/{self.name}", lease)

    def _beat(self) -> None:
        while not self.over.wait(HEARTBEAT_SECONDS):
            if self.silent.is_set():
                continue
            try:
                self._heartbeat(self.heart)
            except DOWN:
                continue

    def _live(self) -> None:
        """List our pods again and again. A list misses nothing, unlike a watch, and a test is short."""
        while not self.over.wait(TICK_SECONDS):
            if self.silent.is_set():
                continue
            try:
                self._round()
            except DOWN:
                continue
            except Exception:  # a node that died in silence would look like a lost one
                self.faults.append(traceback.format_exc())

    def _round(self) -> None:
        status, answer = self.api.call("GET", f"/api/v1/pods?fieldSelector=spec.nodeName={self.name}&resourceVersion=0")
        if status != 200:
            return
        there = {pod["metadata"]["uid"]: pod for pod in answer["items"]}
        for uid in [uid for uid in self.lives if uid not in there]:
            self.lives.pop(uid).kill()  # removed by force while we were away
        for uid, pod in there.items():
            self._attend(uid, pod)

    def _attend(self, uid: str, pod: Pod) -> None:
        deleted = pod["metadata"].get("deletionTimestamp") is not None
        life = self.lives.get(uid)
        if life is None:
            if pod["status"].get("phase") in ("Succeeded", "Failed"):
                if deleted:
                    self._remove(pod)
            elif deleted and not pod["status"].get("containerStatuses"):
                self._remove(pod)  # it never began
            else:
                self.lives[uid] = self._begin(pod)
            return
        if deleted:
            life.ask(float(pod["metadata"].get("deletionGracePeriodSeconds") or 0))
        result = life.ended()
        if result is not None and not life.told:
            life.told = self._tell(pod, _over(pod, life, *result))
        if deleted and life.told:
            self._remove(pod)

    def _begin(self, pod: Pod) -> Life:
        self.history.append(pod)
        begun, answer = time.monotonic(), self.behave(pod)
        process, trouble = None, None
        if answer is None:
            try:
                process = PodProcess(pod, self.folder / pod["metadata"]["uid"], self._reader(pod))
            except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
                trouble = (128, f"could not be started: {error!r}")
        life = Life(pod, begun, answer, process, result=trouble)
        self._tell(pod, _running(pod))
        return life

    def _reader(self, pod: Pod) -> Callable[[str, str], dict[str, Any]]:
        def read(plural: str, name: str) -> dict[str, Any]:
            status, thing = self.api.call("GET", f"/api/v1/namespaces/{pod['metadata']['namespace']}/{plural}/{name}")
            if status != 200:
                raise ValueError(f"{plural} {name}: {status}")
            return dict(thing)

        return read

    def _tell(self, pod: Pod, status: dict[str, Any]) -> bool:
        patch = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        return self.api.strategic(f"{_path(pod)}/status", patch)[0] in (200, 404, 409)

    def _remove(self, pod: Pod) -> None:
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        self.api.call("DELETE", _path(pod), options)


def _path(pod: Pod) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def _running(pod: Pod) -> dict[str, Any]:
    container = pod["spec"]["containers"][0]
    ready = [{"type": kind, "status": "True", "lastTransitionTime": now()} for kind in ("Ready", "ContainersReady")]
    state = {"name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0}
    running = {**state, "ready": True, "started": True, "state": {"running": {"startedAt": now()}}}
    return {
        "phase": "Running",
        "startTime": now(),
        "podIP": "127.0.0.1",
        "hostIP": "127.0.0.1",
        "conditions": ready,
        "containerStatuses": [running],
    }


def _over(pod: Pod, life: Life, code: int, message: str) -> dict[str, Any]:
    container = pod["spec"]["containers"][0]
    state = {"name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0}
    ended = {"exitCode": code, "message": message, "reason": "Completed" if code == 0 else "Error",
             "startedAt": now(), "finishedAt": now()}  # fmt: skip
    return {
        "phase": "Succeeded" if code == 0 else "Failed",
        "containerStatuses": [{**state, "ready": False, "started": False, "state": {"terminated": ended}}],
    }


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
