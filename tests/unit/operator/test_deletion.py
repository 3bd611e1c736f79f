"""Deletion with results: all work ends, one Job deletes the results, and the run is never held for long."""

import json
from dataclasses import dataclass, field
from typing import Any

import pod_world
import pytest
import swarmrun_documents as documents
from pod_cluster import KubernetesObject
from pod_world import World

from swarm_operator.common import names, timestamps
from swarm_operator.common.reconcile_plan import ObservedRun, SetFinalizers, Step
from swarm_operator.reconciler import deletion

PURGE: documents.Patch = {**pod_world.LOCAL, "spec.deletionPolicy": "Purge"}
SERVED: documents.Patch = {**pod_world.SERVED, "spec.deletionPolicy": "Purge"}
DONE = '{"purged": {"objects": 12, "size": 3456}}'
BAD = '{"failed": {"reason": "BadInput", "message": "s3://swarms: access denied"}}'


@dataclass
class Leaving(World):
    """A cluster in memory that honors finalizers, with pods that can purge."""

    others: tuple[KubernetesObject, ...] = ()
    gone: bool = False
    ends: tuple[int, str] = (0, DONE)
    """How a pod that purges ends."""
    emptied: int = 0
    """How often that ended well."""
    said: list[str] = field(default_factory=list)

    def observed(self) -> ObservedRun:
        seen = super().observed()
        return ObservedRun(seen.run, seen.children, self.others)

    def operate(self, crash_after: int | None = None, seen: ObservedRun | None = None) -> Any:
        plan = super().operate(crash_after, seen)
        self.said += [event.message for event in plan.events]
        return plan

    def apply(self, step: Step) -> None:
        if not isinstance(step, SetFinalizers):
            super().apply(step)
            return
        assert not self.gone
        self.run["metadata"]["finalizers"] = list(step.names)
        self.touch()
        self.gone = "deletionTimestamp" in self.run["metadata"] and not step.names

    def delete(self, kind: str, name: str, uid: str | None = None, grace: int | None = None) -> None:
        if kind == self.run["kind"] and self.run["metadata"].get("finalizers"):
            self.run["metadata"]["deletionTimestamp"] = timestamps.format_time(self.now)
            self.touch()
        else:
            super().delete(kind, name, uid, grace)

    def check_job(self, job: KubernetesObject) -> None:
        if job["metadata"]["labels"][names.WORK_LABEL] != names.PURGE:
            super().check_job(job)
            return
        assert not self.living(), "something of the run still works"
        assert "ownerReferences" not in job["metadata"]

    def finish(self, pod: KubernetesObject) -> None:
        if pod["metadata"]["labels"][names.WORK_LABEL] != names.PURGE:
            super().finish(pod)
        elif pod["status"]["phase"] == "Running":
            self.emptied += self.ends[0] == 0
            self.end(pod, *self.ends)

    def leave(self) -> None:
        """Do what `kubectl delete` does."""
        self.delete(self.run["kind"], self.run["metadata"]["name"])

    def leave_and_wait(self, turns: int = 40) -> None:
        """Delete the run and wait until it is gone."""
        self.leave()
        for _ in range(turns):
            if self.gone:
                return
            self.turn()
            self.now += 1.0
        raise AssertionError(self.run["status"].get("message"))


def begun(patch: documents.Patch, *works: str) -> Leaving:
    world = Leaving(pod_world.run(patch))
    world.until(*works)
    return world


def purges(world: World) -> list[KubernetesObject]:
    return [job for job in world.all("Job") if job["metadata"]["labels"][names.WORK_LABEL] == names.PURGE]


def test_the_finalizer_is_on_the_run_before_anything_of_it_is_begun() -> None:
    world = Leaving(pod_world.run(PURGE))
    world.operate()
    assert world.run["metadata"]["finalizers"] == [names.FINALIZER]
    assert not world.things
    world.drive()
    assert world.phase == "Succeeded"
    assert world.run["metadata"]["finalizers"] == [names.FINALIZER]


def test_a_run_that_is_retained_has_no_finalizer_and_leaves_at_once() -> None:
    world = begun(pod_world.LOCAL, "iterate")
    assert "finalizers" not in world.run["metadata"]
    world.leave()
    assert not world.operate().steps


@pytest.mark.parametrize("work", ["prepare", "train", "iterate", "serve", "conclude"])
def test_what_works_is_ended_before_the_results_go_and_the_run_goes_last(work: str) -> None:
    world = begun(SERVED, work)
    world.leave_and_wait()
    assert world.events[-1] == "Purged"
    assert "12 objects, 3,456 bytes" in world.said[-1]
    assert not purges(world)
    assert not world.living()


def test_one_job_is_told_the_place_and_mounts_nothing_of_the_run() -> None:
    world = begun(PURGE, "iterate")
    world.leave()
    for _ in range(4):
        world.turn("terminate", "bind", "start")
    (job,) = purges(world)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    place = json.loads(container["args"][container["args"].index("--place") + 1])
    assert (place["bucket"], place["prefix"]) == ("swarms", "arithmetic")
    assert {volume["name"] for volume in pod["volumes"]} == {"tmp", "shm"}
    assert {one["name"] for one in container["env"]} >= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert "deleted from the bucket" in world.run["status"]["message"]


def test_a_finalizer_of_somebody_else_is_left_where_it_is() -> None:
    world = begun(PURGE, "iterate")
    world.run["metadata"]["finalizers"].insert(0, "a.b/c")
    world.leave()
    for _ in range(8):
        world.turn()
    assert world.run["metadata"]["finalizers"] == ["a.b/c"]


def test_an_owner_who_thinks_better_of_it_keeps_his_results() -> None:
    world = begun(PURGE, "iterate")
    world.edit({"spec.deletionPolicy": "Retain"})
    world.operate()
    assert world.run["metadata"]["finalizers"] == []
    world = begun(PURGE, "iterate")
    world.leave()
    for _ in range(4):
        world.turn("terminate", "bind", "start")
    assert purges(world)
    world.edit({"spec.deletionPolicy": "Retain"})
    world.operate()
    assert world.gone
    assert not purges(world)


def test_a_job_that_fails_lets_the_run_go_and_says_where_the_rest_lies() -> None:
    world = begun(PURGE, "iterate")
    world.ends = (65, BAD)
    world.leave_and_wait()
    assert world.events[-1] == "PurgeAbandoned"
    assert "access denied" in world.said[-1]
    assert "s3://swarms/arithmetic" in world.said[-1]
    assert not purges(world)


def test_no_run_is_held_for_longer_than_its_time() -> None:
    world = begun(PURGE, "iterate")
    world.leave()
    for _ in range(4):
        world.turn("terminate", "bind")  # its container never begins
    assert len(purges(world)) == 1
    assert world.plan.wake_after is not None
    world.now += deletion.PURGE_SECONDS
    world.operate()
    assert world.gone
    assert world.events[-1] == "PurgeAbandoned"
    assert not purges(world)


def test_a_pod_whose_node_is_lost_is_let_go_of_before_the_results_are_deleted() -> None:
    world = begun(PURGE, "iterate")
    (pod,) = world.living("iterate")
    pod["dead"] = True
    world.leave()
    for _ in range(3):
        world.turn("terminate")
    assert not purges(world)
    world.now += 60 + 121
    world.turn()
    assert world.gone or purges(world)


@pytest.mark.parametrize(
    ("patch", "kept"),
    [
        ({}, False),
        ({"metadata.name": "another"}, True),
        ({"spec.storage": {"type": "S3", "s3": {"bucket": "other"}}}, True),
        ({"metadata.deletionTimestamp": "2026-01-01T00:00:00Z"}, True),
        ({"spec.storage": "broken"}, True),
    ],
)
def test_results_that_another_run_has_in_the_same_place_are_left(patch: documents.Patch, kept: bool) -> None:
    world = begun(PURGE, "iterate")
    other = documents.patched({"metadata.namespace": "elsewhere", "metadata.uid": "u-9", **patch}, world.run)
    other["metadata"].pop("finalizers")
    world.others = (other,)
    world.leave_and_wait()
    assert (world.events[-1] == "Purged") is kept
    assert kept or "SwarmRun elsewhere/arithmetic" in world.said[-1]


def test_a_spec_that_nobody_can_read_any_more_holds_nothing() -> None:
    world = begun(PURGE, "iterate")
    world.edit({"spec.base": "broken"})
    world.leave()
    world.operate()
    assert world.gone
    assert world.events[-1] == "PurgeAbandoned"


def test_a_run_that_the_cluster_cannot_carry_out_is_purged_all_the_same() -> None:
    world = begun(PURGE, "iterate")
    world.edit({"spec.execution.kubernetes.podTemplate.nodeSelector": {"not a key": "a"}})
    world.leave_and_wait()
    assert world.events[-1] == "Purged"


@pytest.mark.parametrize("done", range(3))
def test_an_operator_that_dies_anywhere_on_the_way_is_gone_on_with(done: int) -> None:
    world = begun(PURGE, "iterate")
    world.leave()
    for _ in range(40):
        if world.gone:
            break
        world.control()
        for act in pod_world.ACTS:
            for pod in world.pods():
                getattr(world, act)(pod)
        try:
            world.operate(crash_after=done)
        except pod_world.CrashError:
            if not world.gone:
                world.operate()
        world.now += 1.0
    assert world.gone
    assert world.emptied >= 1


def test_somebody_elses_job_that_says_it_purges_stops_nothing() -> None:
    world = begun(pod_world.LOCAL, "iterate")
    labels = {names.RUN_UID_LABEL: "u-1", names.WORK_LABEL: names.PURGE, names.ATTEMPT_LABEL: "1"}
    about = {"name": "mine", "uid": "x", "labels": labels}
    world.things["Job", "mine"] = {"kind": "Job", "metadata": about, "spec": {}, "status": {"conditions": [{}]}}
    world.operate()
    assert world.phase == "Iterating"
