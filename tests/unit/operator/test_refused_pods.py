"""Pods that the API server refuses, pods that are evicted again and again, and what an edit does about them."""

from dataclasses import replace
from typing import Any

import pod_world
import pytest
from pod_cluster import KubernetesObject
from pod_world import World

from swarm_operator.common import names
from swarm_operator.common.reconcile_plan import Plan
from swarm_operator.reconciler import diagnosis, observations

QUOTA = 'pods "arithmetic-prepare-x7k2p" is forbidden: exceeded quota: team, requested: cpu=1, used: cpu=8'
WORDS = "is forbidden: exceeded quota: team, requested: cpu=1, used: cpu=8"
KUBERNETES = "spec.execution.kubernetes"


class Refusing(World):
    """A cluster whose API server refuses every pod."""

    refusing = True

    def make_pod(self, owner: KubernetesObject, index: int) -> KubernetesObject:
        if self.refusing:
            return {"status": {"phase": "none"}, "index": index}
        return super().make_pod(owner, index)

    def operate_refused(self) -> Plan:
        """Reconcile with the events of the Jobs, as the host reads them."""
        events = tuple(
            {"type": "Warning", "reason": "FailedCreate", "message": QUOTA, "involvedObject": job["metadata"]}
            for job in self.all("Job")
        )
        return self.operate(seen=replace(self.observed(), events=events if self.refusing else ()))


def message(world: World, kind: str = "Ready") -> str:
    (told,) = [one for one in world.run["status"]["conditions"] if one["type"] == kind]
    return f"{told['reason']}: {told['message']}"


def test_the_words_that_refuse_the_pods_of_a_job_are_in_conditions_and_one_event() -> None:
    world = Refusing(pod_world.run(pod_world.LOCAL))
    for _ in range(5):
        plan = world.operate_refused()
        world.control()
        world.now += 60.0
    for kind in ("Ready", "Reconciling"):
        assert message(world, kind).startswith("QuotaExceeded: Job arithmetic")
        assert WORDS in message(world, kind)
    assert world.events.count("QuotaExceeded") == 1
    assert plan.wake_after is not None
    assert plan.wake_after <= 60.0
    world.refusing = False
    world.drive()
    assert world.phase == "Succeeded"


@pytest.mark.parametrize("work", ["train", "iterate"])
def test_the_words_that_refuse_the_replacement_of_an_ended_pod_are_told(work: str) -> None:
    world = Refusing(pod_world.run(pod_world.LOCAL))
    world.refusing = False
    world.until(work)
    world.refusing = True
    for pod in world.living(work):
        world.end(pod, 137, disrupted=True)
    world.turn("terminate")
    world.now += diagnosis.POD_CREATION_SECONDS
    world.operate_refused()
    assert message(world).startswith("QuotaExceeded: Job arithmetic")
    assert WORDS in message(world)
    world.refusing = False
    world.drive()
    assert {key.split("/")[1] for key in world.launched} == {"1"}


def test_a_lower_request_remakes_the_job_whose_pods_never_began() -> None:
    world = Refusing(pod_world.run(pod_world.LOCAL))
    world.operate_refused()
    before = world.all("Job")[0]["metadata"]["uid"]
    world.now += 60.0
    world.operate_refused()
    assert world.all("Job")[0]["metadata"]["uid"] == before
    world.edit({f"{KUBERNETES}.worker": {"cpu": "100m"}})
    world.operate_refused()
    world.operate_refused()
    (job,) = world.all("Job")
    assert job["metadata"]["uid"] != before
    assert job["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "100m"


EDITS: list[dict[str, Any]] = [
    {f"{KUBERNETES}.image": {"trainer": "mended:1"}},
    {f"{KUBERNETES}.trainer": {"accelerators": 1, "memory": "1Gi"}},
    {"spec.storage.s3.credentialsSecretRef": {"name": "store-2"}},
    {f"{KUBERNETES}.podTemplate.annotations": {"sidecar.istio.io/inject": "false"}},
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: next(iter(edit)))
@pytest.mark.parametrize("work", ["train", "iterate", "conclude"])
def test_an_edit_remakes_what_has_not_begun_and_leaves_what_has(work: str, edit: dict[str, Any]) -> None:
    for begun in (False, True):
        world = World(pod_world.run(pod_world.LOCAL))
        world.until(work)
        pod = world.living(work)[0]
        if not begun:
            for one in world.living(work):
                one["status"]["phase"] = "Pending"
                del one["status"]["containerStatuses"]
        world.edit(edit)
        world.operate()
        kept = any(job["metadata"]["uid"] == pod["owner"] for job in world.all("Job"))
        assert kept is begun
        world.drive()
        assert {key.split("/")[1] for key in world.launched} == {"1"}


def test_an_invalid_edit_leaves_what_runs_and_starts_nothing() -> None:
    world = World(pod_world.run(pod_world.SERVED))
    world.until("iterate")
    running, launched = {pod["metadata"]["uid"] for pod in world.living()}, len(world.launched)
    world.edit({f"{KUBERNETES}.servers.replicas": 64})
    world.operate()
    assert world.conditions()["Validated"] == ("False", "InvalidSpec")
    assert {pod["metadata"]["uid"] for pod in world.living()} == running
    for _ in range(4):
        world.turn()
    assert len(world.launched) == launched
    assert not world.living(), "with nothing to ask them, servers are let go"
    world.edit({f"{KUBERNETES}.servers.replicas": 1})
    world.drive()
    assert world.phase == "Succeeded"
    assert {key.split("/")[1] for key in world.launched} == {"1"}


def test_a_run_whose_edit_is_invalid_can_be_suspended() -> None:
    world = World(pod_world.run(pod_world.SERVED))
    world.until("iterate")
    world.edit({f"{KUBERNETES}.servers.replicas": 64, "spec.suspend": True})
    world.turn()
    world.turn()
    assert not world.living()


def refuse_servers(world: World) -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": QUOTA}
    for one in world.all("Deployment"):
        one["status"]["conditions"] = [failure] if one["spec"]["replicas"] else []


def test_the_words_that_refuse_servers_are_told_also_while_they_wait_for_their_next_start() -> None:
    world = Refusing(pod_world.run(pod_world.SERVED))
    world.refusing = False
    for _ in range(60):
        if world.all("Deployment"):
            break
        world.turn()
        world.now += 1.0
    for pod in world.pods(names.SERVE):
        world.things.pop(("Pod", pod["metadata"]["name"]))
    world.refusing = True
    refuse_servers(world)
    world.operate()
    assert message(world).startswith("QuotaExceeded: Deployment ")
    assert WORDS in message(world)
    world.now += 400.0
    world.operate()
    assert world.run["status"]["servers"]["phase"] == "Waiting"
    refuse_servers(world)
    world.operate()
    assert message(world).startswith("ServersNotReady: ")
    assert WORDS in message(world)
    assert "QuotaExceeded" in world.events


def evict(world: World, pod: KubernetesObject, *, disrupted: bool) -> None:
    world.end(pod, 137, disrupted=disrupted)
    pod["status"] |= {"reason": "Evicted", "message": "The node was low on resource: ephemeral-storage."}


def test_evictions_by_a_node_under_pressure_are_told_and_bounded() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("iterate")
    evictions = 0
    for _ in range(200):
        if world.over:
            break
        for pod in world.living("iterate"):
            if pod["status"]["phase"] == "Running":
                evict(world, pod, disrupted=True)
                evictions += 1
                if evictions == 3:
                    world.operate()
                    assert message(world).startswith("PodsLost: Job ")
                    assert "3 times" in message(world)
        world.turn("terminate", "bind", "start")
        world.now += 300.0
    assert world.phase == "Failed"
    assert "The node was low on resource" in world.run["status"]["message"]
    attempts = world.run["spec"]["execution"]["attempts"]
    assert observations.EVICTION_LIMIT <= evictions <= 2 * attempts * observations.EVICTION_LIMIT
    world.turn()
    assert not world.living()


def test_a_pod_that_exceeds_its_own_limit_costs_an_attempt_and_names_the_field() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("iterate")
    evict(world, world.living("iterate")[0], disrupted=False)
    world.turn("terminate")
    assert world.conditions()["Reconciling"] == ("True", "Evicted")
    assert "ephemeralStorage" in message(world, "Reconciling")
    world.drive()
    assert "iterate.generators.0000/2" in world.launched
