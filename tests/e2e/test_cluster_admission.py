"""A run on a cluster with rules of its own: a quota, a foreign user, a service mesh, and a node that is drained."""

import json
import time
from typing import Any

import mesh_policies
import pytest
import swarmruns
from command_line import ARENA
from e2e_cluster import NAMESPACE, Cluster, Object

from swarm_operator.common import names

pytestmark = [pytest.mark.e2e_cluster, pytest.mark.timeout(3600)]
NAME = "admission"
USER = 1000660000
"""An id such as OpenShift assigns. No image knows it."""
SPACE = ("--namespace", NAMESPACE)


def build_run(cluster: Cluster) -> Object:
    """A short run as that user. No node has room for its first pod."""
    run = swarmruns.document(ARENA / "short.yaml", NAME, cluster.endpoint, inference="Local", maxAccelerators=0)
    run["spec"]["swarm"]["iterations"] = 1
    kubernetes = run["spec"]["execution"]["kubernetes"]
    for pod in ("trainer", "worker"):
        kubernetes[pod] = {**kubernetes[pod], "cpuLimit": "2"}
    ids = dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"), USER)
    kubernetes["worker"]["memory"] = "900Gi"
    kubernetes["podTemplate"] = {
        "user": {"type": "Fixed", "fixed": ids},
        "labels": {"team": "e2e", mesh_policies.MESH: "plain"},
        "annotations": {"sidecar.example.com/inject": "false"},
    }
    return run


@pytest.mark.usefixtures("mesh")
def test_a_run_goes_on_after_every_hold_and_its_proxies_and_an_eviction_cost_no_attempt(cluster: Cluster) -> None:
    """Refused by a quota twice, without room once. Its proxies never end, then they are native sidecars. A node is
    drained under it.
    """
    run = build_run(cluster)
    kubernetes = run["spec"]["execution"]["kubernetes"]
    set_quota(cluster, {"limits.cpu": "1m"})
    cluster.apply(run)
    await_reason(cluster, "QuotaExceeded")
    await_event(cluster, "QuotaExceeded")
    remove_quota(cluster)
    await_reason(cluster, "Unschedulable")
    kubernetes["worker"]["memory"] = swarmruns.SMALL["memory"]
    cluster.apply(run)
    pod = await_running(cluster, "train", "plain")
    assert pod["spec"]["containers"][0]["name"] == mesh_policies.PROXY
    assert pod["spec"]["securityContext"]["runAsUser"] == USER
    set_quota(cluster, {"pods": "0"})
    await_reason(cluster, "QuotaExceeded")
    remove_quota(cluster)
    kubernetes["podTemplate"]["labels"][mesh_policies.MESH] = "native"
    cluster.apply(run)
    pod = await_running(cluster, "iterate", "native")
    assert pod["spec"]["initContainers"][0]["name"] == mesh_policies.PROXY
    evict(cluster, pod["metadata"]["name"])
    swarmruns.await_status(cluster, NAME, swarmruns.has_succeeded, swarmruns.RUN_SECONDS)
    events = cluster.run("get", "events", *SPACE, "--field-selector", f"involvedObject.name={NAME}")
    assert not {"AttemptFailed", "PodMissing"} & set(events.split())
    swarmruns.await_idle(cluster, NAME)
    swarmruns.delete(cluster, NAME)


def set_quota(cluster: Cluster, hard: dict[str, str]) -> None:
    about = {"name": NAME, "namespace": NAMESPACE}
    cluster.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": about, "spec": {"hard": hard}})


def remove_quota(cluster: Cluster) -> None:
    cluster.run("delete", "resourcequota", NAME, *SPACE)


def await_reason(cluster: Cluster, reason: str) -> None:
    """Wait until the status and the condition Ready have this reason."""
    found = swarmruns.await_status(cluster, NAME, lambda status: status.get("reason") == reason, 300)
    assert {one["reason"] for one in found["conditions"] if one["type"] == "Ready"} == {reason}


def await_event(cluster: Cluster, reason: str) -> None:
    """Events follow the status."""
    for _ in range(60):
        if NAME in cluster.run("get", "events", *SPACE, "--field-selector", f"reason={reason}"):
            return
        time.sleep(0.5)
    raise AssertionError(f"no event {reason}")


def await_running(cluster: Cluster, work: str, form: str) -> Any:
    """A pod for this kind of work with this form of the proxy, once its main runs."""
    labels = {names.RUN_LABEL: NAME, names.WORK_LABEL: work, mesh_policies.MESH: form}
    selector = ",".join(f"{label}={value}" for label, value in labels.items())
    for _ in range(swarmruns.RUN_SECONDS):
        for pod in cluster.get("pods", *SPACE, "--selector", selector)["items"]:
            states = {one["name"]: one["state"] for one in pod["status"].get("containerStatuses", ())}
            if "running" in states.get(names.MAIN_CONTAINER, {}):
                return pod
        time.sleep(1.0)
    raise AssertionError(swarmruns.describe_run(cluster, NAME))


def evict(cluster: Cluster, pod: str) -> None:
    """End a pod as `kubectl drain` does."""
    about = {"name": pod, "namespace": NAMESPACE}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": about}
    cluster.run("create", "--raw", path, "--filename", "-", stdin=json.dumps(eviction))
