"""Edits of a run by its owner, and the effects of its limits."""

import json

import pod_cluster
import pod_world
import pytest
import swarmrun_documents as documents
from engine_simulation import without_times
from pod_world import World

from swarm_operator.common import names, timestamps

WORKS = ["prepare", "train", "iterate", "conclude"]


def undisturbed(patch: documents.Patch) -> World:
    world = World(pod_world.run(patch))
    world.drive()
    return world


def begun(patch: documents.Patch, *works: str) -> World:
    world = World(pod_world.run(patch))
    world.until(*works)
    return world


@pytest.mark.parametrize("work", [*WORKS, "serve"])
def test_a_suspended_run_gives_everything_back_and_goes_on_to_the_same_end(work: str) -> None:
    world = begun(pod_world.SERVED, work)
    world.edit({"spec.suspend": True})
    for _ in range(3):
        world.turn("terminate")
    assert not world.living()
    assert not any(job for job in world.all("Job") if not pod_cluster.is_over(job))
    assert world.conditions()["Suspended"] == ("True", "Suspended")
    assert world.conditions()["Reconciling"][0] == "False"
    assert world.run["status"]["servers"]["phase"] == "Off"
    world.now += 1000.0
    world.edit({"spec.suspend": False})
    world.drive()
    plain = undisturbed(pod_world.SERVED)
    assert without_times(world.state) == without_times(plain.state)
    assert world.store == plain.store


def test_a_run_stops_after_the_iterations_its_owner_allows() -> None:
    world = World(pod_world.run({**pod_world.LOCAL, "spec.stopAfter": 1}), last=4)
    world.drive()
    assert (world.phase, world.run["status"]["iteration"]) == ("Succeeded", 1)
    assert "iterate.generators.0002" not in world.store


def test_a_budget_that_is_spent_ends_the_search_and_the_best_so_far_is_concluded() -> None:
    world = World(pod_world.run({**pod_world.LOCAL, "spec.budget": {"gpuHours": 1}}), last=4)
    world.until("iterate")
    world.turn("finish")
    world.until("iterate")
    world.now += 3700.0
    world.operate()
    assert world.phase == "Concluding"
    assert world.state.stop == "Budget"
    world.drive()
    assert (world.phase, world.run["status"]["iteration"]) == ("Succeeded", 0)
    assert world.run["status"]["gpuHours"] > 1


def test_a_budget_that_is_spent_before_the_first_commit_fails_the_run() -> None:
    world = World(pod_world.run({**pod_world.LOCAL, "spec.budget": {"gpuHours": 1}}))
    world.until("train")
    world.now += 3700.0
    world.operate()
    assert world.conditions()["Stalled"] == ("True", "BudgetExceeded")
    world.turn("terminate")
    assert not world.living()
    world.edit({"spec.budget": {"gpuHours": 20}, "spec.rerun": "more"})
    world.drive()
    assert world.phase == "Succeeded"


def test_a_run_past_its_deadline_fails_and_can_be_run_again_with_more_time() -> None:
    world = begun({**pod_world.LOCAL, "spec.deadlineSeconds": 60}, "iterate")
    assert world.plan.wake_after is not None
    assert world.plan.wake_after <= 60
    world.now += 61.0
    world.operate()
    assert world.conditions()["Stalled"] == ("True", "DeadlineExceeded")
    assert world.plan.wake_after is not None  # what runs is not yet seen gone
    world.edit({"spec.deadlineSeconds": 10_000, "spec.rerun": "1"})
    world.drive()
    assert world.phase == "Succeeded"


def test_an_item_past_its_deadline_is_tried_again() -> None:
    world = begun({**pod_world.LOCAL, "spec.execution.itemDeadlineSeconds": 100}, "iterate")
    world.now += 101.0
    world.operate()
    world.drive()
    assert "iterate.generators.0000/2" in world.launched


def test_a_finished_run_is_deleted_when_its_time_is_up_and_not_before() -> None:
    world = World(pod_world.run({**pod_world.LOCAL, "spec.ttlSecondsAfterFinished": 100}))
    world.drive()
    assert "deletionTimestamp" not in world.run["metadata"]
    assert world.plan.wake_after is not None
    world.now += 101.0
    world.operate()
    assert "deletionTimestamp" in world.run["metadata"]
    assert not world.operate().steps


def test_a_failed_run_stays_failed_until_another_word_is_given() -> None:
    world = begun({**pod_world.LOCAL, "spec.rerun": "first", "spec.execution.attempts": 1}, "iterate")
    (pod,) = world.living("iterate")
    world.end(pod, 65, json.dumps({"failed": {"reason": "BadInput", "message": "seeds.jsonl: line 3"}}))
    world.turn()
    assert (world.phase, world.conditions()["Stalled"]) == ("Failed", ("True", "BadInput"))
    for _ in range(3):
        world.turn()
        world.now += 400.0
    assert world.phase == "Failed"
    world.edit({"spec.rerun": "second"})
    world.operate()
    world.drive()
    assert world.phase == "Succeeded"
    assert world.run["status"]["rerun"] == "second"


def test_a_run_whose_experiment_was_edited_past_the_schema_starts_nothing_more() -> None:
    world = begun(pod_world.LOCAL, "iterate")
    launched = list(world.launched)
    world.edit({"spec.seed": 5})
    world.turn()
    world.turn()
    assert world.conditions()["Validated"] == ("False", "InvalidSpec")
    assert world.launched == launched
    world.edit({"spec.seed": 0})
    world.drive()
    assert without_times(world.state) == without_times(undisturbed(pod_world.LOCAL).state)


def test_a_finished_run_stays_what_it_is_when_its_spec_is_broken() -> None:
    world = undisturbed(pod_world.LOCAL)
    world.edit({"spec.execution.kubernetes.maxAccelerators": 0})
    world.operate()
    assert world.phase == "Succeeded"
    assert world.conditions()["Ready"][0] == "True"
    assert world.conditions()["Validated"][0] == "False"


def test_a_run_created_anew_under_the_old_name_has_children_of_its_own() -> None:
    old, new = World(pod_world.run(pod_world.LOCAL)), World(pod_world.run(pod_world.LOCAL))
    new.run["metadata"]["uid"] = "u-2"
    for world in (old, new):
        world.operate()
    assert not set(old.things) & set(new.things)


def test_a_run_that_is_deleted_is_left_alone() -> None:
    world = begun(pod_world.LOCAL, "iterate")
    world.run["metadata"]["deletionTimestamp"] = timestamps.format_time(world.now)
    plan = world.operate()
    assert (plan.steps, plan.status, plan.wake_after) == ((), None, None)


def test_finished_jobs_do_not_pile_up() -> None:
    world = World(pod_world.run({**pod_world.LOCAL, "spec.swarm": {"iterations": 30, "particles": 4}}), last=30)
    for _ in range(200):
        world.turn()
        world.now += 1.0
        assert len(world.all("Job")) <= 6
        if world.phase == "Succeeded":
            break
    assert world.phase == "Succeeded"
    assert len(world.store) == 1 + 3 + 31 + 1


def test_a_status_is_one_that_the_crd_lets_pass() -> None:
    import crd_validator  # noqa: PLC0415 (slow, and no other test needs it)

    world = undisturbed(pod_world.SERVED)
    assert crd_validator.list_refusals(world.run, documents.SCHEMA) == []
    assert set(world.run["status"]) <= set(documents.SCHEMA["properties"]["status"]["properties"])


@pytest.mark.parametrize("count", [2, 64])
def test_the_status_of_the_largest_run_stays_small_whatever_its_attempts_say(count: int) -> None:
    """World.write refuses a status of 64 KiB or more."""
    most = {"spec.generators.count": count, "spec.swarm": {"iterations": 1000, "particles": 64}}
    world = World(pod_world.run({**pod_world.LOCAL, **most, "spec.execution.kubernetes.maxAccelerators": 64}))
    world.until("train")
    assert len(world.living("train")) == count
    for pod in world.living("train"):
        world.end(pod, 1, json.dumps({"failed": {"reason": "Error", "message": '\\"ü\x07' * 1000}}))
    world.turn("terminate")
    assert all(attempt.number == 2 for attempt in world.state.attempts.values())
    assert len(world.state.attempts) == count
    assert len(world.run["status"]["engine"]) < 49_152


def test_looking_again_at_an_unchanged_world_changes_nothing() -> None:
    world = World(pod_world.run(pod_world.SERVED))
    for _ in range(8):
        world.turn()
        before = world.run["metadata"]["resourceVersion"]
        world.operate()
        world.operate()
        assert world.run["metadata"]["resourceVersion"] == before
        world.now += 1.0


def test_no_child_takes_its_name_from_more_than_the_run_and_the_item() -> None:
    world = undisturbed(pod_world.SERVED)
    assert all(name.startswith(f"arithmetic-{names.short_digest('u-1')}-") for _, name in world.things)
