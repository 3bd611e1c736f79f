"""The operator's shell on a real control plane.

A run is a chain of Jobs, and its digest proves every step and their order.

Whatever is killed, taken over, deleted or stopped, a chain ends in the digest of an undisturbed one. The node runs
every step once, unless the test itself destroyed the result.
"""

import json
import random
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import chain_reconciler
import pytest
from cluster_environment import CHILDREN, ClusterNamespace
from control_plane import free_ports
from operator_process import OperatorProcess
from process_node import Answer
from stalling_proxy import StallingProxy

from swarm_operator.common.names import RUN_UID_LABEL

pytestmark = pytest.mark.cluster
LEASE = "/apis/coordination.k8s.io/v1/namespaces/{}/leases/dataswarm-operator"
TAKE_OVER_SECONDS = 15
CHAIN = "chain_operator"
JOB_CONTROLLER_SECONDS = 330
"""A Job that is made again under its old name may wait until the Job controller forgets the old one,
after 5 minutes."""
MOST_MEGABYTES = 120
"""Of a process at work: what it has imported, and its cache."""


def steps(site: ClusterNamespace) -> Counter[tuple[str, ...]]:
    """How often each step started, by run, parent and number."""
    return Counter(
        (pod["metadata"]["labels"][RUN_UID_LABEL], *pod["spec"]["containers"][0]["args"])
        for node in site.nodes
        for pod in node.history
    )


def assert_whole(site: ClusterNamespace, name: str, length: int = 3) -> None:
    """Check that the run succeeds with the digest of an undisturbed one."""
    assert site.succeeded(name)["status"]["message"] == chain_reconciler.chain_digest(length)


def slow(pod: Any) -> Answer:
    return chain_reconciler.container_answer(pod, seconds=0.5)


def test_a_run_goes_to_its_end_and_only_its_status_is_written(site: ClusterNamespace) -> None:
    site.node("n", chain_reconciler.container_answer)
    operator = site.operator("a", module=CHAIN)
    before = site.create("first")
    assert_whole(site, "first")
    after = site.run("first")
    assert after["spec"] == before["spec"]
    own = {name: part for name, part in after["metadata"].items() if name not in ("managedFields", "resourceVersion")}
    assert own == {name: part for name, part in before["metadata"].items() if name in own}
    written = {(entry["manager"], entry.get("subresource")) for entry in after["metadata"]["managedFields"]}
    assert ("dataswarm-operator", "status") in written
    assert not [part for manager, part in written if manager == "dataswarm-operator" and part != "status"]
    assert set(steps(site).values()) == {1}
    assert operator.stop() == 0


def test_what_happened_is_told_once_as_an_event(site: ClusterNamespace) -> None:
    site.node("n", chain_reconciler.container_answer)
    first = site.operator("a", module=CHAIN)
    site.create("told")
    assert_whole(site, "told")
    events = f"/api/v1/namespaces/{site.namespace}/events?fieldSelector=involvedObject.name=told"
    site.until(lambda: site.api.items(events), 10, "the event is there")
    first.kill()
    site.operator("b", module=CHAIN)
    site.create("later")
    assert_whole(site, "later")
    assert [event["reason"] for event in site.api.items(events)] == ["Succeeded"]


def test_killed_again_and_again_it_ends_in_the_same_result(site: ClusterNamespace) -> None:
    draw = random.Random(7)
    site.node("n", slow)
    site.create("killed", {"spec.swarm": {"iterations": 6}})
    for number in range(3):
        operator = site.operator(f"k{number}", module=CHAIN)
        leads = lambda log=operator.log: "is leader" in log.read_text()  # noqa: E731
        site.until(leads, 30, "it leads")
        time.sleep(draw.uniform(0, 0.9))
        operator.kill()
    site.operator("last", module=CHAIN)
    assert_whole(site, "killed", 6)
    assert set(steps(site).values()) == {1}


def test_of_two_operators_one_leads_and_the_other_takes_over(site: ClusterNamespace) -> None:
    site.node("n", slow)
    replicas = [site.operator(name, module=CHAIN) for name in ("a", "b")]
    site.create("first", {"spec.swarm": {"iterations": 6}})
    leader = leading(site, replicas)
    site.until(lambda: site.run("first").get("status", {}).get("iteration", 0) >= 1, 30, "it began")
    leader.kill()
    other = next(one for one in replicas if one is not leader)
    site.until(lambda: "is leader" in other.log.read_text(), TAKE_OVER_SECONDS, "the other leads")
    assert_whole(site, "first", 6)
    assert set(steps(site).values()) == {1}


def test_a_clean_stop_hands_the_lease_over_at_once(site: ClusterNamespace) -> None:
    site.node("n", chain_reconciler.container_answer)
    slowly = {"DATASWARM_LEASE_SECONDS": "60"}
    replicas = [site.operator(name, module=CHAIN, settings=slowly) for name in ("a", "b")]
    leader = leading(site, replicas)
    site.create("first")
    assert_whole(site, "first")
    assert leader.stop() == 0
    other = next(one for one in replicas if one is not leader)
    site.until(lambda: "is leader" in other.log.read_text(), 5, "the other leads, long before the Lease runs out")


def test_a_leader_that_was_paused_does_no_harm_when_it_wakes(site: ClusterNamespace) -> None:
    site.node("n", slow)
    replicas = [site.operator(name, module=CHAIN) for name in ("a", "b")]
    site.create("first", {"spec.swarm": {"iterations": 8}})
    leader = leading(site, replicas)
    site.until(lambda: site.run("first").get("status", {}).get("iteration", 0) >= 1, 30, "it began")
    leader.pause()
    other = next(one for one in replicas if one is not leader)
    site.until(lambda: "is leader" in other.log.read_text(), TAKE_OVER_SECONDS, "the other leads")
    leader.wake()
    assert_whole(site, "first", 8)
    assert set(steps(site).values()) == {1}
    site.until(lambda: "is no longer leader" in leader.log.read_text(), 5, "it knows")
    assert other.alive()


def test_a_stolen_lease_stops_the_leader_until_the_thief_is_silent(site: ClusterNamespace) -> None:
    site.node("n", slow)
    operator = site.operator("a", module=CHAIN)
    site.create("first", {"spec.swarm": {"iterations": 6}})
    site.until(lambda: site.run("first").get("status", {}).get("iteration", 0) >= 1, 30, "it began")
    path = LEASE.format(site.namespace)
    status, _ = site.api.merge(path, {"spec": {"holderIdentity": "thief", "leaseDurationSeconds": 3}})
    assert status == 200
    site.until(lambda: "is no longer leader" in operator.log.read_text(), 5, "it stops")
    version = site.run("first")["metadata"]["resourceVersion"]
    time.sleep(0.9)
    assert site.run("first")["metadata"]["resourceVersion"] == version
    assert_whole(site, "first", 6)
    assert site.api.call("GET", path)[1]["spec"]["leaseTransitions"] == 1


@pytest.mark.timeout(900)
def test_jobs_and_pods_may_be_deleted_under_it(site: ClusterNamespace) -> None:
    draw = random.Random(3)
    site.node("n", slow)
    site.operator("a", module=CHAIN)
    site.create("robbed", {"spec.swarm": {"iterations": 5}})
    for _ in range(6):
        kind = draw.choice(("Job", "Pod"))
        found = site.until(lambda kind=kind: site.children(kind), JOB_CONTROLLER_SECONDS, f"there is a {kind}")
        victim = draw.choice(found)["metadata"]["name"]
        path = CHILDREN[kind].format(site.namespace)
        site.api.call("DELETE", f"{path}/{victim}", {"propagationPolicy": "Background"})
        time.sleep(draw.uniform(0, 0.8))
    assert_whole(site, "robbed", 5)


def test_a_node_may_be_lost_and_come_back(site: ClusterNamespace) -> None:
    nodes = [site.node(name, slow) for name in ("n", "m")]
    site.operator("a", module=CHAIN)
    site.create("lost", {"spec.swarm": {"iterations": 4}})
    pod = site.until(lambda: [pod for pod in site.children("Pod") if pod["spec"].get("nodeName")], 30, "a pod runs")[0]
    lost = next(node for node in nodes if node.name == pod["spec"]["nodeName"])
    lost.silent.set()
    site.until(lambda: ready(site, lost.name) != "True", 30, "it is NotReady")
    lost.silent.clear()
    assert_whole(site, "lost", 4)


def test_the_api_server_may_be_restarted(site: ClusterNamespace) -> None:
    site.node("n", slow)
    operator = site.operator("a", module=CHAIN)
    site.create("first", {"spec.swarm": {"iterations": 6}})
    site.until(lambda: site.run("first").get("status", {}).get("iteration", 0) >= 1, 30, "it began")
    site.plane.restart_api(down_seconds=0.9)
    assert_whole(site, "first", 6)
    # A Job controller that got no answer to the creation of a pod makes another: at most one create is on its way.
    assert sum(steps(site).values()) <= len(steps(site)) + 1
    assert operator.alive()


def test_a_watch_that_hangs_is_made_good_by_lists(site: ClusterNamespace) -> None:
    site.node("n", chain_reconciler.container_answer)
    proxy = StallingProxy(site.plane.port)
    try:
        path = site.folder / "proxied.kubeconfig"
        through = site.plane.write_kubeconfig(path, "operator-tests", f"https://127.0.0.1:{proxy.port}")
        site.operator("a", module=CHAIN, kubeconfig=through)
        site.create("before")
        assert_whole(site, "before")
        proxy.stall()
        site.create("after", {"spec.swarm": {"iterations": 2}})
        assert_whole(site, "after", 2)
        assert proxy.stalled >= 4, "no watch was open"
    finally:
        proxy.close()


def test_no_ghost_is_kept_of_what_was_deleted_unseen(site: ClusterNamespace) -> None:
    site.node("n", chain_reconciler.container_answer)
    operator = site.operator("a", module=CHAIN)
    for name in ("gone", "stays"):
        site.create(name)
        assert_whole(site, name)
    site.create("endless", {"spec.swarm": {"iterations": 400}})
    site.until(lambda: site.children("Job"), 30, "there is a Job")
    operator.pause()
    for name in ("gone", "endless"):
        site.api.call("DELETE", f"{site.runs}/{name}")
    others = {site.run("stays")["metadata"]["uid"]}
    site.until(lambda: owners(site) <= others, 60, "its children are collected")
    site.plane.restart_api()
    operator.wake()
    site.until(lambda: operator.cache() == there(site), 30, "the cache equals the API")


def test_a_run_that_cannot_be_reconciled_holds_nobody_up(site: ClusterNamespace) -> None:
    site.node("n", chain_reconciler.container_answer)
    operator = site.operator("a", module=CHAIN)
    for number in range(3):
        site.create(f"poison-{number}", {"spec.domain": "poison"})
    site.create("sound")
    assert_whole(site, "sound")
    site.until(lambda: "cannot be reconciled" in operator.log.read_text(), 10, "it says so")
    assert operator.alive()


def test_probe_and_figures_say_who_leads_and_what_was_done(site: ClusterNamespace) -> None:
    site.node("n", chain_reconciler.container_answer)
    probe, figures = free_ports(2)
    endpoint = f"http://127.0.0.1:{probe}/healthz"
    told = {"KOPF_RUN_LIVENESS_ENDPOINT": endpoint, "DATASWARM_METRICS_PORT": str(figures)}
    operator = site.operator("a", module=CHAIN, settings=told)
    site.create("first")
    assert_whole(site, "first")
    health = json.loads(page(endpoint))["operator"]
    assert health["leader"]
    assert health["synced"]
    assert health["watchAgeSeconds"] < 10
    text = page(f"http://127.0.0.1:{figures}/metrics")
    assert "dataswarm_leader 1.0" in text
    assert 'dataswarm_reconciles_total{outcome="done"}' in text
    assert 'dataswarm_api_calls_total{code="201",kind="Job",verb="POST"} 3.0' in text
    assert resident(operator) < MOST_MEGABYTES


def test_many_runs_are_served_side_by_side(site: ClusterNamespace) -> None:
    site.node("n", chain_reconciler.container_answer)
    site.operator("a", module=CHAIN)
    names = [f"many-{number}" for number in range(20)]
    for name in names:
        site.create(name, {"spec.swarm": {"iterations": 2}})
    for name in names:
        assert_whole(site, name, 2)
    assert set(steps(site).values()) == {1}


def leading(site: ClusterNamespace, replicas: list[Any]) -> Any:
    """The operator that is the leader."""
    return site.until(
        lambda: next((one for one in replicas if "is leader" in one.log.read_text()), None), 30, "one leads"
    )


def owners(site: ClusterNamespace) -> set[str]:
    """The runs that have a Job or Pod."""
    return {thing["metadata"]["labels"][RUN_UID_LABEL] for kind in ("Job", "Pod") for thing in site.children(kind)}


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def resident(operator: OperatorProcess) -> float:
    """Megabytes of memory of a process."""
    assert operator.process is not None
    lines = Path(f"/proc/{operator.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def ready(site: ClusterNamespace, node: str) -> str:
    conditions = site.api.call("GET", f"/api/v1/nodes/{node}")[1]["status"]["conditions"]
    return str(next(one["status"] for one in conditions if one["type"] == "Ready"))


def there(site: ClusterNamespace) -> Any:
    """The expected content of the operator's cache: uids and versions by kind."""
    paths = {
        "SwarmRun": site.runs,
        "AdversarialRun": site.games,
        **{kind: CHILDREN[kind].format(site.namespace) for kind in ("Job", "Pod", "Deployment")},
    }
    return {
        kind: {thing["metadata"]["uid"]: int(thing["metadata"]["resourceVersion"]) for thing in site.api.items(path)}
        for kind, path in paths.items()
    }
