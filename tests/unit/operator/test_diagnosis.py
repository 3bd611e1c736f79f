"""Problems of pods: their cost in attempts, and their report."""

import json
from collections.abc import Callable

import pod_world
import pytest
from engine_simulation import without_times
from pod_cluster import KubernetesObject
from pod_world import World

from swarm_core.engine.work import Failed, Kind, Receipt, WorkItem
from swarm_core.recipe import digest_bytes
from swarm_operator.common import names, timestamps
from swarm_operator.common.children import ContainerExit, Pod
from swarm_operator.common.reconcile_plan import Delete, Patch
from swarm_operator.reconciler import termination_message
from swarm_operator.reconciler.observations import STUCK_SECONDS

Break = Callable[[World, KubernetesObject], None]


def begun(work: str, patch: dict = pod_world.LOCAL) -> World:
    world = World(pod_world.run(patch))
    world.until(work)
    return world


def said(reason: str, message: str, code: str = "") -> str:
    return json.dumps({"failed": {"key": "k", "attempt": 1, "reason": reason, "code": code, "message": message}})


def drained(world: World, pod: KubernetesObject) -> None:
    world.end(pod, 75, said("Lost", "told to end"))


def evicted(world: World, pod: KubernetesObject) -> None:
    world.end(pod, 137, disrupted=True)


def deleted(world: World, pod: KubernetesObject) -> None:
    world.delete("Pod", pod["metadata"]["name"])


def vanished(world: World, pod: KubernetesObject) -> None:
    world.things.pop(("Pod", pod["metadata"]["name"]))


def done_and_gone(world: World, pod: KubernetesObject) -> None:
    """The receipt is in the store, but the pod is gone before the operator read it."""
    world.finish(pod)
    world.control()
    vanished(world, pod)


def without_its_job(world: World, pod: KubernetesObject) -> None:
    (job,) = [job for job in world.all("Job") if job["metadata"]["uid"] == pod["owner"]]
    world.delete("Job", job["metadata"]["name"])


@pytest.mark.parametrize("work", ["prepare", "train", "iterate", "conclude"])
@pytest.mark.parametrize("happens", [drained, evicted, deleted, vanished, done_and_gone, without_its_job])
def test_what_the_cluster_does_to_a_pod_costs_no_attempt(work: str, happens: Break) -> None:
    world, plain = begun(work), World(pod_world.run(pod_world.LOCAL))
    happens(world, world.living(work)[0])
    world.drive()
    plain.drive()
    assert {key.split("/")[1] for key in world.launched} == {"1"}
    assert without_times(world.state) == without_times(plain.state)


@pytest.mark.parametrize(
    "message", ["", "not json", '{"key": "iterate.gen', '{"key": "other", "outputs": {}, "scalars": {}}', "[]"]
)
def test_a_receipt_that_cannot_be_read_costs_an_attempt_and_is_written_again(message: str) -> None:
    world = begun("iterate")
    world.end(world.living("iterate")[0], 0, message)
    world.drive()
    assert "iterate.generators.0000/2" in world.launched


CASES = [
    (137, "OOMKilled", "", "OOMKilled"),
    (1, "Error", said("Error", "StoreError: 503", "StoreUnreachable"), "StoreUnreachable"),
]


@pytest.mark.parametrize(("code", "reason", "message", "told"), CASES)
def test_people_are_told_why_an_attempt_failed(code: int, reason: str, message: str, told: str) -> None:
    world = begun("iterate")
    world.end(world.living("iterate")[0], code, message, reason=reason)
    world.turn("terminate")
    assert world.conditions()["Reconciling"] == ("True", told)
    assert {"AttemptFailed", told} <= set(world.events)
    world.drive()
    assert world.phase == "Succeeded"


def test_people_are_told_what_a_pod_waits_for() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.turn("terminate")
    world.control()
    (pod,) = world.living()
    waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    pod["status"]["conditions"] = [waits]
    world.operate()
    assert world.conditions()["Ready"] == ("False", "Unschedulable")
    pod["status"]["conditions"] = []
    world.bind(pod)
    pull = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    world.set_state(pod, pull)
    world.operate()
    assert world.conditions()["Reconciling"] == ("True", "ImagePullBackOff")
    world.now += 1_000_000.0
    world.operate()
    assert world.state.attempts == {}, "who waits does not run, and has no deadline"
    world.drive()
    assert world.conditions()["Ready"] == ("True", "Succeeded")


def test_bad_input_ends_the_run_and_what_runs_beside_it() -> None:
    world = begun("train")
    world.end(world.living("train")[0], 65, said("BadInput", "the cluster holds 3 items; give more"))
    world.turn("terminate")
    for _ in range(3):
        world.turn("terminate", "bind", "start")
    assert world.phase == "Failed"
    assert "the cluster holds 3 items" in world.run["status"]["message"]
    assert not world.living()


def test_a_pod_whose_node_is_lost_is_let_go_and_its_item_done_elsewhere() -> None:
    world = begun("iterate")
    (pod,) = world.living("iterate")
    pod["dead"] = True
    world.delete("Pod", pod["metadata"]["name"])
    due = timestamps.parse(pod["metadata"]["deletionTimestamp"])
    assert due is not None
    world.now = due + STUCK_SECONDS - 1
    plan = world.operate()
    assert not plan.steps
    assert plan.wake_after is not None
    assert plan.wake_after <= 1.0
    world.now = due + STUCK_SECONDS + 1
    steps = world.operate().steps
    assert [type(step) for step in steps] == [Delete, Patch]
    assert isinstance(steps[0], Delete)
    assert (steps[0].name, steps[0].grace_seconds) == (pod["metadata"]["name"], 0)
    assert world.conditions()["Reconciling"] == ("True", "NodeLost")
    world.drive()
    assert {key.split("/")[1] for key in world.launched} == {"1"}


def test_a_server_that_refuses_its_model_fails_the_run() -> None:
    world = begun("iterate", pod_world.SERVED)
    server = world.living(names.SERVE)[0]
    ended = {"exitCode": 65, "message": said("BadInput", "models/other: no base of this run"), "reason": "Error"}
    server["status"]["containerStatuses"][0]["lastState"] = {"terminated": ended}
    server["status"]["conditions"] = [one for one in server["status"]["conditions"] if one["type"] != "Ready"]
    world.end(world.living("iterate")[0], 1, said("Error", "InferenceError: refused"))
    world.turn("terminate")
    world.turn("terminate")
    assert world.conditions()["Stalled"] == ("True", "ModelRefused")
    for _ in range(3):
        world.turn("terminate")
    assert not world.living()


ENDS = [
    (0, "Completed", False, None, "Error"),
    (1, "Error", False, None, "Error"),
    (65, "Error", False, None, "BadInput"),
    (75, "Error", False, None, "Lost"),
    (137, "Error", False, None, "Error"),
    (137, "Error", False, 5.0, "Lost"),
    (143, "Error", False, 5.0, "Lost"),
    (137, "OOMKilled", False, 5.0, "Error"),
    (137, "OOMKilled", True, None, "Lost"),
    (1, "Error", True, None, "Lost"),
    (None, "", False, None, "Lost"),
]


@pytest.mark.parametrize(("code", "reason", "disrupted", "deleted", "expected"), ENDS)
def test_an_end_without_a_receipt_is_what_its_exit_says(
    code: int | None, reason: str, disrupted: bool, deleted: float | None, expected: str
) -> None:
    ended = None if code is None else ContainerExit(code, reason, "")
    pod = Pod("p", "u", "prepare", "j", "prepare", 1, 0, 0, 1.0, 1.0, 1.0, None, 9.0, deleted, ended, disrupted)
    found = termination_message.read_outcome(pod, WorkItem(Kind.PREPARE))
    assert isinstance(found, Failed)
    assert (str(found.reason), found.at) == (expected, 9.0)


def test_words_are_cut_to_bytes_and_hold_nothing_that_cannot_be_shown() -> None:
    assert termination_message.fit_into_status("a\n\tb\x07 c") == "a b c"
    assert len(termination_message.fit_into_status("ü" * 1000).encode()) <= termination_message.MESSAGE_BYTES
    assert termination_message.fit_into_status("ü" * 1000).endswith("ü…")


def test_a_receipt_that_lacks_what_follows_needs_is_no_receipt() -> None:
    item = WorkItem(Kind.PREPARE)
    whole = Receipt(item.key, {"experiment": digest_bytes(b"")})
    assert termination_message.parse_receipt(whole.to_bytes().decode(), item) == whole
    assert termination_message.parse_receipt(Receipt(item.key).to_bytes().decode(), item) is None
