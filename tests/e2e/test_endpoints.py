"""Whole runs in which somebody else's server takes the tests, and judges them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import scripted_chat_server
import scripted_http_server
import yaml
from command_line import ARENA, ENVIRONMENT, dataswarm, kill_after, read_output
from scripted_chat_server import MODEL, ChatServer

pytestmark = pytest.mark.long
KEY = "sk-this-must-not-be-found-anywhere"
VARIABLE = "SOMEBODYS_KEY"
SMALL = {
    "generators": {
        "adapters": [str(ARENA / "takers" / name) for name in ("adder", "multiplier")],
        "data": {"uri": str(ARENA / "seeds.jsonl"), "heldOut": 0.05},
    },
    "swarm": {"particles": 2, "iterations": 1, "standard": {"scattered": 2}},
    "evaluation": {"items": 9, "finalists": 2, "final": {"items": 9, "seeds": 1}},
}
"""Generators that are given, and as few items as there can be."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An undisturbed run with a taker at a site."""

    site: ChatServer
    file: Path
    folder: Path
    done: subprocess.CompletedProcess[str]
    asked: int
    """Requests that the site got."""


@pytest.fixture(scope="module", autouse=True)
def key() -> Iterator[None]:
    """The key in the environment of the processes that the tests start."""
    ENVIRONMENT[VARIABLE] = KEY
    yield
    del ENVIRONMENT[VARIABLE]


@pytest.fixture(scope="module")
def whole(key: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("whole")
    with scripted_http_server.run_server(ChatServer(key=KEY)) as site:
        file = written(folder, site)
        done = dataswarm("run", file, "--folder", folder / "run")
        assert done.returncode == 0, done.stderr
        yield Whole(site, file, folder / "run", done, len(site.bodies))


@pytest.fixture
def site() -> Iterator[ChatServer]:
    with scripted_http_server.run_server(ChatServer(key=KEY)) as made:
        yield made


def written(folder: Path, site: ChatServer, **changes: Any) -> Path:
    """`short.yaml` with one taker of our own and one at `site`."""
    document = yaml.safe_load((ARENA / "short.yaml").read_text())
    endpoint = {"url": site.url, "model": MODEL, "apiKeyEnv": VARIABLE}
    ours = {"name": "adder", "adapter": str(ARENA / "takers" / "adder")}
    document["spec"] |= {**SMALL, "takers": [ours, {"name": "remote", "endpoint": endpoint}], **changes}
    document["spec"]["base"]["model"] = str(ARENA / "base")
    file = folder / "run.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def assert_same(one: Path, other: Path) -> None:
    """Two runs left the same, but for what they took."""
    for name in ("result.json", "history.jsonl", "summary.txt", "dataset/data.jsonl"):
        assert read_output(one, name) == read_output(other, name), name


def assert_without_key(folder: Path, *said: str) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert not any(KEY in text for text in said)


def test_a_remote_taker_is_asked_once_for_each_item_and_its_key_is_nowhere(whole: Whole) -> None:
    assert_without_key(whole.folder.parent, whole.done.stdout, whole.done.stderr)
    assert whole.site.keys == {f"Bearer {KEY}"}
    lines = [json.loads(line) for line in (whole.folder / "dataset" / "data.jsonl").read_text().splitlines()]
    assert all(set(line["answers"]) == {"adder", "remote"} for line in lines)
    bodies = [json.dumps(body, sort_keys=True) for body in whole.site.bodies[: whole.asked]]
    assert len(set(bodies)) == len(bodies) > 20, "nothing is asked twice"


def test_what_the_run_took_is_told_in_the_result_and_what_it_spent_in_the_store(whole: Whole) -> None:
    usage = result(whole.folder)["usage"]
    assert usage["requests"] > whole.asked
    assert usage["latency"]["p50"] <= usage["latency"]["p95"]
    assert usage["tokensPerSecond"] > 0
    assert usage["promptTokens"] == 5 * whole.asked
    assert usage["store"]["bytesUp"] > 100_000, "the adapters at least"
    assert f"{usage['requests']:,} requests" in whole.done.stdout.splitlines()[-2]
    spent = json.loads((whole.folder / "store" / "names" / "endpoints" / "spent.json").read_text())
    assert (spent["calls"], spent["tokens"]) == (whole.asked, 7 * whole.asked)


def test_the_same_run_with_the_answers_of_another_asks_for_nothing_but_a_sign_of_life(
    whole: Whole, tmp_path: Path, warm: Path
) -> None:
    folder, before = tmp_path / "again", len(whole.site.bodies)
    shutil.copytree(whole.folder / "store" / "names" / "answers", folder / "store" / "names" / "answers")
    shutil.copy(whole.folder / "run.json", folder / "run.json")
    done = dataswarm("run", whole.file, "--folder", folder, at=warm)
    assert done.returncode == 0, done.stderr
    assert len(whole.site.bodies) == before + 1
    assert result(folder)["usage"]["cached"] >= whole.asked - 1
    assert_same(whole.folder, folder)


def test_a_run_killed_while_it_asks_asks_for_nothing_again_and_its_usage_adds_up(whole: Whole, tmp_path: Path) -> None:
    folder, before = tmp_path / "killed", len(whole.site.bodies)
    assert kill_after(whole.file, folder, lambda: len(whole.site.bodies) >= before + 12)
    done = dataswarm("run", whole.file, "--folder", folder)
    assert done.returncode == 0, done.stderr
    assert_same(whole.folder, folder)
    asked = [json.dumps(body, sort_keys=True) for body in whole.site.bodies[before:]]
    under_way = 16
    assert len(asked) <= len(set(asked)) + under_way, "only what was under way may be asked again"
    usage, other = (result(one)["usage"] for one in (folder, whole.folder))
    assert usage["requests"] >= other["requests"] // 2, "what was done before the kill counts"
    assert usage["store"]["bytesUp"] >= other["store"]["bytesUp"] // 2


def test_a_judge_at_an_endpoint_marks_every_answer_by_its_rubric(site: ChatServer, tmp_path: Path, warm: Path) -> None:
    endpoint = {"url": f"{site.url}/v1", "model": MODEL, "apiKeyFile": "key"}
    (tmp_path / "key").write_text(f"{KEY}\n")
    judge = {"type": "Model", "model": {"endpoint": endpoint, "rubric": "A right number is 10, another 1."}}
    takers = [{"name": name, "adapter": str(ARENA / "takers" / name)} for name in ("adder", "multiplier")]
    file, folder = written(tmp_path, site, judge=judge, takers=takers), tmp_path / "run"
    done = dataswarm("run", file, "--folder", folder, at=warm)
    assert done.returncode == 0, done.stderr
    assert_without_key(folder, done.stdout, done.stderr)
    lines = [json.loads(line) for line in (folder / "dataset" / "data.jsonl").read_text().splitlines()]
    for line in lines:
        for answer in line["answers"].values():
            right = str(scripted_chat_server.evaluate_sum(line["text"])) in answer["text"]
            assert answer["score"] == (1.0 if right else 0.1), line
    assert dataswarm("verify", folder, at=warm).returncode == 0


def test_a_budget_that_is_used_up_stops_the_run_and_raising_it_goes_on(
    site: ChatServer, tmp_path: Path, warm: Path
) -> None:
    folder = tmp_path / "run"
    stopped = dataswarm("run", written(tmp_path, site, budget={"calls": 20}), "--folder", folder, at=warm)
    assert stopped.returncode == 2, stopped.stderr
    [line] = stopped.stderr.splitlines()
    assert "spec.budget.calls: 20 are used up" in line
    assert len(site.bodies) == 20
    done = dataswarm("run", written(tmp_path, site, budget={"calls": 9999}), "--folder", folder, at=warm)
    assert done.returncode == 0, done.stderr
    assert len({json.dumps(body) for body in site.bodies}) == len(site.bodies), "what was paid for is kept"


def test_a_wrong_key_is_refused_before_anything_is_trained(site: ChatServer, tmp_path: Path, warm: Path) -> None:
    site.key = "another"
    refused = dataswarm("run", written(tmp_path, site), "--folder", tmp_path / "run", at=warm)
    assert refused.returncode == 2, refused.stderr
    [line] = refused.stderr.splitlines()
    assert "spec.takers[1].endpoint" in line
    assert f"does not take the key in {VARIABLE}" in line
    assert KEY not in line
    assert not (tmp_path / "run").exists()
