"""The events of a run, and the columns of its status, through suspensions and restarts of its servers."""

import pod_world
import pytest
from pod_world import World

from swarm_operator import events as event_builder
from swarm_operator.common.reconcile_plan import Event

SUSPEND, RESUME = {"spec.suspend": True}, {"spec.suspend": False}


@pytest.mark.parametrize("work", ["prepare", "train", "iterate", "conclude"])
def test_a_suspension_is_an_event_and_costs_neither_an_attempt_nor_a_loss(work: str) -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    for _ in range(2):
        world.until(work)
        world.edit(SUSPEND)
        for _ in range(6):
            world.turn("terminate")
            world.now += 1.0
        assert not world.living()
        assert world.run["status"]["reason"] == "Suspended"
        assert world.conditions()["Reconciling"] == ("False", "Suspended")
        world.edit(RESUME)
        world.turn()
        assert "reason" not in world.run["status"]
    world.drive()
    assert world.events.count("Suspended") == world.events.count("Resumed") == 2
    assert "AttemptLost" not in world.events
    assert {key.split("/")[1] for key in world.launched} == {"1"}


def test_the_same_event_at_two_times_is_two_objects() -> None:
    run = pod_world.run(pod_world.LOCAL)
    first, second = (Event("Normal", "Suspended", "words", occurrence=at) for at in ("1", "2"))
    names = [event_builder.build_event(run, event)["metadata"]["name"] for event in (first, second, second)]
    assert names[0] != names[1] == names[2]


def test_servers_that_start_and_stop_are_events() -> None:
    world = World(pod_world.run(pod_world.SERVED))
    world.drive()
    about_servers = [reason for reason in world.events if reason.startswith("Servers")]
    assert about_servers[:2] == ["ServersStarting", "ServersReady"]
    assert about_servers[-1] == "ServersStopped"


def test_the_columns_are_rounded_and_the_fields_are_exact() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("train")
    world.now += 1800.0
    world.turn("terminate")
    status = world.run["status"]
    assert status["columns"]["iteration"] == f"{status['iteration']}/{status['iterations']}"
    assert status["gpuHours"] > 0.4
    assert status["columns"]["gpuHours"] == f"{status['gpuHours']:.2f}"
    world.drive()
    assert "reason" not in world.run["status"]
