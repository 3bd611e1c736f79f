"""The executor: repeated steps, names that are taken, preconditions, and events."""

import asyncio
from typing import Any

import pytest
from fake_cluster import Failing, FakeCluster

from swarm_operator.api_client.cluster import ApiError, ConflictError, NamespaceTerminatingError, ObjectReference
from swarm_operator.api_client.object_cache import Cache
from swarm_operator.common import names
from swarm_operator.common.reconcile_plan import Create, Delete, Event, ObservedRun, Patch, Plan, SetFinalizers
from swarm_operator.executor import Executor

RUN = ObjectReference("SwarmRun", "a", "run")


class Scene:
    """A run, and the executor of its plans."""

    def __init__(self) -> None:
        self.cluster, self.cache, self.now = FakeCluster(), Cache(), 0.0
        self.run = self.cluster.put(
            {
                "apiVersion": "dataswarm.io/v1alpha1",
                "kind": "SwarmRun",
                "metadata": {"name": "run", "namespace": "a", "uid": "r"},
                "spec": {"seed": 1},
            }
        )
        self.cache.record("SwarmRun", self.run)
        self.executor = Executor(self.cluster, self.cache, lambda: self.now, trust_seconds=60.0)

    def do(self, *steps: Any, status: Any = None, events: tuple[Event, ...] = ()) -> bool:
        observed = self.cache.observe("r")
        assert observed is not None
        return asyncio.run(self.executor.execute(observed, Plan(tuple(steps), status, events)))

    def events(self) -> list[str]:
        return [thing["reason"] for target, thing in self.cluster.objects.items() if target.kind == "Event"]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def child(kind: str, name: str = "c", run: str = "r", **rest: Any) -> dict[str, Any]:
    owner = {"apiVersion": "dataswarm.io/v1alpha1", "kind": "SwarmRun", "name": "run", "uid": run}
    metadata = {"name": name, "labels": {names.RUN_UID_LABEL: run}, "ownerReferences": [owner]}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **rest}


def test_finalizers_are_written_for_the_version_that_was_seen_and_for_no_other(scene: Scene) -> None:
    assert scene.do(SetFinalizers(("a.b/c", names.FINALIZER)))
    assert scene.cluster.objects[RUN]["metadata"]["finalizers"] == ["a.b/c", names.FINALIZER]
    assert scene.cluster.objects[RUN]["spec"] == {"seed": 1}
    scene.cluster.put({**scene.cluster.objects[RUN], "spec": {"seed": 2}})
    with pytest.raises(ConflictError):
        scene.do(SetFinalizers(()))
    assert scene.cluster.objects[RUN]["metadata"]["finalizers"] == ["a.b/c", names.FINALIZER]


def test_a_run_whose_last_finalizer_goes_is_gone_and_its_job_is_deleted_after_it(scene: Scene) -> None:
    scene.do(SetFinalizers((names.FINALIZER,)), Create(unowned("Job", "r")))
    asyncio.run(scene.cluster.delete(RUN, "r"))
    scene.cache.record("SwarmRun", scene.cluster.objects[RUN])
    job = scene.cluster.objects[ObjectReference("Job", "a", "c")]["metadata"]["uid"]
    scene.do(SetFinalizers(()), Delete("Job", "c", job), events=(Event("Normal", "Purged", "12 objects"),))
    assert {target.kind for target in scene.cluster.objects} == {"Event"}


def unowned(kind: str, run: str) -> dict[str, Any]:
    thing = child(kind, run=run)
    del thing["metadata"]["ownerReferences"]
    return thing


def test_a_child_without_an_owner_is_known_by_its_label(scene: Scene) -> None:
    scene.do(Create(unowned("Job", "r")))
    scene.do(Create(unowned("Job", "r")))
    assert scene.cluster.count_creates("Job") == 2
    for other in (unowned("Job", "another"), child("Job", run="another")):
        scene.cluster.objects[ObjectReference("Job", "a", "c")]["metadata"] |= {
            "ownerReferences": [],
            **other["metadata"],
        }
        with pytest.raises(ConflictError, match="does not belong to this run"):
            scene.do(Create(unowned("Job", "r")))


def test_what_was_created_is_known_before_any_watch_tells(scene: Scene) -> None:
    assert scene.do(Create(child("Job")))
    observed = scene.cache.observe("r")
    assert observed is not None
    assert [one["metadata"]["name"] for one in observed.children] == ["c"]


def test_a_create_done_twice_is_done_once(scene: Scene) -> None:
    for _ in range(2):
        scene.do(Create(child("Job", spec={"a": 1})))
    assert len(scene.cluster.objects) == 2


def test_a_child_that_no_watch_shows_is_not_asked_for_again_for_a_while(scene: Scene) -> None:
    assert scene.do(Create(child("ConfigMap")))
    assert not scene.do(Create(child("ConfigMap")))
    assert scene.cluster.count_creates("ConfigMap") == 1
    scene.now = 61.0
    assert scene.do(Create(child("ConfigMap")))
    assert scene.cluster.count_creates("ConfigMap") == 2


def test_a_name_that_belongs_to_another_run_is_never_taken_over(scene: Scene) -> None:
    scene.cluster.put({**child("Job", run="older"), "metadata": {**child("Job", run="older")["metadata"],
                       "namespace": "a", "uid": "x"}})  # fmt: skip
    with pytest.raises(ConflictError, match="does not belong to this run"):
        scene.do(Create(child("Job")))
    observed = scene.cache.observe("r")
    assert observed is not None
    assert observed.children == ()
    assert scene.events() == ["ChildRefused"]


def test_a_child_of_ours_made_from_another_manifest_is_not_passed_off_as_the_one(scene: Scene) -> None:
    scene.do(Create(child("Service", spec={"port": 1})))
    scene.now = 100.0
    with pytest.raises(ConflictError, match="another manifest"):
        scene.do(Create(child("Service", spec={"port": 2})))
    scene.do(Create(child("Service", spec={"port": 2})))
    assert scene.cluster.objects[ObjectReference("Service", "a", "c")]["spec"] == {"port": 2}


def test_a_job_that_runs_is_not_replaced_for_its_manifest(scene: Scene) -> None:
    scene.do(Create(child("Job", spec={"a": 1})))
    first = scene.cluster.objects[ObjectReference("Job", "a", "c")]["metadata"]["uid"]
    scene.cache = scene.executor.cache = Cache()
    scene.cache.record("SwarmRun", scene.run)
    with pytest.raises(ConflictError):
        scene.do(Create(child("Job", spec={"a": 2})))
    observed = scene.cache.observe("r")
    assert observed is not None
    assert [one["metadata"]["uid"] for one in observed.children] == [first], "the next reconcile sees it"


def test_a_secret_is_drawn_once_and_kept(scene: Scene) -> None:
    scene.do(Create(child("Secret"), secret="key"))
    drawn = scene.cluster.objects[ObjectReference("Secret", "a", "c")]["stringData"]["key"]
    scene.now = 100.0
    scene.do(Create(child("Secret"), secret="key"))
    assert scene.cluster.objects[ObjectReference("Secret", "a", "c")]["stringData"]["key"] == drawn
    assert len(drawn) == 64


def test_a_delete_or_patch_of_what_is_gone_or_another_is_success(scene: Scene) -> None:
    scene.do(Create(child("Job")))
    job = scene.cluster.objects[ObjectReference("Job", "a", "c")]
    scene.do(Delete("Job", "c", "another"), Patch("Job", "c", "another", {"spec": {"suspend": True}}))
    assert scene.cluster.objects[ObjectReference("Job", "a", "c")] == job
    scene.do(Delete("Job", "c", job["metadata"]["uid"]))
    scene.do(Delete("Job", "c", job["metadata"]["uid"]), Patch("Job", "c", job["metadata"]["uid"], {"spec": {}}))
    observed = scene.cache.observe("r")
    assert observed is not None
    assert observed.children == ()


def test_a_status_is_written_only_if_it_changed_and_only_to_the_version_that_was_seen(scene: Scene) -> None:
    scene.do(status={"phase": "Preparing", "message": None, "conditions": ()})
    written = scene.cluster.objects[RUN]
    assert written["status"] == {"phase": "Preparing", "conditions": []}
    assert written["spec"] == {"seed": 1}
    scene.cluster.calls.clear()
    scene.do(status={"phase": "Preparing", "conditions": []})
    assert scene.cluster.calls == []
    scene.cluster.put({**written, "spec": {"seed": 2}})  # an edit that no watch told us of
    with pytest.raises(ConflictError):
        scene.do(status={"phase": "Seeding"})
    asyncio.run(scene.executor.refresh(scene.run))
    scene.do(status={"phase": "Seeding"})
    assert scene.cluster.objects[RUN]["spec"] == {"seed": 2}


def test_a_status_is_never_written_to_a_run_of_the_same_name_created_anew(scene: Scene) -> None:
    scene.cluster.put({**scene.run, "metadata": {**scene.run["metadata"], "uid": "newer"}})
    with pytest.raises(ConflictError):
        scene.do(status={"phase": "Seeding"})
    assert "status" not in scene.cluster.objects[RUN]


def test_a_step_that_fails_ends_the_steps_and_not_the_status(scene: Scene) -> None:
    scene.cluster.before_call = Failing("create", "Job", ApiError("exceeded quota: gpus", 403))
    with pytest.raises(ApiError, match="quota"):
        scene.do(Create(child("Job")), Create(child("ConfigMap")), status={"phase": "Preparing"})
    assert scene.cluster.objects[RUN]["status"] == {"phase": "Preparing"}
    assert scene.cluster.count_creates("ConfigMap") == 0
    assert scene.events() == ["QuotaExceeded"]


def test_a_webhook_that_does_not_respond_is_reported_although_the_server_calls_it_its_own_failure(scene: Scene) -> None:
    words = 'Internal error occurred: failed calling webhook "policy.example": service "policy" not found'
    scene.cluster.before_call = Failing("create", "Job", ApiError(words, 500))
    with pytest.raises(ApiError):
        scene.do(Create(child("Job")))
    assert scene.events() == ["WebhookDenied"]


def test_an_answer_that_was_lost_is_found_out(scene: Scene) -> None:
    scene.cluster.after_call = Failing("create", "Job", ApiError("no answer"))
    with pytest.raises(ApiError):
        scene.do(Create(child("Job")))
    assert scene.do(Create(child("Job")))
    assert len([target for target in scene.cluster.objects if target.kind == "Job"]) == 1
    assert scene.events() == [], "a server that is away is nobody's news"


def test_an_event_is_told_once_and_its_loss_stops_nothing(scene: Scene) -> None:
    event = Event("Normal", "Seeded", "all of them")
    scene.cluster.before_call = Failing("create", "Event", ApiError("forbidden", 403))
    scene.do(events=(event,))
    assert scene.events() == []
    for _ in range(2):
        scene.do(events=(event,))
    scene.executor = Executor(scene.cluster, scene.cache, lambda: 0.0, 60.0)
    scene.do(events=(event,))
    assert scene.events() == ["Seeded"]


def test_a_run_that_went_meanwhile_is_forgotten(scene: Scene) -> None:
    observed = ObservedRun(scene.run)
    del scene.cluster.objects[RUN]
    asyncio.run(scene.executor.execute(observed, Plan(status={"phase": "Seeding"})))
    assert scene.cache.observe("r") is None


@pytest.mark.parametrize("deleting", [False, True])
def test_a_namespace_that_is_being_deleted_holds_no_run(
    scene: Scene, deleting: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be created there is no failure that anybody resolves; a run with our finalizer goes at once."""
    caplog.set_level("INFO")
    refusal = NamespaceTerminatingError("jobs is forbidden: namespace a is being terminated", 403)
    scene.cluster.before_call = Failing("create", "Job", refusal)
    metadata = {**scene.cluster.objects[RUN]["metadata"], "finalizers": ["x/y", names.FINALIZER]}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    spec = {"storage": {"type": "S3", "s3": {"bucket": "swarms"}}}
    scene.cache.record("SwarmRun", scene.cluster.put({**scene.run, "metadata": metadata, "spec": spec}))
    scene.do(Create(child("Job")))
    kept = scene.cluster.objects[RUN]["metadata"]["finalizers"]
    assert kept == (["x/y"] if deleting else ["x/y", names.FINALIZER])
    assert ("its results stay at s3://swarms/run" in caplog.text) is deleting
    assert scene.events() == []
