"""What people are told of a run on a cluster."""

import argparse
import asyncio
from typing import Any

import pytest
from fake_cluster import FakeCluster

from swarm_core.errors import BadInputError
from swarm_operator import asking, watch, why
from swarm_operator.cluster import NotFoundError, Target
from swarm_operator.why import Found

RUN: dict[str, Any] = {
    "metadata": {"name": "a-run", "uid": "u", "namespace": "team"},
    "spec": {"storage": {"s3": {"bucket": "swarms", "prefix": "team", "endpoint": "http://s3:7070"}}},
    "status": {
        "phase": "Succeeded",
        "message": "done",
        "iteration": 3,
        "iterations": 16,
        "best": {"value": 0.5},
        "gain": {"value": 0.25, "low": 0.125, "high": 0.5},
        "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "done"}],
    },
}


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a-pod", "uid": "p"}, "status": {"phase": "Pending", **status}}


def test_a_run_is_told_in_one_line() -> None:
    assert watch.told(RUN) == "a-run: Succeeded, done; iteration 3/16; best 0.5000; gain +0.2500 [+0.1250, +0.5000]"


def test_a_run_that_nobody_carries_out_says_where_to_look() -> None:
    assert watch.told({**RUN, "status": {}}).startswith("a-run: Pending, no operator has seen it; is one installed")


def test_the_results_are_named_by_the_command_that_fetches_them() -> None:
    assert watch.place(RUN) == "dataswarm export s3://swarms/team/a-run DEST --endpoint http://s3:7070"


def test_a_game_is_told_in_one_line() -> None:
    takers = {"value": 0.25, "low": 0.125, "high": 0.5}
    status = {"phase": "Succeeded", "message": "done", "round": 2, "rounds": 8, "difficulty": 0.5, "takers": takers}
    told = watch.told({**RUN, "status": {**status, "takerScore": 0.75, "heldOutScore": 0.0}})
    scores = "difficulty 0.5000; taker 0.7500; held-out 0.0000; takers +0.2500 [+0.1250, +0.5000]"
    assert told == f"a-run: Succeeded, done; round 2/8; {scores}"


GAME, SEARCH = Target("AdversarialRun", "team", "a"), Target("SwarmRun", "team", "a")


@pytest.mark.parametrize(
    ("there", "named", "target"),
    [
        ([GAME], "a", GAME),
        ([SEARCH], "a", SEARCH),
        ([GAME, SEARCH], "swr/a", SEARCH),
        ([GAME, SEARCH], "AdversarialRun/a", GAME),
        ([GAME], "adversarialruns/a", GAME),
    ],
)
def test_a_run_is_found_by_its_name_whatever_its_kind(there: list[Target], named: str, target: Target) -> None:
    assert asyncio.run(asking.found(holding(there), "team", named)) == target


@pytest.mark.parametrize(
    ("there", "named", "error", "words"),
    [
        ([], "a", NotFoundError, "run team/a does not exist"),
        ([GAME], "swarmrun/a", NotFoundError, "SwarmRun team/a does not exist"),
        ([GAME, SEARCH], "a", BadInputError, "write swarmrun/a or adversarialrun/a"),
        ([GAME], "pod/a", BadInputError, "no kind of run is called 'pod'"),
    ],
)
def test_a_name_that_is_not_one_run_is_refused(
    there: list[Target], named: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        asyncio.run(asking.found(holding(there), "team", named))


def holding(there: list[Target]) -> FakeCluster:
    cluster = FakeCluster()
    for target in there:
        cluster.objects[target] = dict(RUN)
    return cluster


def test_what_holds_a_pod_up_is_said() -> None:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}}
    assert why.state(pod(containerStatuses=[waiting])) == "Pending, ImagePullBackOff"
    full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: 1 no gpu"}
    assert why.state(pod(conditions=[full])) == "Pending, Unschedulable: 0/1 nodes: 1 no gpu"
    ended = {"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}
    assert why.state(pod(phase="Failed", containerStatuses=[ended])) == "Failed, OOMKilled with code 137"


def test_conditions_children_and_events_follow_the_run() -> None:
    event = {
        "metadata": {}, "involvedObject": {"kind": "Pod", "name": "a-pod", "uid": "p"}, "reason": "FailedScheduling",
        "message": "no\x1b[31m\nroom", "lastTimestamp": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    job = {"metadata": {"name": "a-job"}, "status": {"active": 1}}
    server = {"metadata": {"name": "a-server"}, "spec": {"replicas": 2}, "status": {"readyReplicas": 1}}
    lines = list(why.lines(Found(RUN, [job], [pod()], [server], [event])))
    assert lines[0] == "a-run: Succeeded, done"
    assert lines[1].split() == ["Ready", "True", "Succeeded:", "done"]
    assert lines[2:] == [
        "  Job a-job: 1 active, 0 succeeded",
        "  Deployment a-server: 1 of 2 ready",
        "  Pod a-pod: Pending",
        "  2026-01-01T00:00:00Z FailedScheduling Pod a-pod: no [31m room",
    ]


@pytest.mark.parametrize("command", [watch, why])
def test_a_command_takes_a_name_and_a_namespace(command: Any) -> None:
    parser = argparse.ArgumentParser()
    command.add(parser)
    arguments = parser.parse_args(["a-run", "-n", "team"])
    assert (arguments.name, arguments.namespace, arguments.command) == ("a-run", "team", command.command)


def test_text_of_a_cluster_cannot_move_the_cursor() -> None:
    assert asking.plain("a\x1b[2J\r\nb\u202e") == "a [2J b"
