"""A real cluster, our images, our chart: `kubectl apply` of a SwarmRun, to Succeeded and the results in the bucket.

What a cluster must have for these tests is said by `e2e_cluster`; without one they are skipped. All runs live in one
namespace that enforces PodSecurity `restricted`.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import e2e_cluster
import pytest
import swarmruns
from command_line import ARENA, DATASWARM, ENVIRONMENT, FinishedRun, read_output
from e2e_cluster import NAMESPACE, SYSTEM, Cluster

pytestmark = [pytest.mark.e2e_cluster, pytest.mark.timeout(3600)]


def test_a_run_disturbed_on_a_cluster_is_the_run_of_one_machine(
    cluster: Cluster, finished: FinishedRun, tmp_path: Path
) -> None:
    """With `inference: Local`: suspended in the middle, taken up again by another operator process, purged at last."""
    name = "arithmetic-short"
    run = swarmruns.document(ARENA / "short.yaml", name, cluster.endpoint, inference="Local", maxAccelerators=0)
    cluster.apply(run)
    found = swarmruns.run_disturbed(cluster, name, "iteration")
    assert len(swarmruns.assert_same_receipts(cluster, name, finished.folder, tmp_path / "cache")) == 10
    check_status(cluster, name, found, finished)
    check_result(cluster, name, found)
    check_bucket(cluster, name, finished, tmp_path / "out")
    check_untouched(cluster, run)
    swarmruns.purge(cluster, name, tmp_path / "cache")


def check_status(cluster: Cluster, name: str, found: dict[str, Any], finished: FinishedRun) -> None:
    """Status and columns tell the result of one machine."""
    result = json.loads((finished.folder / "result.json").read_text())
    assert found["experimentDigest"] == result["experimentDigest"]
    assert found["gain"]["value"] == pytest.approx(result["gain"]["value"])
    assert found["best"]["value"] == pytest.approx(result["best"]["fresh"]["value"])
    assert found["best"]["recipe"] == result["best"]["recipe"]
    row = cluster.run("get", "swarmrun", name, "--namespace", NAMESPACE, "--no-headers").split()
    assert row[:2] == [name, "Succeeded"]
    assert row[2:4] == [found["columns"]["iteration"], found["columns"]["best"]], row  # no reason after success
    assert " ".join(row[4:6]) == found["columns"]["gain"], row
    size = len(json.dumps(cluster.get("swarmrun", name, "--namespace", NAMESPACE)))
    assert size < 64 * 1024


def check_result(cluster: Cluster, name: str, found: dict[str, Any]) -> None:
    """`dataswarm result NAME` tells it and where the rest is, with a kubeconfig and no key of the bucket."""
    environment = {**ENVIRONMENT, "KUBECONFIG": str(cluster.kubeconfig)}
    assert not set(cluster.keys) & set(environment)
    command = [*DATASWARM, "result", name, "--namespace", NAMESPACE]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    for words in (found["experimentDigest"], found["best"]["recipe"], f"{found['gain']['value']:+.4f}"):
        assert words in done.stdout
    assert f"dataswarm verify s3://{swarmruns.RUNS}/{swarmruns.PREFIX}/{name} " in done.stdout


def check_bucket(cluster: Cluster, name: str, finished: FinishedRun, out: Path) -> None:
    """Everything verifies, and what is exported is what one machine has."""
    assert "verified:" in swarmruns.command_line(cluster, "verify", name)
    swarmruns.command_line(cluster, "export", name, str(out))
    for file in ("result.json", "history.jsonl", "dataset/data.jsonl"):
        assert read_output(out, file) == read_output(finished.folder, file), file
    assert (out / "adapter" / "adapter_model.safetensors").is_file()


def check_untouched(cluster: Cluster, run: dict[str, Any]) -> None:
    """Nobody but the user wrote spec and metadata, and applying the same again changes nothing."""
    name = run["metadata"]["name"]
    before = cluster.get("swarmrun", name, "--namespace", NAMESPACE, "--show-managed-fields")["metadata"]
    ours = {one.get("subresource") for one in before["managedFields"] if one["manager"] == "dataswarm-operator"}
    assert ours == {"status"}
    assert not before.get("finalizers")
    assert not before.get("annotations")
    run["spec"]["suspend"] = False
    cluster.apply(run)
    first = cluster.get("swarmrun", name, "--namespace", NAMESPACE)["metadata"]
    cluster.apply(run)
    assert cluster.get("swarmrun", name, "--namespace", NAMESPACE)["metadata"] == first


def test_a_run_that_cannot_work_asks_for_nothing_and_says_why(cluster: Cluster) -> None:
    """Refused for what the cluster knows. A run that fails by its inputs is in `test_cluster_sidecars`."""
    bad = swarmruns.document(ARENA / "short.yaml", "no-bucket", cluster.endpoint, inference="Local", maxAccelerators=0)
    del bad["spec"]["storage"]
    cluster.apply(bad)
    found = swarmruns.await_status(cluster, "no-bucket", lambda found: bool(condition(found, "Validated")), 60)
    assert condition(found, "Validated")["status"] == "False"
    assert "spec.storage" in condition(found, "Validated")["message"]
    uid = cluster.get("swarmrun", "no-bucket", "--namespace", NAMESPACE)["metadata"]["uid"]
    assert not swarmruns.children(cluster, uid)


def condition(found: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((one for one in found.get("conditions", []) if one["type"] == kind), {})


def test_the_operator_was_refused_nothing(cluster: Cluster) -> None:
    """What it did on a cluster with an audit log, against what the chart grants."""
    e2e_cluster.require_variable("DATASWARM_E2E_AUDIT", "it names the API server's audit log")
    events = [json.loads(line) for line in Path(os.environ["DATASWARM_E2E_AUDIT"]).read_text().splitlines()]
    account = f"system:serviceaccount:{SYSTEM}:dataswarm"
    installed = cluster.get("deployment", "dataswarm", "--namespace", SYSTEM)["metadata"]["creationTimestamp"]
    ours = [one for one in events if one["user"].get("username") == account and one["stageTimestamp"] >= installed]
    decision = "authorization.k8s.io/decision"  # a quota of a test refuses, too, and is no missing right
    refused = {(one["verb"], one["requestURI"]) for one in ours if one.get("annotations", {}).get(decision) == "forbid"}
    assert ours
    assert not refused
