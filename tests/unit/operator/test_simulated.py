"""Whole runs on a cluster in memory: undisturbed first."""

import pod_world
import pytest
from pod_world import World


@pytest.mark.parametrize("patch", [pod_world.LOCAL, pod_world.SERVED], ids=["Local", "servers"])
def test_an_undisturbed_run_succeeds_and_leaves_nothing_alive(patch: dict) -> None:
    world = World(pod_world.run(patch))
    world.drive()
    assert world.phase == "Succeeded"
    assert sorted(world.launched) == sorted(set(world.launched))
    assert [key.split("/")[1] for key in world.launched] == ["1"] * 8
    assert not world.living()
