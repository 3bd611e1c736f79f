"""Whole runs on a cluster in memory, without faults."""

import pod_world
import pytest
from adversarial_documents import SCHEMA
from pod_world import World

SEEDED = (("generators", 3), ("takers", 2), ("rivals", 3))
TURNS = (
    "iterate.generators.0000", "iterate.takers.0000",
    "iterate.generators.0001", "train.takers.002", "iterate.takers.0001",
    "iterate.generators.0002", "train.takers.003", "iterate.takers.0002",
)  # fmt: skip
"""Of a game of three clusters against two whose takers are trained between their turns."""


@pytest.mark.parametrize("patch", [pod_world.LOCAL, pod_world.SERVED], ids=["Local", "servers"])
def test_an_undisturbed_run_succeeds_and_leaves_nothing_alive(patch: dict) -> None:
    world = World(pod_world.run(patch))
    world.drive()
    assert world.phase == "Succeeded"
    assert sorted(world.launched) == sorted(set(world.launched))
    assert [key.split("/")[1] for key in world.launched] == ["1"] * 8
    assert not world.living()


@pytest.mark.parametrize("patch", [pod_world.LOCAL, pod_world.GAME_SERVED], ids=["Local", "servers"])
def test_an_undisturbed_game_takes_its_turns_and_leaves_nothing_alive(patch: dict) -> None:
    world = World(pod_world.game(patch))
    world.drive()
    assert world.phase == "Succeeded"
    seeds = [f"train.{side}.{index:03d}/1" for side, count in SEEDED for index in range(count)]
    assert sorted(world.launched[1:9]) == sorted(seeds)
    assert world.launched[:1] + world.launched[9:] == [f"{key}/1" for key in ("prepare", *TURNS, "conclude")]
    assert not world.living()


def test_what_trains_in_a_game_waits_for_the_servers_to_go_and_they_for_it() -> None:
    world = World(pod_world.game(pod_world.GAME_SERVED))
    for _ in range(400):
        world.turn()
        world.now += 1.0
        assert not (world.living("train") and world.living("serve"))
        if world.phase == "Succeeded":
            return
    raise AssertionError(world.run["status"]["message"])


def test_the_status_of_a_game_tells_its_rounds() -> None:
    import crd_validator  # noqa: PLC0415 (slow, and no other test needs it)

    world = World(pod_world.game(pod_world.LOCAL))
    world.drive()
    status = world.run["status"]
    assert (status["round"], status["rounds"]) == (2, 4)
    assert [row["round"] for row in status["history"]] == [0, 1, 2]
    assert all(0 <= row["difficulty"] <= 1 and 0 <= row["takerScore"] <= 1 for row in status["history"])
    assert status["message"] == "concluded after 2 rounds"
    assert crd_validator.list_refusals(world.run, SCHEMA) == []
    assert set(status) <= set(SCHEMA["properties"]["status"]["properties"])
