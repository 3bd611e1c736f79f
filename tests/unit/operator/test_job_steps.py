"""The order of launches: items that share a Job, and work that waits until canceled work has ended."""

import pod_world
from pod_world import World

from swarm_operator.common import names

ONE = {"spec.execution.kubernetes": {"inference": "Local", "trainer": {"accelerators": 1}, "maxAccelerators": 1}}


def jobs(world: World, work: str) -> list[str]:
    return [job["metadata"]["name"] for job in world.all("Job") if job["metadata"]["labels"][names.WORK_LABEL] == work]


def test_a_seed_that_failed_is_tried_again_when_its_siblings_are_through() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("train")
    first, second = world.living("train")
    world.end(first, 1)
    world.control()
    for _ in range(4):
        world.now += 60.0
        world.operate()
        world.control()
        assert len(jobs(world, "train")) == 1
    world.finish(second)
    world.drive()
    assert sorted(world.launched)[-4:] == [
        "train.generators.000/1",
        "train.generators.000/2",
        "train.generators.001/1",
        "train.generators.002/1",
    ]


def test_all_seeds_of_an_attempt_share_a_job_that_holds_no_more_than_the_run_may() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("train")
    (job,) = [job for job in world.all("Job") if job["metadata"]["labels"][names.WORK_LABEL] == "train"]
    assert (job["spec"]["completions"], job["spec"]["parallelism"]) == (3, 2)


def test_nothing_is_launched_beside_what_is_wanted_no_more() -> None:
    """World refuses a second accelerator."""
    world = World(pod_world.run({**ONE, "spec.stopAfter": 4}), last=4)
    world.until("iterate")
    world.turn("finish")
    world.until("iterate")
    world.edit({"spec.stopAfter": 0})
    world.operate()
    assert world.phase == "Concluding"
    world.operate()
    world.control()
    assert jobs(world, "conclude") == []
    world.drive()
    assert world.phase == "Succeeded"
    assert world.run["status"]["iteration"] == 0


def test_a_pod_whose_job_was_taken_away_is_waited_for() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("iterate")
    (pod,) = world.living("iterate")
    (job,) = [job for job in world.all("Job") if job["metadata"]["uid"] == pod["owner"]]
    world.delete("Job", job["metadata"]["name"])
    world.operate()
    assert jobs(world, "iterate") == []
    world.finish(pod)
    world.operate()
    assert world.state.iteration == 1


def test_a_cancelled_pod_without_a_job_is_ended_too() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("iterate")
    (pod,) = world.living("iterate")
    (job,) = [job for job in world.all("Job") if job["metadata"]["uid"] == pod["owner"]]
    world.things.pop(("Job", job["metadata"]["name"]))
    world.edit({"spec.suspend": True})
    world.operate()
    assert "deletionTimestamp" in pod["metadata"]
