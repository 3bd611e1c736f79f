"""Containers that others add to a pod: the container main decides, wherever it stands."""

import pod_world
import pytest
from pod_cluster import KubernetesObject
from pod_world import World

from swarm_core.engine.work import Kind
from swarm_operator.common import names, timestamps
from swarm_operator.common.reconcile_plan import Delete
from swarm_operator.reconciler import child_parser, diagnosis, termination_message

PROXY = "istio-proxy"


def add_proxy(world: World, pod: KubernetesObject, *, state: KubernetesObject, native: bool = False) -> None:
    """List a proxy before main, as the kubelet does for a name that sorts first."""
    group = "initContainerStatuses" if native else "containerStatuses"
    pod["status"][group] = [{"name": PROXY, "state": state}, *pod["status"].get(group, [])]


def running(world: World) -> KubernetesObject:
    return {"running": {"startedAt": timestamps.format_time(world.now)}}


def ended(world: World, code: int) -> KubernetesObject:
    return {"terminated": {"exitCode": code, "message": "the proxy ended", "finishedAt": "2020-01-01T00:00:00Z"}}


def drive_with_proxies(world: World, *, code: int, native: bool) -> None:
    """Drive the run to its end; every pod that ends has a proxy that ended too."""
    for _ in range(200):
        if world.over:
            return
        for pod in world.pods():
            statuses = (*pod["status"].get("containerStatuses", ()), *pod["status"].get("initContainerStatuses", ()))
            if pod["status"]["phase"] in ("Succeeded", "Failed") and PROXY not in {one["name"] for one in statuses}:
                add_proxy(world, pod, state=ended(world, code), native=native)
        world.operate()
        world.turn()
        world.now += 1.0


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("code", [0, 1, 65, 137])
def test_the_exit_of_a_proxy_is_not_the_exit_of_the_work(native: bool, code: int) -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    drive_with_proxies(world, code=code, native=native)
    assert world.phase == "Succeeded", world.run["status"]["message"]
    assert {key.split("/")[1] for key in world.launched} == {"1"}


def leave_proxy(world: World, pod: KubernetesObject) -> None:
    """End main; the proxy lives on, so the pod still runs."""
    pod["status"]["phase"] = "Running"
    add_proxy(world, pod, state=running(world))


@pytest.mark.parametrize("work", ["prepare", "train", "iterate", "conclude"])
def test_a_pod_whose_proxy_lives_on_is_ended_once_its_receipt_is_in_the_status(work: str) -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until(work)
    (pod, *_) = world.living(work)
    world.finish(pod)
    leave_proxy(world, pod)
    first = world.operate()
    assert not [step for step in first.steps if isinstance(step, Delete)], "the status lacks the receipt until now"
    world.operate()
    assert "deletionTimestamp" in pod["metadata"]
    world.drive()
    assert {key.split("/")[1] for key in world.launched} == {"1"}


@pytest.mark.parametrize(("code", "attempts"), [(1, {"1", "2"}), (75, {"1"})])
def test_a_failure_counts_although_the_proxy_lives_on(code: int, attempts: set[str]) -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("iterate")
    (pod,) = world.living("iterate")
    world.end(pod, code)
    leave_proxy(world, pod)
    world.operate()
    world.operate()
    world.drive()
    assert {key.split("/")[1] for key in world.launched} == attempts


def test_a_proxy_that_cannot_start_is_named() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.turn("terminate")
    world.control()
    (pod,) = world.living()
    world.bind(pod)
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    add_proxy(world, pod, state=waiting, native=True)
    world.operate()
    (told,) = [one for one in world.run["status"]["conditions"] if one["type"] == "Ready"]
    assert told["reason"] == "ImagePullBackOff"
    assert f"container {PROXY}: no such image" in told["message"]


def test_memory_that_the_proxy_lacks_is_not_memory_that_the_work_lacks() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("iterate")
    (pod,) = world.living("iterate")
    world.end(pod, 1, reason="Error")
    add_proxy(world, pod, state={"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "x"}})
    (parsed,) = [one for one in child_parser.parse(world.all("Pod"), "").pods if one.key.startswith(Kind.ITERATE)]
    assert parsed.exit is not None
    assert parsed.exit.reason == "Error"
    assert parsed.exit.code != termination_message.SIGKILL_EXIT_CODE
    assert pod["spec"]["containers"][0]["name"] == names.MAIN_CONTAINER


def test_a_job_whose_pod_was_ended_after_its_receipt_was_written_misses_no_pod() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("prepare")
    (pod,) = world.living("prepare")
    world.now += diagnosis.POD_CREATION_SECONDS
    world.finish(pod)
    leave_proxy(world, pod)
    world.operate()
    world.things.pop(("Pod", pod["metadata"]["name"]))
    world.operate()
    assert "PodMissing" not in world.events
    assert world.run["status"].get("reason") is None
