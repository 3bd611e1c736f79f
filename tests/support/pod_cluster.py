"""A cluster in memory for the operator's pure half: objects, controllers of Jobs and Deployments, a kubelet.

The operator sees the behavior of Kubernetes. A Job creates pods for its indexes, at most `parallelism` at a time. It
replaces pods that its failure policy ignores once they have ended, counts the others, and holds a finished pod until it
has counted it. A Deployment keeps its replicas. Dependents of a deleted owner are deleted with their grace period.
Nothing happens by itself: tests say which actor acts next. Accelerators are not scarce, so a run that holds too many is
found out.

Promises are checked where they can be broken: when a Job is created, and when a pod is assigned to a node.
"""

import copy
from dataclasses import dataclass, field, replace
from typing import Any

import engine_simulation
import pod_items

from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.swarm_names import GENERATORS, TAKERS
from swarm_operator.common import manifest_digest, names, timestamps

GPU = "nvidia.com/gpu"
KubernetesObject = dict[str, Any]


@dataclass
class Cluster:
    """All objects and actors except an operator."""

    run: KubernetesObject
    last: int = 2
    """The iteration in which the search ends."""
    now: float = 1_700_000_000.0
    store: dict[str, Receipt] = field(default_factory=dict)
    things: dict[tuple[str, str], KubernetesObject] = field(default_factory=dict)
    launched: list[str] = field(default_factory=list)
    """Items of all Jobs ever created, with their attempt."""
    alone: bool = True
    """Whether only one operator has acted, and always on the current state. Then no object is ever duplicated."""
    _serial: int = 0

    # --- what is there

    def all(self, kind: str) -> list[KubernetesObject]:
        return [thing for (of, _), thing in sorted(self.things.items()) if of == kind]

    def pods(self, work: str | None = None) -> list[KubernetesObject]:
        return [pod for pod in self.all("Pod") if work in (None, pod["metadata"]["labels"].get(names.WORK_LABEL))]

    def living(self, work: str | None = None) -> list[KubernetesObject]:
        return [pod for pod in self.pods(work) if pod["status"]["phase"] in ("Pending", "Running")]

    @property
    def takers(self) -> int | None:
        """Number of taker clusters of a game."""
        return self.run["spec"]["takers"]["count"] if self.run["kind"] == "AdversarialRun" else None

    # --- the API server

    def create(self, thing: KubernetesObject) -> None:
        kind, name = thing["kind"], thing["metadata"]["name"]
        assert kind != self.run["kind"]
        assert len(name) <= 63
        if (kind, name) in self.things:
            return
        thing["metadata"] = dict(manifest_digest.annotate(thing)["metadata"])
        thing["metadata"] |= {"uid": self.serial(kind), "creationTimestamp": timestamps.format_time(self.now)}
        thing.setdefault("status", {})
        if kind == "Job":
            self.check_job(thing)
        self.things[kind, name] = thing

    def delete(self, kind: str, name: str, uid: str | None = None, grace: int | None = None) -> None:
        if kind == self.run["kind"]:
            self.things.clear()
            self.run["metadata"]["deletionTimestamp"] = timestamps.format_time(self.now)
            return
        thing = self.things.get((kind, name))
        if thing is None or uid not in (None, thing["metadata"]["uid"]):
            return
        if kind == "Pod":
            seconds = thing["spec"].get("terminationGracePeriodSeconds", 30) if grace is None else grace
            due = timestamps.format_time(self.now + seconds)
            thing["metadata"]["deletionTimestamp"] = min(due, thing["metadata"].get("deletionTimestamp", due))
            if grace == 0 and not self.tracked(thing):
                del self.things[kind, name]
            return
        del self.things[kind, name]

    def serial(self, kind: str) -> str:
        self._serial += 1
        return f"{kind.lower()}-{self._serial:06d}"

    # --- what a Job may be

    def check_job(self, job: KubernetesObject) -> None:
        for item in items(job):
            self.launched.append(f"{item.key}/{item.attempt}")
            for other in self.all("Job"):
                assert not self.alone or item.key not in open_keys(other), f"two Jobs of {item.key} are alive"
            self.check_parent(item)

    def check_parent(self, item: WorkItem) -> None:
        """Check that the predecessor of an item is in the store and is the one that the item names."""
        if item.kind is Kind.PREPARE:
            return
        if item.kind is Kind.CONCLUDE:
            committed = [one.outputs.get("commit") for key, one in self.store.items() if key.startswith("iterate")]
            assert item.parent in committed
        elif before := engine_simulation.predecessor_key(item, self.last, self.takers):
            assert item.parent == self.store[before].outputs["commit"]
        else:
            assert item.parent == self.store["prepare"].outputs["experiment"]

    # --- controllers

    def control(self) -> None:
        """Run garbage collection and the controllers of Jobs and Deployments."""
        self.collect()
        for job in self.all("Job"):
            self.control_job(job)
        for deployment in self.all("Deployment"):
            self.control_deployment(deployment)

    def collect(self) -> None:
        owners = {thing["metadata"]["uid"] for thing in self.things.values()}
        for pod in self.pods():
            if pod["owner"] not in owners and "deletionTimestamp" not in pod["metadata"]:
                self.delete("Pod", pod["metadata"]["name"])
            gone = "deletionTimestamp" in pod["metadata"] and not self.tracked(pod)
            if gone and pod["status"]["phase"] in ("Succeeded", "Failed"):
                self.things.pop(("Pod", pod["metadata"]["name"]), None)

    def tracked(self, pod: KubernetesObject) -> bool:
        """Whether the Job's finalizer holds the pod, because the Job has not counted it yet."""
        if pod["metadata"].get("finalizers") is None:
            return False
        jobs = {job["metadata"]["uid"] for job in self.all("Job")}
        return pod["owner"] in jobs and not pod.get("counted")

    def control_job(self, job: KubernetesObject) -> None:
        status, spec = job["status"], job["spec"]
        if is_over(job):
            return
        settled = status.setdefault("settled", {})
        mine = [pod for pod in self.pods() if pod["owner"] == job["metadata"]["uid"]]
        for pod in mine:
            if pod["status"]["phase"] in ("Succeeded", "Failed") and not pod.get("counted"):
                pod["counted"] = True
                self.count(pod, settled)
        active = [pod for pod in mine if pod["status"]["phase"] in ("Pending", "Running")]
        taken = {pod["index"] for pod in active} | set(settled)
        for index in range(spec.get("completions", 1)):
            if index not in taken and len(active) < spec.get("parallelism", 1):
                active.append(self.make_pod(job, index))
        if len(settled) == spec.get("completions", 1):
            kind = "Complete" if set(settled.values()) == {"done"} else "Failed"
            status["conditions"] = [{"type": kind, "status": "True"}]
        if "completions" in spec:
            for name, word in (("completedIndexes", "done"), ("failedIndexes", "failed")):
                status[name] = ",".join(str(index) for index, end in sorted(settled.items()) if end == word)

    @staticmethod
    def count(pod: KubernetesObject, settled: dict[int, str]) -> None:
        """Count an ended pod by the failure policy of its Job."""
        if pod["status"]["phase"] == "Succeeded":
            settled[pod["index"]] = "done"
            return
        disrupted = any(one["type"] == "DisruptionTarget" for one in pod["status"]["conditions"])
        terminated = pod["status"]["containerStatuses"][0]["state"].get("terminated", {})
        if not disrupted and terminated.get("exitCode") != 75:
            settled[pod["index"]] = "failed"

    def make_pod(self, owner: KubernetesObject, index: int) -> KubernetesObject:
        template = copy.deepcopy(owner["spec"]["template"])
        uid = self.serial("pod")
        name = f"{owner['metadata']['name']}-{uid[-6:]}"
        labels = template["metadata"]["labels"]
        annotations = dict(template["metadata"].get("annotations") or {})
        if owner["kind"] == "Job":
            labels = {**labels, names.JOB_NAME_LABEL: owner["metadata"]["name"]}
            if "completions" in owner["spec"]:
                annotations[names.COMPLETION_INDEX_ANNOTATION] = str(index)
        pod = {
            "kind": "Pod",
            "metadata": {
                "name": name,
                "uid": uid,
                "labels": labels,
                "annotations": annotations,
                "creationTimestamp": timestamps.format_time(self.now),
                **({"finalizers": ["batch.kubernetes.io/job-tracking"]} if owner["kind"] == "Job" else {}),
            },
            "spec": template["spec"],
            "status": {"phase": "Pending", "conditions": []},
            "owner": owner["metadata"]["uid"],
            "index": index,
        }
        self.things["Pod", name] = pod
        return pod

    def control_deployment(self, deployment: KubernetesObject) -> None:
        wanted = deployment["spec"]["replicas"]
        mine = [pod for pod in self.pods() if pod["owner"] == deployment["metadata"]["uid"]]
        alive = [pod for pod in mine if "deletionTimestamp" not in pod["metadata"]]
        for index in range(len(alive), wanted):
            self.make_pod(deployment, index)
        for pod in alive[wanted:]:
            self.delete("Pod", pod["metadata"]["name"])

    # --- the kubelet

    def bind(self, pod: KubernetesObject) -> None:
        """Assign the pod to a node, where it holds its accelerators."""
        if has_condition(pod, "PodScheduled") or "deletionTimestamp" in pod["metadata"]:
            return
        self.set_condition(pod, "PodScheduled")
        held = sum(
            accelerators(one) for one in self.living() if has_condition(one, "PodScheduled") and not one.get("dead")
        )
        most = self.run["spec"]["execution"]["kubernetes"].get("maxAccelerators", 1)
        assert not self.alone or held <= most, f"{held} accelerators are held, of {most}"

    def start(self, pod: KubernetesObject) -> None:
        """Start its container. A server is ready at once."""
        if not has_condition(pod, "PodScheduled") or pod["status"]["phase"] != "Pending":
            return
        pod["status"]["phase"] = "Running"
        self.set_state(pod, {"running": {"startedAt": timestamps.format_time(self.now)}})
        if pod["metadata"]["labels"][names.WORK_LABEL] == names.SERVE:
            self.set_condition(pod, "Ready")

    def finish(self, pod: KubernetesObject) -> None:
        """Let a running pod complete its item."""
        if pod["status"]["phase"] != "Running" or pod["metadata"]["labels"][names.WORK_LABEL] == names.SERVE:
            return
        item, ends = pod_items.item_of_pod(pod), GENERATORS if self.takers is None else TAKERS
        receipt = self.store.setdefault(item.key, engine_simulation.carry_out(item, self.last, ends))
        self.check_parent(item)
        self.end(pod, 0, receipt.to_bytes().decode())

    def end(
        self, pod: KubernetesObject, code: int, message: str = "", *, reason: str = "", disrupted: bool = False
    ) -> None:
        """End the container and the pod."""
        pod["status"]["phase"] = "Failed" if code else "Succeeded"
        at = timestamps.format_time(self.now)
        begun = (
            pod["status"].get("containerStatuses", [{"state": {}}])[0]["state"].get("running", {}).get("startedAt", at)
        )
        ending = {"exitCode": code, "reason": reason, "message": message, "startedAt": begun, "finishedAt": at}
        self.set_state(pod, {"terminated": ending})
        pod["status"]["conditions"] = [one for one in pod["status"]["conditions"] if one["type"] != "Ready"]
        if disrupted:
            self.set_condition(pod, "DisruptionTarget")

    def terminate(self, pod: KubernetesObject) -> None:
        """Do what the kubelet does to a deleted pod: it drains."""
        if "deletionTimestamp" not in pod["metadata"] or pod.get("dead"):
            return
        if pod["status"]["phase"] in ("Pending", "Running"):
            self.end(pod, 75, '{"failed": {"reason": "Lost", "message": "told to end"}}')

    def set_state(self, pod: KubernetesObject, state: KubernetesObject) -> None:
        pod["status"]["containerStatuses"] = [{"name": "main", "state": state}]

    def set_condition(self, pod: KubernetesObject, kind: str) -> None:
        one = {"type": kind, "status": "True", "lastTransitionTime": timestamps.format_time(self.now)}
        pod["status"]["conditions"].append(one)


def items(job: KubernetesObject) -> list[WorkItem]:
    """The items of a Job."""
    arguments = job["spec"]["template"]["spec"]["containers"][0]["args"]
    first = WorkItem.from_json(arguments[arguments.index("--item") + 1])
    mine = [WorkItem.from_key(key) for key in job["metadata"]["annotations"][names.ITEMS_ANNOTATION].split(",")]
    return [replace(first, swarm=one.swarm, index=one.index) for one in mine]


def open_keys(job: KubernetesObject) -> set[str]:
    """Keys for which a Job may still start a pod."""
    if is_over(job):
        return set()
    settled = job["status"].get("settled", {})
    return {item.key for index, item in enumerate(items(job)) if index not in settled}


def is_over(job: KubernetesObject) -> bool:
    return bool(job["status"].get("conditions"))


def has_condition(pod: KubernetesObject, kind: str) -> bool:
    return any(one["type"] == kind for one in pod["status"]["conditions"])


def accelerators(pod: KubernetesObject) -> int:
    return int(pod["spec"]["containers"][0]["resources"]["limits"].get(GPU, 0))
