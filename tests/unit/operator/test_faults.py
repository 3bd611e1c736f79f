"""Faults of the operator: whatever is killed, lost, late or doubled, the run ends the same and leaves nothing over."""

import contextlib
import functools
import json

import pod_world
from engine_simulation import without_times
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from pod_cluster import KubernetesObject
from pod_world import CrashError, World

from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Receipt
from swarm_operator.common import names, timestamps
from swarm_operator.common.reconcile_plan import ObservedRun

WAYS = {
    "Local": lambda: pod_world.run(pod_world.LOCAL),
    "servers": lambda: pod_world.run(pod_world.SERVED),
    "a game, Local": lambda: pod_world.game(pod_world.LOCAL),
    "a game, servers": lambda: pod_world.game(pod_world.GAME_SERVED),
}
INDEX = st.integers(0, 7)


@functools.cache
def undisturbed(way: str, last: int) -> tuple[EngineState, dict[str, Receipt]]:
    world = World(WAYS[way](), last)
    world.drive()
    return without_times(world.state), world.store


class Faults(RuleBasedStateMachine):
    """Every fault that the operator must survive, in any order."""

    @initialize(way=st.sampled_from(sorted(WAYS)), last=st.integers(0, 3), turns=st.integers(0, 8))
    def begin(self, way: str, last: int, turns: int) -> None:
        self.way = way
        self.world = World(WAYS[way](), last)
        self.views: list[ObservedRun] = []
        for _ in range(turns):
            self.world.turn()

    # --- what goes on by itself

    @rule()
    def everybody_acts(self) -> None:
        self.world.turn()

    @rule()
    def the_operator_looks(self) -> None:
        self.views.append(self.world.observed())
        self.world.operate()

    @rule()
    def controllers_act(self) -> None:
        self.world.control()

    @rule(index=INDEX, act=st.sampled_from(["bind", "start", "finish", "terminate"]))
    def the_kubelet_acts(self, index: int, act: str) -> None:
        self.on_a_pod(index, getattr(self.world, act))

    @rule(seconds=st.sampled_from([1.0, 30.0, 400.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds

    # --- what goes wrong with the operator

    @rule(after=st.integers(0, 6))
    def the_operator_crashes(self, after: int) -> None:
        with contextlib.suppress(CrashError):
            self.world.operate(crash_after=after)

    @rule(index=INDEX)
    def an_old_leader_acts_on_an_old_view(self, index: int) -> None:
        """It may start work that is running already. That costs accelerators and nothing else."""
        if self.views:
            self.world.alone = False
            self.world.operate(seen=self.views[max(0, len(self.views) - 1 - index)])

    @rule()
    def the_state_is_lost(self) -> None:
        self.world.run.pop("status", None)
        self.world.spent = 0.0
        self.world.touch()

    # --- what goes wrong with pods and Jobs

    @rule(index=INDEX, code=st.sampled_from([1, 137, 139]))
    def a_container_fails(self, index: int, code: int) -> None:
        reason = "OOMKilled" if code == 137 else "Error"
        message = json.dumps({"failed": {"key": "k", "attempt": 1, "reason": "Error", "message": "StoreError: 503"}})
        self.on_a_pod(index, lambda pod: self.world.end(pod, code, message, reason=reason), names.SERVE)

    @rule(index=INDEX)
    def a_pod_is_evicted(self, index: int) -> None:
        self.on_a_pod(index, lambda pod: self.world.end(pod, 137, disrupted=True))

    @rule(index=INDEX)
    def a_pod_is_deleted(self, index: int) -> None:
        self.on_a_pod(index, lambda pod: self.world.delete("Pod", pod["metadata"]["name"]))

    @rule(index=INDEX)
    def a_pod_vanishes_with_its_receipt(self, index: int) -> None:
        if pods := self.world.pods():
            self.world.things.pop(("Pod", pods[index % len(pods)]["metadata"]["name"]))

    @rule(index=INDEX)
    def a_node_is_lost(self, index: int) -> None:
        def lose(pod: KubernetesObject) -> None:
            pod["dead"] = True
            self.world.delete("Pod", pod["metadata"]["name"])

        self.on_a_pod(index, lose)

    @rule(index=INDEX)
    def a_receipt_is_cut_short(self, index: int) -> None:
        pods = [pod for pod in self.world.pods() if pod["status"]["phase"] == "Succeeded"]
        if pods:
            state = pods[index % len(pods)]["status"]["containerStatuses"][0]["state"]
            state["terminated"]["message"] = state["terminated"]["message"][:40]

    @rule(index=INDEX)
    def a_child_is_deleted(self, index: int) -> None:
        children = self.world.all("Job") + self.world.all("Deployment")
        if children:
            child = children[index % len(children)]
            self.world.delete(child["kind"], child["metadata"]["name"])

    @rule(index=INDEX)
    def a_server_starts_again(self, index: int) -> None:
        servers = [pod for pod in self.world.living(names.SERVE) if pod["status"]["phase"] == "Running"]
        if servers:
            pod = servers[index % len(servers)]
            pod["status"]["conditions"] = [one for one in pod["status"]["conditions"] if one["type"] != "Ready"]

    @rule()
    def somebody_labels_something_of_his_own(self) -> None:
        labels = {names.RUN_UID_LABEL: "u-1", names.WORK_LABEL: "iterate", names.ATTEMPT_LABEL: "many"}
        thing = {"kind": "Job", "metadata": {"name": "x", "uid": "x", "labels": labels}, "status": {}, "spec": {}}
        self.views.append(ObservedRun(self.world.run, (thing, {"kind": "Pod"}, {**thing, "kind": "Deployment"})))
        self.world.operate(seen=ObservedRun(self.world.run, (*self.world.observed().children, thing, {"kind": "Pod"})))

    # --- what its owner does

    @rule(held=st.booleans())
    def the_owner_suspends_or_resumes(self, held: bool) -> None:
        self.world.edit({"spec.suspend": held})

    @rule(key=st.sampled_from(["arch", "-no/label-"]))
    def the_owner_breaks_or_mends_the_spec(self, key: str) -> None:
        self.world.edit({"spec.execution.kubernetes.podTemplate": {"nodeSelector": {key: ""}}})

    @precondition(lambda self: self.world.over)
    @rule()
    def the_owner_runs_a_failed_run_again(self) -> None:
        self.world.edit({"spec.rerun": self.world.serial("again")})

    def on_a_pod(self, index: int, act: object, never: str = "") -> None:
        pods = [pod for pod in self.world.living() if pod["metadata"]["labels"][names.WORK_LABEL] != never]
        if pods:
            act(pods[index % len(pods)])  # type: ignore[operator]

    def teardown(self) -> None:
        """After the faults, the run succeeds as if there had been none, and leaves no pod alive."""
        if not hasattr(self, "world"):
            return
        for pod in self.world.living():
            if "dead" in pod:
                self.world.now = max(self.world.now, timestamps.parse(pod["metadata"]["deletionTimestamp"]) + 121)
        self.world.edit({"spec.suspend": False, "spec.execution.kubernetes.podTemplate": {}})
        self.world.drive()
        state, store = undisturbed(self.way, self.world.last)
        assert without_times(self.world.state) == state
        assert self.world.store == store
        assert not self.world.living()
        assert not any(one["spec"]["replicas"] for one in self.world.all("Deployment"))


TestFaults = Faults.TestCase
TestFaults.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


def test_a_server_is_not_made_again_while_its_old_pod_holds_accelerators() -> None:
    """The servers change, and the operator crashes after it deleted their Deployments."""
    faults = Faults()
    faults.begin("servers", 0, 4)
    faults.the_owner_breaks_or_mends_the_spec("arch")
    faults.everybody_acts()
    faults.the_operator_crashes(5)
    held = [pod["metadata"]["name"] for pod in faults.world.living(names.SERVE)]
    assert held
    assert not faults.world.all("Deployment")
    faults.controllers_act()
    faults.the_operator_looks()
    assert [pod["metadata"]["name"] for pod in faults.world.living(names.SERVE)] == held
    faults.teardown()
