"""A namespace with rules of its own: a quota that refuses pods until it is raised, and a foreign user."""

import time

import pytest
import swarmruns
from command_line import ARENA
from e2e_cluster import NAMESPACE, Cluster

pytestmark = [pytest.mark.e2e_cluster, pytest.mark.timeout(3600)]
NAME = "quota"
USER = 1000660000
"""An id such as OpenShift assigns. No image knows it."""


def test_a_quota_is_reported_in_the_words_of_the_api_server_and_the_run_goes_on_when_it_is_raised(
    cluster: Cluster,
) -> None:
    """As a user whom the image does not know. No node has room for the pod; a lower request creates its Job again."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": NAME, "namespace": NAMESPACE}}
    cluster.apply({**quota, "spec": {"hard": {"limits.cpu": "1m"}}})
    run = swarmruns.document(ARENA / "short.yaml", NAME, cluster.endpoint, inference="Local", maxAccelerators=0)
    kubernetes = run["spec"]["execution"]["kubernetes"]
    for pod in ("trainer", "worker"):
        kubernetes[pod] = {**kubernetes[pod], "cpuLimit": "2"}
    ids = dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"), USER)
    kubernetes["worker"]["memory"] = "900Gi"
    kubernetes["podTemplate"] = {
        "user": {"type": "Fixed", "fixed": ids},
        "labels": {"team": "e2e"},
        "annotations": {"sidecar.istio.io/inject": "false"},
    }
    try:
        cluster.apply(run)
        found = swarmruns.await_status(
            cluster, NAME, lambda status: "exceeded quota" in str(status.get("conditions")), 300
        )
        assert {one["reason"] for one in found["conditions"] if one["type"] == "Ready"} == {"QuotaExceeded"}
        listing = ("get", "events", "--namespace", NAMESPACE, "--field-selector", "reason=QuotaExceeded")
        for _ in range(60):
            if NAME in (events := cluster.run(*listing)):
                break
            time.sleep(0.5)  # events follow the status
        assert NAME in events
    finally:
        cluster.run("delete", "resourcequota", NAME, "--namespace", NAMESPACE)
    swarmruns.await_status(cluster, NAME, lambda status: "Unschedulable" in str(status.get("conditions")), 120)
    kubernetes["worker"]["memory"] = swarmruns.SMALL["memory"]
    cluster.apply(run)
    swarmruns.await_status(cluster, NAME, lambda status: status.get("phase") == "Succeeded", swarmruns.RUN_SECONDS)
    pods = cluster.get("pods", "--namespace", NAMESPACE, "--selector", f"dataswarm.io/run={NAME}")["items"]
    assert {pod["spec"]["securityContext"]["runAsUser"] for pod in pods} == {USER}
