"""The commands for runs on a cluster."""

import argparse
import asyncio
import json
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from fake_cluster import FakeCluster

from swarm_core.errors import BadInputError
from swarm_operator.api_client.cluster import NotFoundError, ObjectReference
from swarm_operator.cli import cluster_query, run_result, watch, why
from swarm_operator.cli.why import RunDetails
from swarm_trainer import cli
from swarm_trainer.cli import parser

ROOT = Path(__file__).parents[3]
RUN: dict[str, Any] = {
    "kind": "SwarmRun",
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


FOUND: dict[str, Any] = {
    **RUN["status"],
    "best": {"value": 0.75, "particle": "p03", "recipe": "a" * 64},
    "initial": 0.5,
    "experimentDigest": "b" * 64,
    "specDigest": "c" * 64,
    "result": "d" * 64,
    "gpuHours": 0.25,
    "gpuSeconds": {"busy": 600.4, "loading": 200, "idle": 100},
    "engine": "{}",
}
OF_GAME: dict[str, Any] = {
    "phase": "Succeeded", "message": "done", "round": 2, "rounds": 8, "difficulty": 0.5, "takerScore": 0.75,
    "heldOutScore": 0.0, "takers": {"value": 0.25, "low": 0.125, "high": 0.5},
}  # fmt: skip


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a-pod", "uid": "p"}, "status": {"phase": "Pending", **status}}


def test_a_run_is_told_in_one_line() -> None:
    assert (
        watch.format_progress(RUN)
        == "a-run: Succeeded, done; iteration 3/16; best 0.5000; gain +0.2500 [+0.1250, +0.5000]"
    )


def test_a_run_that_nobody_carries_out_says_where_to_look() -> None:
    assert watch.format_progress({**RUN, "status": {}}).startswith(
        "a-run: Pending, no operator has reconciled it; check that one is installed"
    )


def test_the_results_are_named_by_the_command_that_fetches_them() -> None:
    assert watch.format_export_command(RUN) == "dataswarm export s3://swarms/team/a-run DEST --endpoint http://s3:7070"


def test_a_game_is_told_in_one_line() -> None:
    told = watch.format_progress({**RUN, "kind": "AdversarialRun", "status": OF_GAME})
    scores = "difficulty 0.5000; taker 0.7500; held-out 0.0000; takers +0.2500 [+0.1250, +0.5000]"
    assert told == f"a-run: Succeeded, done; round 2/8; {scores}"


GAME, SEARCH = ObjectReference("AdversarialRun", "team", "a"), ObjectReference("SwarmRun", "team", "a")


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
def test_a_run_is_found_by_its_name_whatever_its_kind(
    there: list[ObjectReference], named: str, target: ObjectReference
) -> None:
    assert cluster_query.reference_to(asyncio.run(cluster_query.find_run(holding(there), "team", named))) == target


@pytest.mark.parametrize(
    ("there", "named", "error", "words"),
    [
        ([], "a", NotFoundError, "run team/a does not exist"),
        ([GAME], "swarmrun/a", NotFoundError, "SwarmRun team/a does not exist"),
        ([GAME, SEARCH], "a", BadInputError, "write swarmrun/a or adversarialrun/a"),
        ([GAME], "pod/a", BadInputError, "there is no kind of run 'pod'"),
        ([GAME], "swarmrun/", BadInputError, "'swarmrun/' names no run; write NAME or KIND/NAME"),
        ([GAME], "", BadInputError, "'' names no run"),
    ],
)
def test_a_name_that_is_not_one_run_is_refused(
    there: list[ObjectReference], named: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        asyncio.run(cluster_query.find_run(holding(there), "team", named))


def holding(there: list[ObjectReference]) -> FakeCluster:
    cluster = FakeCluster()
    for target in there:
        cluster.put({**RUN, "kind": target.kind, "metadata": {**RUN["metadata"], "name": target.name}})
    return cluster


def test_what_holds_a_pod_up_is_said() -> None:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}}
    assert why.format_pod_state(pod(containerStatuses=[waiting])) == "Pending, ImagePullBackOff"
    full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: 1 no gpu"}
    assert why.format_pod_state(pod(conditions=[full])) == "Pending, Unschedulable: 0/1 nodes: 1 no gpu"
    ended = {"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}
    assert why.format_pod_state(pod(phase="Failed", containerStatuses=[ended])) == "Failed, OOMKilled with code 137"


def test_conditions_children_and_events_follow_the_run() -> None:
    event = {
        "metadata": {}, "involvedObject": {"kind": "Pod", "name": "a-pod", "uid": "p"}, "reason": "FailedScheduling",
        "message": "no\x1b[31m\nroom", "lastTimestamp": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    job = {"metadata": {"name": "a-job"}, "status": {"active": 1}}
    server = {"metadata": {"name": "a-server"}, "spec": {"replicas": 2}, "status": {"readyReplicas": 1}}
    lines = list(why.format_details(RunDetails(RUN, [job], [pod()], [server], [event])))
    assert lines[0] == "a-run: Succeeded, done"
    assert lines[1].split() == ["Ready", "True", "Succeeded:", "done"]
    assert lines[2:] == [
        "  Job a-job: 1 active, 0 succeeded",
        "  Deployment a-server: 1 of 2 ready",
        "  Pod a-pod: Pending",
        "  2026-01-01T00:00:00Z FailedScheduling Pod a-pod: no [31m room",
    ]


@pytest.mark.parametrize(("command", "handler"), [(watch, watch.watch_run), (why, why.explain_run)])
def test_a_command_takes_a_name_and_a_namespace(command: Any, handler: Any) -> None:
    built = argparse.ArgumentParser()
    command.add(built)
    arguments = built.parse_args(["a-run", "-n", "team"])
    assert (arguments.name, arguments.namespace, arguments.command) == ("a-run", "team", handler)


def test_text_of_a_cluster_cannot_move_the_cursor() -> None:
    assert cluster_query.printable_line("a\x1b[2J\r\nb\u202e") == "a [2J b"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[argparse.Namespace]:
    """Replaces the cluster: it returns the run in the phase that the first part of its name says, and records the
    query.
    """
    kept: list[argparse.Namespace] = []

    def answer(arguments: argparse.Namespace, work: object) -> dict[str, Any]:
        kept.append(arguments)
        return {**RUN, "status": {**FOUND, "phase": arguments.name.partition("-")[0].title()}}

    monkeypatch.setattr(cluster_query, "run_query", answer)
    return kept


def test_a_result_is_told_from_the_status_with_what_to_do_next() -> None:
    at = "--endpoint http://s3:7070"
    assert list(run_result.format_report({**RUN, "status": FOUND})) == [
        "a-run: Succeeded, done",
        f"  best         0.7500, particle p03, recipe {'a' * 64}",
        "  initial      0.5000, the best initial generator",
        "  gain         +0.2500, 95 % interval +0.1250 to +0.5000, on fresh items",
        f"  experiment   {'b' * 64}",
        f"  spec         {'c' * 64}",
        f"  result       {'d' * 64}",
        "  accelerators 0.250 hours (busy 600 s, loading 200 s, idle 100 s)",
        "  artifacts    s3://swarms/team/a-run",
        f"  next         dataswarm export s3://swarms/team/a-run DEST {at}",
        f"               dataswarm verify s3://swarms/team/a-run {at}",
    ]


def test_the_result_of_a_game_tells_both_sides() -> None:
    lines = list(run_result.format_report({**RUN, "kind": "AdversarialRun", "status": OF_GAME}))
    assert lines[1:5] == [
        "  difficulty   0.5000",
        "  taker        0.7500",
        "  held-out     0.0000",
        "  takers       +0.2500, 95 % interval +0.1250 to +0.5000, on fresh items",
    ]


def test_of_a_result_only_what_is_known_is_told() -> None:
    bare = {**RUN, "spec": {}, "status": {"phase": "Failed", "message": "prepare: no\x1b[2J such model"}}
    assert list(run_result.format_report(bare)) == [
        "a-run: Failed, prepare: no [2J such model",
        "  accelerators none held",
        "  next         dataswarm why a-run --namespace team",
    ]


def test_the_commands_for_a_bucket_name_its_region_too() -> None:
    run = {**RUN, "spec": {"storage": {"s3": {"bucket": "swarms", "region": "eu-west-1"}}}}
    assert watch.format_export_command(run) == "dataswarm export s3://swarms/a-run DEST --region eu-west-1"


def result(*arguments: str) -> int:
    built = argparse.ArgumentParser()
    built.add_argument("name")
    built.add_argument("--json", action="store_true")
    return run_result.print_result(built.parse_args(arguments))


def test_the_exit_code_of_a_result_is_that_of_the_run(asked: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert result("succeeded-run") == 0
    assert capsys.readouterr().out.startswith("a-run: Succeeded, done\n  best ")
    assert result("failed-run") == 1
    assert "dataswarm why a-run --namespace team" in capsys.readouterr().out


def test_a_run_that_is_not_over_has_no_result_and_says_how_to_follow_it(
    asked: object, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadInputError) as refused:
        result("iterating-run", "--json")
    assert str(refused.value).startswith("there is no result yet: a-run: Iterating, done; iteration 3/16; best 0.7500;")
    assert str(refused.value).endswith("follow the run with: dataswarm watch a-run --namespace team")
    assert not capsys.readouterr().out


def test_a_result_for_programs_is_the_status_without_what_is_the_operators(
    asked: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert result("succeeded-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "name": "a-run", "artifacts": "s3://swarms/team/a-run",
        **{key: value for key, value in FOUND.items() if key != "engine"},
    }  # fmt: skip


def test_the_command_line_asks_the_cluster_for_a_result_by_the_entry_point_of_the_project(
    asked: list[argparse.Namespace], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    brought = {group: [EntryPoint(*one, group) for one in table[group].items()] for group in table}
    monkeypatch.setattr(parser, "entry_points", lambda *, group: brought[group])
    assert cli.main(["result", "succeeded-run", "-n", "team"]) == 0
    assert [(one.name, one.namespace) for one in asked] == [("succeeded-run", "team")]
    assert "artifacts    s3://swarms/team/a-run" in capsys.readouterr().out


@pytest.mark.parametrize(("observed", "code"), [(2, 2), (1, None)], ids=["this spec", "an older spec"])
def test_watch_ends_when_the_run_is_stalled_by_its_present_spec(
    observed: int, code: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    stalled = {
        "type": "Stalled",
        "status": "True",
        "reason": "InvalidSpec",
        "message": "m",
        "observedGeneration": observed,
    }
    status = {
        "phase": "Iterating",
        "reason": "InvalidSpec",
        "message": "spec.storage: write S3",
        "conditions": [stalled],
    }
    run = {**RUN, "metadata": {**RUN["metadata"], "generation": 2}, "status": status}
    cluster = FakeCluster()
    cluster.put({**run, "status": {**RUN["status"], "phase": "Succeeded"}})
    followed = asyncio.run(watch.follow_run(cluster, run)) if code else watch.is_stalled(run) or None
    assert followed == code
    assert not code or capsys.readouterr().out == "a-run: Iterating (InvalidSpec), spec.storage: write S3\n"


def test_why_names_the_runs_that_hold_the_accelerators() -> None:
    held = {
        "metadata": {"name": "other", "uid": "o", "labels": {
            "dataswarm.io/run": "b-run", "dataswarm.io/run-uid": "b", "dataswarm.io/work": "serve",
            "dataswarm.io/server": "0",
        }},
        "spec": {"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": "2"}}}]},
        "status": {"phase": "Running", "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]},
    }  # fmt: skip
    assert why.list_holders(RunDetails(RUN, [], [], [], [], [held, held])) == {"b-run": 4}
