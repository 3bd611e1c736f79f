"""A cluster for tests of the operator: control plane, CRDs, rights, nodes and operators, and waits with a limit."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import adversarial_documents as adversarial
import swarmrun_documents as documents
from control_plane import OPERATOR, ApiServer, ControlPlane
from operator_process import OperatorProcess
from process_node import Behave, ProcessNode

from swarm_core.api import crd, custom_resources

ROOT = Path(__file__).parents[2]
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP = "/apis/dataswarm.io/v1alpha1"
PLURALS = tuple(resource.plural for resource in custom_resources.list_resources())
POLL_SECONDS = 0.1
CONTROLLERS_SECONDS = 120
"""Controllers may take this long to watch again after a restart of the API server. 63 s were seen."""
T = TypeVar("T")
CHILDREN = {
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Service": "/api/v1/namespaces/{}/services",
    "Secret": "/api/v1/namespaces/{}/secrets",
}
RIGHTS = [
    ("dataswarm.io", list(PLURALS), ["get", "list", "watch", "patch", "delete"]),
    ("dataswarm.io", [f"{plural}/status" for plural in PLURALS], ["patch"]),
    ("dataswarm.io", [f"{plural}/finalizers" for plural in PLURALS], ["update"]),
    ("batch", ["jobs"], ["get", "list", "watch", "create", "delete"]),
    ("apps", ["deployments"], ["get", "list", "watch", "create", "patch", "delete"]),
    ("", ["pods"], ["list", "watch", "patch", "delete"]),
    ("", ["configmaps", "secrets", "services", "persistentvolumeclaims"], ["get", "create", "delete"]),
    ("", ["events"], ["list", "create"]),
    ("coordination.k8s.io", ["leases"], ["get", "create", "patch"]),
]
"""All rights of the operator here; tests/chart compares them with the chart's. The API server refuses everything else,
so the operator needs nothing more."""


class ClusterNamespace:
    """A namespace of a running cluster."""

    def __init__(self, plane: ControlPlane, api: ApiServer, folder: Path, namespace: str) -> None:
        self.plane, self.api, self.folder, self.namespace = plane, api, folder, namespace
        self.runs, self.games = (f"{GROUP}/namespaces/{namespace}/{plural}" for plural in PLURALS[:2])
        self.kubeconfig = plane.write_kubeconfig(folder / "operator.kubeconfig", OPERATOR)
        self.nodes: list[ProcessNode] = []
        self.operators: list[OperatorProcess] = []
        status, answer = api.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        assert status == 201, answer

    def node(self, name: str, behave: Behave, gpus: int = 0) -> ProcessNode:
        node = ProcessNode(self.plane, f"{name}-{self.namespace}", behave, self.folder / name, gpus)
        node.start()
        self.nodes.append(node)
        return node

    def operator(self, name: str, **changes: Any) -> OperatorProcess:
        """Start an operator that watches this namespace and has its Lease in it."""
        settings = {
            "KOPF_RUN_NAMESPACES": self.namespace,
            "DATASWARM_LEASE_NAMESPACE": self.namespace,
            **changes.pop("settings", {}),
        }
        operator = OperatorProcess(
            name, self.folder, changes.pop("kubeconfig", self.kubeconfig), settings=settings, **changes
        )
        self.operators.append(operator.start())
        return operator

    def left(self) -> list[str]:
        """Names of all children, of every kind."""
        return [thing["metadata"]["name"] for kind in CHILDREN for thing in self.children(kind)]

    def create(self, name: str, patch: documents.Patch | None = None) -> Any:
        document = documents.patched({"metadata.name": name, "spec.swarm": {"iterations": 3}, **(patch or {})})
        return self._posted(self.runs, document)

    def create_game(self, name: str, patch: documents.Patch) -> Any:
        """Create an AdversarialRun. No SwarmRun may have the same name."""
        return self._posted(self.games, adversarial.patched({"metadata.name": name, **patch}))

    def _posted(self, collection: str, document: Any) -> Any:
        status, answer = self.api.call("POST", collection, document)
        assert status == 201, answer
        return answer

    def run(self, name: str) -> Any:
        status, found = self.api.call("GET", f"{self.runs}/{name}")
        return found if status == 200 else self.api.call("GET", f"{self.games}/{name}")[1]

    def phase(self, name: str) -> str:
        return str((self.run(name).get("status") or {}).get("phase", ""))

    def children(self, kind: str) -> list[Any]:
        """Children of all runs in this namespace."""
        return [
            thing for thing in self.api.items(CHILDREN[kind].format(self.namespace)) if thing["metadata"].get("labels")
        ]

    def succeeded(self, name: str, seconds: float = 60) -> Any:
        """Wait until the run has succeeded, and return it."""
        self.until(lambda: self.phase(name) == "Succeeded", seconds, f"{name} succeeds")
        return self.run(name)

    def until(self, holds: Callable[[], T], seconds: float, what: str) -> T:
        """The first true value. Fails with the operators' logs after `seconds`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if found := holds():
                    return found
            except OSError:
                pass  # the API server is away
            time.sleep(POLL_SECONDS)
        logs = "\n".join(f"== {one.name}\n{one.log.read_text()[-3000:]}" for one in self.operators if one.log.exists())
        raise AssertionError(f"not within {seconds} s: {what}\n{logs}")

    def _delete_runs(self) -> bool:
        for collection in (self.runs, self.games):
            for run in self.api.items(collection):
                self.api.call("DELETE", f"{collection}/{run['metadata']['name']}")
        return True

    def close(self) -> None:
        for operator in self.operators:
            operator.kill()
        self.until(self._delete_runs, CONTROLLERS_SECONDS, "all runs are deleted")
        self.until(lambda: not self.children("Pod"), CONTROLLERS_SECONDS, "all pods are gone")
        for node in self.nodes:
            node.stop()
            self.api.call("DELETE", f"/api/v1/nodes/{node.name}")


@contextmanager
def open_namespace(plane: ControlPlane, api: ApiServer, folder: Path, namespace: str) -> Iterator[ClusterNamespace]:
    site = ClusterNamespace(plane, api, folder, namespace)
    try:
        _await_controllers(site)
        yield site
    finally:
        site.close()


def _await_controllers(site: ClusterNamespace) -> None:
    """Wait until the Job controller, the scheduler and the garbage collector have handled a Job.

    After a restart of the API server they watch again only after a backoff of up to half a minute. A test must not pay
    for the restart in the test before it.
    """
    jobs, pods = (CHILDREN[kind].format(site.namespace) for kind in ("Job", "Pod"))
    container = {"name": "main", "image": "probe"}
    template = {"spec": {"restartPolicy": "Never", "nodeSelector": {"probe": "none"}, "containers": [container]}}
    probe = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "probe"}, "spec": {"template": template}}
    site.until(lambda: site.api.call("POST", jobs, probe)[0] == 201, 30, "a Job is created")
    site.until(
        lambda: any(pod["status"].get("conditions") for pod in site.api.items(pods)),
        CONTROLLERS_SECONDS,
        "the scheduler has seen its pod",
    )
    site.api.call("DELETE", f"{jobs}/probe?propagationPolicy=Background")
    site.until(lambda: not site.api.items(pods), CONTROLLERS_SECONDS, "its pod is collected")


def await_crds(api: ApiServer) -> None:
    """Wait until the CRDs of all programs are served.

    Committed CRDs are used as they are; those of plug-ins are generated.
    """
    for resource in custom_resources.list_resources():
        committed = ROOT / "crds" / f"dataswarm.io_{resource.plural}.yaml"
        text = committed.read_text() if committed.exists() else crd.text(resource)
        status, answer = api.call("POST", DEFINITIONS, text, "application/yaml")
        assert status in (201, 409), answer
    for _ in range(200):
        if all(_is_served(api, plural) for plural in PLURALS):
            return
        time.sleep(POLL_SECONDS)
    raise AssertionError("a CRD is not served")


def _is_served(api: ApiServer, plural: str) -> bool:
    conditions = api.call("GET", f"{DEFINITIONS}/{plural}.dataswarm.io")[1].get("status", {}).get("conditions", ())
    ready = any(one["type"] == "Established" and one["status"] == "True" for one in conditions)
    return ready and api.call("GET", f"{GROUP}/{plural}")[0] == 200


def grant_rights(api: ApiServer) -> None:
    """Grant the operator's rights and no others."""
    rules = [{"apiGroups": [group], "resources": what, "verbs": verbs} for group, what, verbs in RIGHTS]
    base = "/apis/rbac.authorization.k8s.io/v1"
    api.call("POST", f"{base}/clusterroles", {"metadata": {"name": "operator"}, "rules": rules})
    binding = {
        "metadata": {"name": "operator"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "operator"},
        "subjects": [{"kind": "User", "name": "operator", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    api.call("POST", f"{base}/clusterrolebindings", binding)
