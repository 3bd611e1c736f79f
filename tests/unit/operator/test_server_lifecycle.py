"""When servers run, and which pods never hold accelerators at the same time."""

import copy

import pod_world
import pytest
from pod_world import World

from swarm_operator.common import names, timestamps

STARTUP = 300.0


def stand(world: World) -> str:
    return str(world.run["status"]["servers"]["phase"])


def pending(uid: str = "u-1") -> World:
    """A run whose servers exist and have no node yet."""
    world = World(pod_world.run(pod_world.SERVED))
    world.run["metadata"]["uid"] = uid
    while not world.living(names.SERVE):
        for pod in world.pods():
            world.terminate(pod)
            if pod["metadata"]["labels"][names.WORK_LABEL] != names.SERVE:
                world.bind(pod)
                world.start(pod)
                world.finish(pod)
        world.control()
        world.operate()
        world.control()
        world.now += 1.0
    return world


def test_servers_start_only_when_what_trained_is_gone() -> None:
    world = World(pod_world.run(pod_world.SERVED))
    world.until("train")
    late = copy.deepcopy(world.living("train")[0])  # what an operator before this one left behind
    late["metadata"] |= {"name": "late", "uid": "late", "deletionTimestamp": timestamps.format_time(world.now + 60)}
    late |= {"owner": "gone", "dead": True}
    world.things["Pod", "late"] = late
    for _ in range(6):
        world.turn("bind", "start")
        for pod in world.living("train"):
            if pod is not late:
                world.finish(pod)
        world.turn("terminate")
        assert not world.living(names.SERVE)
    assert world.phase == "Iterating"
    assert stand(world) == "Off"
    del world.things["Pod", "late"]
    world.turn("terminate")
    assert stand(world) == "Starting"


def test_work_waits_until_every_server_is_ready() -> None:
    world = pending()
    one, other = world.living(names.SERVE)
    world.bind(one)
    world.start(one)
    world.operate()
    assert stand(world) == "Starting"
    assert not world.all("Job") or not [job for job in world.all("Job") if "iterate" in job["metadata"]["name"]]
    world.bind(other)
    world.start(other)
    world.operate()
    assert stand(world) == "Ready"
    assert [job for job in world.all("Job") if "iterate" in job["metadata"]["name"]]


@pytest.mark.parametrize("placed", [0, 1])
def test_servers_that_are_not_all_ready_by_the_deadline_are_released_together(placed: int) -> None:
    world = pending()
    for pod in world.living(names.SERVE)[:placed]:
        world.bind(pod)
        world.start(pod)
    world.now += STARTUP + 1
    world.operate()
    assert stand(world) == "Waiting"
    assert [one["spec"]["replicas"] for one in world.all("Deployment")] == [0, 0]
    world.turn("terminate")
    assert not world.living(names.SERVE)
    assert world.plan.wake_after is not None
    again = timestamps.parse(world.run["status"]["servers"]["notBefore"])
    assert again is not None
    world.now = again - 1
    world.turn("terminate")
    assert stand(world) == "Waiting"
    world.now = again + 1
    world.turn("terminate")
    assert stand(world) == "Starting"
    world.drive()
    assert world.phase == "Succeeded"
    assert world.run["status"]["servers"].get("failures", 0) == 0


def test_servers_of_which_some_have_no_node_are_released_long_before_the_deadline() -> None:
    world = pending()
    world.bind(world.living(names.SERVE)[0])
    world.now += 121.0
    world.operate()
    assert stand(world) == "Waiting"


def test_two_runs_that_were_in_each_others_way_try_again_at_different_times() -> None:
    waits = []
    for uid in ("u-1", "u-2", "u-3"):
        world = pending(uid)
        for pod in world.living(names.SERVE):
            pod["metadata"]["labels"][names.RUN_UID_LABEL] = uid
        begin = world.now
        world.now += STARTUP + 1
        world.operate()
        again = timestamps.parse(world.run["status"]["servers"]["notBefore"])
        assert again is not None
        waits.append(again - begin)
    assert len(set(waits)) == 3
    assert all(STARTUP + 15 <= wait <= STARTUP + 47 for wait in waits)


def test_idle_servers_go_to_zero_and_come_back_when_they_are_asked() -> None:
    world = World(pod_world.run(pod_world.SERVED))
    world.until("iterate")
    for number in range(1, 4):  # attempts fail, and the pause before the next one grows beyond the idle time
        world.now += 1.0
        for pod in world.living("iterate"):
            world.end(pod, 1)
        world.turn("terminate")
        assert stand(world) == "Idle", number
        if number < 3:
            world.now += 21.0
            world.turn("terminate", "bind", "start")
            world.turn("terminate", "bind", "start")
    world.run["spec"]["execution"]["kubernetes"]["servers"]["idleSeconds"] = 5
    world.now += 6.0
    world.operate()
    assert stand(world) == "Off"
    world.drive()
    assert world.phase == "Succeeded"


def test_a_server_that_is_no_longer_ready_has_new_work_wait() -> None:
    world = World(pod_world.run(pod_world.SERVED))
    world.until("iterate")
    server = world.living(names.SERVE)[0]
    server["status"]["conditions"] = [one for one in server["status"]["conditions"] if one["type"] != "Ready"]
    world.turn("finish")
    assert stand(world) == "Starting"
    assert not world.living("iterate")
    world.set_condition(server, "Ready")
    world.drive()
    assert world.phase == "Succeeded"


def test_servers_made_from_another_order_are_replaced() -> None:
    world = World(pod_world.run(pod_world.SERVED))
    world.until("iterate")
    uids = {one["metadata"]["uid"] for one in world.all("Deployment")}
    world.edit({"spec.execution.kubernetes.servers.gpuMemoryUtilization": 0.5})
    world.drive()
    assert not uids & {one["metadata"]["uid"] for one in world.all("Deployment")}


def test_servers_go_when_the_run_no_longer_wants_any() -> None:
    world = World(pod_world.run(pod_world.SERVED))
    world.until("iterate")
    world.edit({"spec.execution.kubernetes.inference": "Local"})
    world.operate()
    assert not world.all("Deployment")


def test_an_operator_that_lost_the_status_takes_running_servers_for_its_own() -> None:
    world = World(pod_world.run(pod_world.SERVED))
    world.until("iterate")
    servers = {pod["metadata"]["uid"] for pod in world.living(names.SERVE)}
    world.run["status"].pop("servers")
    world.touch()
    world.turn("terminate")
    assert servers == {pod["metadata"]["uid"] for pod in world.living(names.SERVE)}
