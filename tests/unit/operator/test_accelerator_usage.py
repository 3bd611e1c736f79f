"""Accelerator-seconds are counted from the pods' own times, in windows without gaps, by any process."""

import contextlib
from dataclasses import replace

import pod_world
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pod_world import World

from swarm_core.api.run_status import GpuSeconds
from swarm_operator.common.children import Children, Pod
from swarm_operator.reconciler import accelerator_usage
from swarm_operator.reconciler.reconcile import reconcile

ZERO = 1_700_000_000.0
ASKING = frozenset({"iterate", "conclude"})
"""The kinds of work that ask servers."""


def pod(work: str, scheduled: float | None, up: float | None, ended: float | None = None, held: int = 1) -> Pod:
    """A pod by its times after ZERO."""
    at = [None if moment is None else ZERO + moment for moment in (scheduled, up, ended)]
    started, ready = (None, at[1]) if work == "serve" else (at[1], None)
    name = f"{work}-{scheduled}-{up}"
    return Pod(name, "u", work, "", "k", 1, 0, held, ZERO, at[0], started, ready, at[2], None, None, disrupted=False)


def counted(pods: list[Pod], *moments: float) -> GpuSeconds:
    """The usage after counts at `moments`."""
    account: GpuSeconds | None = None
    for moment in moments:
        seen = [one for one in pods if one.scheduled is not None and one.scheduled <= ZERO + moment]
        shown = [replace(one, ended=one.ended if one.ended and one.ended <= ZERO + moment else None) for one in seen]
        account = accelerator_usage.count(account, Children((), tuple(shown), ()), ASKING, ZERO + moment).seconds
    assert account is not None
    return account


def shares(account: GpuSeconds) -> tuple[float, float, float]:
    return account.busy, account.loading, account.idle


CASES = [
    pytest.param([pod("train", 0, 10, 30, held=2)], (40, 20, 0), id="a trainer loads, then works"),
    pytest.param([pod("train", 0, None)], (0, 100, 0), id="a pod that has only a node loads"),
    pytest.param([pod("train", None, None)], (0, 0, 0), id="a pod without a node holds nothing"),
    pytest.param([pod("iterate", 0, 0, 50, held=0)], (0, 0, 0), id="a pod that asks for nothing holds nothing"),
    pytest.param([pod("serve", 10, 30)], (0, 20, 70), id="a server that nobody asks is idle"),
    pytest.param(
        [pod("serve", 0, 20), pod("iterate", 0, 40, 60, held=0)], (20, 20, 60), id="a server is busy while work runs"
    ),
    pytest.param(
        [pod("serve", 0, 0), pod("iterate", 0, 10, 30, held=0), pod("conclude", 0, 20, 50, held=0)],
        (40, 0, 60),
        id="work that overlaps counts once",
    ),
]


@pytest.mark.parametrize(("pods", "expected"), CASES)
def test_accelerators_are_counted_by_what_they_did(pods: list[Pod], expected: tuple[float, float, float]) -> None:
    if expected == (0, 0, 0):
        assert accelerator_usage.count(None, Children((), tuple(pods), ()), ASKING, ZERO + 100).total == 0
    else:
        assert shares(counted(pods, 100)) == expected


@given(st.lists(st.integers(0, 100), max_size=6).map(sorted))
def test_it_does_not_matter_how_often_they_are_counted(moments: list[int]) -> None:
    pods = [pod("serve", 5, 25), pod("iterate", 0, 40, 60, held=0), pod("train", 30, 30, 80, held=3)]
    assert shares(counted(pods, *moments, 100)) == shares(counted(pods, 100))


def test_accounts_are_kept_by_an_operator_that_begins_anew_and_written_rarely() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("iterate")
    world.now += 30.0
    world.operate()
    before = world.run["metadata"]["resourceVersion"]
    for _ in range(20):
        world.now += 1.0
        world.operate()
    assert world.run["metadata"]["resourceVersion"] == before
    assert world.plan.wake_after is not None
    assert world.plan.wake_after <= accelerator_usage.COUNT_INTERVAL_SECONDS
    world.now += 45.0
    world.operate()
    assert world.spent >= 95.0


@pytest.mark.parametrize("crashes", [False, True], ids=["calm", "crashing before every write of a status"])
def test_what_a_deleted_job_held_is_counted_before_it_goes(crashes: bool) -> None:
    world = World(pod_world.run({**pod_world.LOCAL, "spec.swarm": {"iterations": 8, "particles": 4}}), last=8)
    for _ in range(400):
        world.turn("terminate", "bind", "start")
        world.now += 10.0
        for pod in world.living():
            world.finish(pod)
        world.control()
        if crashes:
            steps = len(reconcile(world.observed(), world.now, pod_world.Defaults()).steps)
            with contextlib.suppress(pod_world.CrashError):
                world.operate(crash_after=steps)
        world.operate()
        if world.phase == "Succeeded":
            break
    work = 3 + 9 + 1  # seeds, iterations, conclusion; ten seconds each
    assert world.spent == pytest.approx(work * 10.0)
