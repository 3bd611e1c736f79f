"""The Lease: its holder, the time for which it holds, and clocks that are never compared."""

import asyncio
from typing import Any

import pytest
from fake_cluster import Failing, FakeCluster

from swarm_operator.api_client.cluster import ApiError, ObjectReference
from swarm_operator.api_client.leader_election import LeaderElector
from swarm_operator.settings import LeaseSettings

SETTINGS = LeaseSettings(seconds=10.0, renew_seconds=2.0, margin_seconds=2.0)
TARGET = ObjectReference("Lease", SETTINGS.namespace, SETTINGS.name)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def candidates(count: int = 2) -> tuple[FakeCluster, list[Clock], list[LeaderElector]]:
    """Candidates with clocks that differ widely."""
    cluster, clocks = FakeCluster(), [Clock(1000.0 * number) for number in range(count)]
    return (
        cluster,
        clocks,
        [LeaderElector(cluster, f"c{number}", SETTINGS, clock) for number, clock in enumerate(clocks)],
    )


def spec(cluster: FakeCluster) -> Any:
    return cluster.objects[TARGET]["spec"]


def rounds(leader: LeaderElector, count: int = 1) -> None:
    async def run() -> None:
        for _ in range(count):
            await leader.try_once()

    asyncio.run(run())


def test_the_first_to_look_holds_it_and_the_second_waits() -> None:
    cluster, _, (first, second) = candidates()
    rounds(first)
    rounds(second)
    assert first.remaining() == SETTINGS.seconds - SETTINGS.margin_seconds
    assert second.remaining() == 0
    assert spec(cluster)["holderIdentity"] == "c0"


def test_a_holder_that_renews_keeps_it_for_ever() -> None:
    _, clocks, (first, second) = candidates()
    for _ in range(20):
        rounds(first)
        rounds(second)
        for clock in clocks:
            clock.now += SETTINGS.renew_seconds
    assert first.remaining() > 0
    assert second.remaining() == 0


def test_a_holder_stops_before_another_can_begin_whatever_the_order() -> None:
    for delay in (0.0, 0.5, 1.9):
        _, clocks, (first, second) = candidates()
        rounds(first)
        renewed, taken = clocks[0].now, None
        for _ in range(200):
            for clock in clocks:
                clock.now += 0.1
            if clocks[0].now < delay:
                rounds(first)
                renewed = clocks[0].now
            rounds(second)
            assert not (first.remaining() and second.remaining())
            if second.remaining():
                taken = clocks[0].now
                break
        assert taken is not None
        assert SETTINGS.seconds - 0.01 < taken - renewed < SETTINGS.seconds + SETTINGS.renew_seconds


def test_the_time_a_lost_renewal_took_is_not_counted_as_held() -> None:
    cluster, (clock, _), (first, _) = candidates()
    rounds(first)

    def late(verb: str, kind: str) -> None:
        clock.now += 5.0  # the answer was that long on its way

    cluster.after_call = late
    rounds(first)
    assert first.remaining() == SETTINGS.seconds - SETTINGS.margin_seconds - 5.0


def test_a_clean_stop_gives_it_back_at_once() -> None:
    cluster, _, (first, second) = candidates()
    rounds(first)
    rounds(second)
    asyncio.run(first.release())
    assert first.remaining() == 0
    rounds(second)
    assert second.remaining() > 0
    assert spec(cluster)["leaseTransitions"] == 1


def test_of_two_that_try_at_once_one_wins() -> None:
    _, clocks, leaders = candidates(3)
    rounds(leaders[0])
    for leader in leaders[1:]:
        rounds(leader)
    for clock in clocks:
        clock.now += 11.0

    async def both() -> None:
        await asyncio.gather(*(leader.try_once() for leader in leaders[1:]))

    asyncio.run(both())
    for leader in leaders:
        rounds(leader)
    assert sum(bool(leader.remaining()) for leader in leaders) == 1


def test_a_holder_whose_lease_was_taken_stops_at_its_next_look() -> None:
    cluster, _, (first, _) = candidates()
    rounds(first)
    cluster.put({**cluster.objects[TARGET], "spec": {**spec(cluster), "holderIdentity": "thief"}})
    rounds(first, 2)
    assert first.remaining() == 0


def test_a_server_that_is_away_costs_nothing_until_the_time_is_up() -> None:
    cluster, (clock, _), (first, _) = candidates()
    rounds(first)
    cluster.before_call = Failing("read", "Lease", ApiError("away"), times=9)
    cluster.calls.clear()
    cluster.objects[TARGET]["metadata"]["resourceVersion"] = "999"  # our renewal arrived, its answer did not
    rounds(first)
    clock.now += 4.0
    rounds(first)
    assert first.remaining() == 4.0
    clock.now += 4.0
    assert first.remaining() == 0


def test_a_change_is_noticed_by_who_waits_for_it() -> None:
    _, (clock, _), (first, _) = candidates()

    async def run() -> None:
        waiting = asyncio.create_task(first.wait_for_change())
        await asyncio.sleep(0)
        await first.try_once()
        await asyncio.wait_for(waiting, 1)
        clock.now += SETTINGS.seconds - SETTINGS.margin_seconds - 0.01
        await asyncio.wait_for(first.wait_for_change(), 1)  # it ends by the clock, without any round

    asyncio.run(run())


@pytest.mark.parametrize("holder", ["", None])
def test_a_lease_of_nobody_is_taken_at_once(holder: str | None) -> None:
    cluster, _, (first, _) = candidates()
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": {"holderIdentity": holder}}
    cluster.put({**lease, "metadata": {"name": TARGET.name, "namespace": TARGET.namespace, "uid": "u"}})
    rounds(first)
    assert first.remaining() > 0
