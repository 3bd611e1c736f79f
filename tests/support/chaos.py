"""Injects faults into whole runs on a cluster, drawn from a seed: processes and nodes are killed, paused or silenced.

Only faults that took effect count: a Job is deleted only if there is one. Every fault is undone by the time that
`settle` returns: two operators run, and both nodes report.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cluster_environment import CHILDREN, ClusterNamespace
from control_plane import NODE_GRACE_SECONDS, OPERATOR
from operator_process import OperatorProcess
from process_node import ProcessNode
from simulated_containers import SimulatedContainers
from stalling_proxy import StallingProxy

REPLICAS = 2
LEASE = "/apis/coordination.k8s.io/v1/namespaces/{}/leases/dataswarm-operator"


@dataclass
class Chaos:
    """Two operators behind a proxy, two nodes, and the faults that they suffer."""

    site: ClusterNamespace
    bench: SimulatedContainers
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    mending: list[tuple[float, Callable[[], Any]]] = field(default_factory=list)
    """What must be undone, and when."""

    def __post_init__(self) -> None:
        self.draw, self.born = random.Random(self.seed), 0
        self.proxy = StallingProxy(self.site.plane.port)
        address = f"https://127.0.0.1:{self.proxy.port}"
        self.kubeconfig = self.site.plane.write_kubeconfig(self.site.folder / "wire.kubeconfig", OPERATOR, address)
        self.nodes = [self.site.node(name, self.bench.behave, gpus=2) for name in ("n", "m")]
        self.replicas = [self._operator() for _ in range(REPLICAS)]

    @property
    def count(self) -> int:
        return self.done.total()

    def strike(self) -> str:
        """Inject one fault of a random kind. Returns its name, or an empty text if it could not take effect."""
        name = self.draw.choice(list(FAULTS))
        struck = FAULTS[name](self)
        self.done[name] += struck
        self.mend(time.monotonic())
        return name if struck else ""

    def mend(self, now: float) -> None:
        """Undo the faults whose time is up."""
        due = [undo for when, undo in self.mending if when <= now]
        self.mending = [(when, undo) for when, undo in self.mending if when > now]
        for undo in due:
            undo()

    def settle(self) -> None:
        """Undo all faults."""
        self.mend(float("inf"))

    def close(self) -> None:
        self.settle()
        for operator in self.replicas:
            operator.kill()
        self.proxy.close()

    def kill(self) -> bool:
        """Kill an operator with SIGKILL and start another one."""
        place = self.draw.randrange(REPLICAS)
        self.replicas[place].kill()
        self.site.operators.remove(self.replicas[place])
        self.replicas[place] = self._operator()
        return True

    def pause(self) -> bool:
        """Stop an operator for longer than its Lease, and continue it."""
        operator: OperatorProcess = self.draw.choice(self.replicas)
        if not operator.alive():
            return False
        operator.pause()
        self._later(6.0, lambda: operator.wake() if operator.alive() else None)
        return True

    def steal(self) -> bool:
        """Give the Lease to a holder that never renews it."""
        thief = {"spec": {"holderIdentity": "thief", "leaseDurationSeconds": 2}}
        return self.site.api.merge(LEASE.format(self.site.namespace), thief)[0] == 200

    def delete(self, kind: str) -> bool:
        """Delete a child that exists."""
        found = self.site.children(kind)
        if not found:
            return False
        path = f"{CHILDREN[kind].format(self.site.namespace)}/{self.draw.choice(found)['metadata']['name']}"
        return self.site.api.call("DELETE", path, {"propagationPolicy": "Background"})[0] in (200, 202)

    def silence(self) -> bool:
        """Make a node NotReady, and bring it back later."""
        node: ProcessNode = self.draw.choice(self.nodes)
        if any(one.silent.is_set() for one in self.nodes):
            return False
        node.silent.set()
        self._later(NODE_GRACE_SECONDS + 3.0, node.silent.clear)
        return True

    def restart(self) -> bool:
        """Kill the API server and start it again."""
        self.site.plane.restart_api()
        return True

    def freeze(self) -> bool:
        """Stall every open connection of the operators."""
        self.proxy.stall()
        return True

    def _operator(self) -> OperatorProcess:
        self.born += 1
        return self.site.operator(f"o{self.born}", kubeconfig=self.kubeconfig)

    def _later(self, seconds: float, undo: Callable[[], Any]) -> None:
        self.mending.append((time.monotonic() + seconds, undo))


FAULTS: dict[str, Callable[[Chaos], bool]] = {
    "operator killed": Chaos.kill,
    "operator killed again": Chaos.kill,  # twice as often as the others
    "operator paused": Chaos.pause,
    "Lease stolen": Chaos.steal,
    "Job deleted": lambda chaos: chaos.delete("Job"),
    "pod deleted": lambda chaos: chaos.delete("Pod"),
    "Deployment deleted": lambda chaos: chaos.delete("Deployment"),
    "node silent": Chaos.silence,
    "API server restarted": Chaos.restart,
    "watches frozen": Chaos.freeze,
}


@dataclass
class Campaign:
    """Starts runs, a few at a time, until enough faults took effect, and compares each with an undisturbed run."""

    chaos: Chaos
    begin: Callable[[str], Any]
    """Creates a run of this name."""
    expected: str
    most_seconds: float = 400.0
    """The longest time that a run may take, whatever the faults."""
    alive: dict[str, float] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)

    def go(self, faults: int, beside: int, pause: float, told: Callable[[str], None] = lambda line: None) -> None:
        """Inject `faults` faults, then wait until every run has ended."""
        chaos = self.chaos
        while chaos.count < faults:
            self._look(beside)
            if name := chaos.strike():
                told(f"{chaos.count:4d}  {name:<22} {len(self.ended)} runs ended, {len(self.differing)} differ")
            time.sleep(chaos.draw.uniform(0, pause))
        chaos.settle()
        while self.alive:
            self._look(0)
            time.sleep(0.2)

    def _look(self, beside: int) -> None:
        """Record the runs that ended, and start others."""
        try:
            for name in list(self.alive):
                self._ended(name)
            while len(self.alive) < beside:
                name = f"run-{len(self.alive) + len(self.ended)}"
                self.begin(name)
                self.alive[name] = time.monotonic()
        except OSError:
            return  # the API server is away

    def _ended(self, name: str) -> None:
        run = self.chaos.site.run(name)
        phase = (run.get("status") or {}).get("phase")
        if phase in ("Succeeded", "Failed"):
            del self.alive[name]
            self.ended.append(name)
            if run["status"].get("result") != self.expected:
                self.differing.append(f"{name}: {phase}: {run['status'].get('message')}")
        elif time.monotonic() - self.alive[name] > self.most_seconds:
            raise AssertionError(f"{name} has not ended: {run.get('status')}\n{self._scene()}")

    def _scene(self) -> str:
        """The state of the cluster, for the message of a failed test."""
        site = self.chaos.site
        pods = [
            f"{pod['metadata']['name']} {pod['status'].get('phase')} on {pod['spec'].get('nodeName')}"
            f" deleted {pod['metadata'].get('deletionTimestamp')} {pod['status'].get('conditions')}"
            for pod in site.children("Pod")
        ]
        jobs = [f"{job['metadata']['name']} {job.get('status')}" for job in site.children("Job")]
        nodes = [f"{node.name} silent {node.silent.is_set()} {node.faults[-1:]}" for node in site.nodes]
        logs = [one.log.read_text()[-2000:] for one in self.chaos.replicas]
        return "\n".join([*pods, *jobs, *nodes, *logs])
