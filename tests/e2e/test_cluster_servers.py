"""Inference servers on a real cluster: vLLM in pods, and accelerators that are never held and waited for at once.

The nodes' accelerators are numbers to schedule by: servers and trainers hold them, and compute on processors.
"""

import json
from typing import Any

import e2e_cluster
import pytest
import swarmruns
from command_line import ARENA, FinishedRun
from e2e_cluster import Cluster

pytestmark = [pytest.mark.e2e_cluster, pytest.mark.timeout(5400)]
RUN_SECONDS = 2400


@pytest.fixture(autouse=True)
def servers() -> None:
    e2e_cluster.require_variable("DATASWARM_E2E_VLLM", "set it where the nodes have the image of the inference servers")


def test_texts_from_servers_in_pods_are_of_the_same_experiment(cluster: Cluster, finished: FinishedRun) -> None:
    name = "arithmetic-served"
    servers = {**swarmruns.SERVERS, "accelerators": 0}
    run = swarmruns.document(
        ARENA / "short.yaml", name, cluster.endpoint, inference="VLLM", maxAccelerators=0, servers=servers
    )
    cluster.apply(run)
    found = swarmruns.await_status(cluster, name, swarmruns.has_succeeded, RUN_SECONDS)
    result = json.loads((finished.folder / "result.json").read_text())
    assert found["experimentDigest"] == result["experimentDigest"]
    assert found["gain"]["low"] <= result["gain"]["high"]
    assert result["gain"]["low"] <= found["gain"]["high"]
    assert "verified:" in swarmruns.command_line(cluster, "verify", name)
    swarmruns.delete(cluster, name)


def test_a_run_succeeds_on_one_accelerator_which_trainers_and_server_take_in_turn(
    cluster: Cluster, accelerators: Any
) -> None:
    accelerators(1)
    run = on_accelerators("one-accelerator", cluster, 1)
    cluster.apply(run)
    found = swarmruns.await_status(cluster, "one-accelerator", swarmruns.has_succeeded, RUN_SECONDS)
    assert found["peakAccelerators"] == 1
    assert found["gpuSeconds"]["busy"] > 0
    assert found["gpuSeconds"]["loading"] > 0
    swarmruns.delete(cluster, "one-accelerator")


def test_two_runs_that_each_need_two_servers_both_succeed_on_two_accelerators(
    cluster: Cluster, accelerators: Any
) -> None:
    accelerators(2)
    names = ("first-of-two", "second-of-two")
    for name in names:
        run = on_accelerators(name, cluster, 2)
        run["spec"]["takers"].append({"name": "other", "model": f"s3://{swarmruns.INPUTS}/arithmetic-2/base"})
        cluster.apply(run)
    for name in names:
        found = swarmruns.await_status(cluster, name, swarmruns.has_succeeded, 2 * RUN_SECONDS)
        assert found["peakAccelerators"] == 2
        swarmruns.delete(cluster, name)


def on_accelerators(name: str, cluster: Cluster, most: int) -> dict[str, Any]:
    """A run of two iterations whose trainers and servers hold an accelerator each."""
    trainer = {**swarmruns.SMALL, "accelerators": 1}
    run = swarmruns.document(
        ARENA / "short.yaml", name, cluster.endpoint, inference="VLLM", maxAccelerators=most, servers=swarmruns.SERVERS,
        trainer=trainer,
    )  # fmt: skip
    run["spec"]["swarm"]["iterations"] = 1
    return run
