"""The host: leadership, isolation of a failing run, clean shutdown, and health."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fake_cluster import FakeCluster

from swarm_operator.api_client.cluster import ApiError, NotLeaderError, ObjectReference
from swarm_operator.common.reconcile_plan import ObservedRun, Plan, SetFinalizers
from swarm_operator.host import Host
from swarm_operator.metrics import Metrics
from swarm_operator.settings import LeaseSettings, Settings

LEASE = LeaseSettings(seconds=3.0, renew_seconds=0.05, margin_seconds=1.0)
SETTINGS = Settings(lease=LEASE, list_seconds=0.1, backoff_seconds=0.01, workers=2, identity="me")


@dataclass
class Scene:
    """A host on a fake API server."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    settings: Settings = SETTINGS
    seen: list[str] = field(default_factory=list)
    """Runs that were reconciled, in order."""

    def __post_init__(self) -> None:
        self.host = Host(self.reconcile, self.settings, Metrics())

    def reconcile(self, observed: ObservedRun, now: float, settings: Settings) -> Plan:
        name = observed.run["metadata"]["name"]
        self.seen.append(name)
        if name == "poison":
            raise RuntimeError("cannot be reconciled")
        if "deletionTimestamp" in observed.run["metadata"]:
            held = observed.run["metadata"].get("finalizers")
            return Plan((SetFinalizers(()),)) if held == ["ours"] else Plan()
        return Plan(status={"phase": "Preparing"}, wake_after=60.0)

    def run(self, name: str) -> dict[str, Any]:
        metadata = {"name": name, "namespace": "a", "uid": f"u-{name}"}
        return self.cluster.put(
            {"apiVersion": "dataswarm.io/v1alpha1", "kind": "SwarmRun", "metadata": metadata, "spec": {}}
        )

    def phase(self, name: str) -> str:
        return str(self.cluster.objects[ObjectReference("SwarmRun", "a", name)].get("status", {}).get("phase", ""))

    def play(self, act: Callable[[], Awaitable[None]]) -> None:
        """Start the host, act, stop the host."""

        async def whole() -> None:
            self.host.start(self.cluster, self.cluster, self.cluster)
            try:
                await act()
            finally:
                await self.host.stop()

        asyncio.run(whole())


async def until(holds: Callable[[], object]) -> None:
    """Fails after five seconds."""
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end, "not within 5 s"
        await asyncio.sleep(0.01)


def test_a_run_that_is_listed_is_reconciled_and_its_status_written() -> None:
    scene = Scene()
    scene.run("a")

    async def act() -> None:
        await until(lambda: scene.phase("a"))

    scene.play(act)


def test_nothing_begins_before_everything_was_listed_once() -> None:
    scene, away = Scene(), [True]
    scene.run("a")

    def trouble(verb: str, kind: str) -> None:
        if away[0] and (verb, kind) == ("list", "Deployment"):
            raise ApiError("away")

    scene.cluster.before_call = trouble

    async def act() -> None:
        await until(lambda: ("list", "Deployment") in scene.cluster.calls)
        await asyncio.sleep(0.2)
        assert {verb for verb, _ in scene.cluster.calls} == {"list"}
        assert scene.seen == []
        away[0] = False
        await until(lambda: scene.phase("a"))

    scene.play(act)


def test_a_run_that_cannot_be_reconciled_delays_itself_only() -> None:
    scene = Scene()
    for name in ("poison", "a", "b"):
        scene.run(name)

    async def act() -> None:
        await until(lambda: scene.phase("a") and scene.phase("b"))
        await until(lambda: scene.seen.count("poison") >= 3)

    scene.play(act)
    assert scene.seen.count("a") == 1


def test_who_does_not_lead_writes_nothing() -> None:
    scene = Scene()
    scene.run("a")
    spec = {"holderIdentity": "another", "leaseDurationSeconds": 60}
    about = {"name": LEASE.name, "namespace": LEASE.namespace, "uid": "l"}
    scene.cluster.put({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": about, "spec": spec})

    async def act() -> None:
        await until(lambda: scene.cluster.calls.count(("read", "Lease")) >= 3)

    scene.play(act)
    assert scene.seen == []
    assert {verb for verb, _ in scene.cluster.calls} == {"list", "read"}


def test_a_run_that_is_deleted_is_reconciled_until_nothing_is_left_to_do() -> None:
    """Neither a list nor a Lease that is lost and won again queues the run meanwhile."""
    steady = LeaseSettings(seconds=60.0, renew_seconds=0.05, margin_seconds=1.0)
    scene = Scene(settings=replace(SETTINGS, list_seconds=60.0, lease=steady))
    for name, finalizer in (("held", "ours"), ("others", "theirs")):
        run = scene.run(name)
        deleted = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [finalizer]}
        scene.cluster.put({**run, "metadata": {**run["metadata"], **deleted}})

    async def act() -> None:
        await until(lambda: ObjectReference("SwarmRun", "a", "held") not in scene.cluster.objects)
        await until(lambda: scene.seen.count("others"))
        before = scene.seen.count("others")
        await asyncio.sleep(0.3)
        assert scene.seen.count("others") == before

    scene.play(act)
    assert ObjectReference("SwarmRun", "a", "others") in scene.cluster.objects


def test_a_worker_that_may_not_write_any_more_lets_the_loop_go_on() -> None:
    scene, end = Scene(), time.monotonic() + 0.5
    scene.run("a")

    def trouble(verb: str, kind: str) -> None:
        if (verb, kind) == ("patch", "SwarmRun") and time.monotonic() < end:
            raise NotLeaderError("not ours")

    scene.cluster.before_call = trouble

    async def act() -> None:
        await until(lambda: scene.phase("a"))

    scene.play(act)
    assert scene.seen.count("a") < 30, "it was tried again and again without a pause"


def test_a_conflict_is_read_again_and_settled() -> None:
    scene, edits = Scene(), [2]
    before = scene.run("a")

    def trouble(verb: str, kind: str) -> None:
        if (verb, kind) == ("patch", "SwarmRun") and edits[0]:
            edits[0] -= 1
            scene.cluster.put({**before, "spec": {"edit": edits[0]}})

    scene.cluster.before_call = trouble

    async def act() -> None:
        await until(lambda: scene.phase("a"))

    scene.play(act)
    assert scene.cluster.objects[ObjectReference("SwarmRun", "a", "a")]["spec"] == {"edit": 0}


def test_a_clean_stop_gives_the_lease_back() -> None:
    scene = Scene()
    scene.run("a")

    async def act() -> None:
        await until(lambda: scene.phase("a"))

    scene.play(act)
    lease = scene.cluster.objects[ObjectReference("Lease", LEASE.namespace, LEASE.name)]
    assert lease["spec"].get("holderIdentity") is None


def test_a_watch_tells_at_once() -> None:
    scene = Scene(settings=replace(SETTINGS, list_seconds=60.0))

    async def act() -> None:
        await until(lambda: scene.host.health()["leader"])
        scene.host.record("SwarmRun", "ADDED", scene.run("late"))
        await until(lambda: scene.phase("late"))
        scene.host.record("SwarmRun", "DELETED", scene.run("late"))
        assert list(scene.host.cache.runs()) == []

    scene.play(act)


def test_a_process_that_hears_nothing_any_more_says_that_it_is_of_no_use() -> None:
    scene = Scene(settings=replace(SETTINGS, list_seconds=0.02))

    async def act() -> None:
        await until(lambda: scene.host.health()["synced"])

        def trouble(verb: str, kind: str) -> None:
            raise ApiError("away")

        scene.cluster.before_call = trouble
        await asyncio.sleep(0.2)
        with pytest.raises(RuntimeError, match="no response from the API server"):
            scene.host.health()

    scene.play(act)
