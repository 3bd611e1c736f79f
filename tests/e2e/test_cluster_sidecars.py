"""Pods to which an admission policy adds a proxy: before main, where it never ends, or as a native sidecar.

A whole run with both of them is in `test_cluster_admission`.
"""

from typing import Any

import mesh_policies
import pytest
import swarmruns
from command_line import ARENA
from e2e_cluster import Cluster, Object

pytestmark = [pytest.mark.e2e_cluster, pytest.mark.timeout(3600), pytest.mark.usefixtures("mesh")]
FORMS = ("plain", "native")


def build_run(cluster: Cluster, form: str, purpose: str, **kubernetes: Any) -> Object:
    """A run whose pods get the proxy."""
    return swarmruns.document(
        ARENA / "short.yaml", f"{form}-{purpose}", cluster.endpoint, inference="Local", maxAccelerators=0,
        podTemplate={"labels": {mesh_policies.MESH: form}}, **kubernetes,
    )  # fmt: skip


def test_the_failure_of_main_is_reported_although_its_proxy_lives_on(cluster: Cluster) -> None:
    """Bad input ends the run with the words of main; too little memory is named after the first attempt."""
    for form in FORMS:
        bad = build_run(cluster, form, "bad-input")
        bad["spec"]["base"]["model"] = f"s3://{swarmruns.INPUTS}/no-such-model"
        cluster.apply(bad, build_run(cluster, form, "small", worker={"cpu": "100m", "memory": "48Mi"}))
    for form in FORMS:
        found = swarmruns.await_status(
            cluster, f"{form}-bad-input", lambda status: status.get("phase") == "Failed", swarmruns.RUN_SECONDS
        )
        assert "spec.base.model" in found["message"]
        found = swarmruns.await_status(
            cluster, f"{form}-small", lambda status: status.get("reason") == "OOMKilled", swarmruns.RUN_SECONDS
        )
        assert "spec.execution.kubernetes.worker.memory" in str(found["conditions"])
    for form in FORMS:
        swarmruns.delete(cluster, f"{form}-bad-input")
        swarmruns.delete(cluster, f"{form}-small")


def test_a_proxy_that_the_namespace_refuses_is_reported(cluster: Cluster) -> None:
    """The namespace enforces PodSecurity `restricted`, and the proxy has no security context."""
    cluster.apply(build_run(cluster, "unconfined", "proxy"))
    found = swarmruns.await_status(
        cluster, "unconfined-proxy", lambda status: status.get("reason") == "PodSecurityViolated", 180
    )
    assert mesh_policies.PROXY in found["message"]
    swarmruns.delete(cluster, "unconfined-proxy")
