"""Whole runs in which somebody else's server takes the tests, and judges them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chat_site
import pytest
import yaml
from chat_site import MODEL, Site
from command_line import ARENA, ENVIRONMENT, dataswarm, kill_after

KEY = "sk-this-must-not-be-found-anywhere"
VARIABLE = "SOMEBODYS_KEY"
SMALL = {
    "generators": {
        "adapters": [str(ARENA / "takers" / name) for name in ("adder", "multiplier")],
        "data": {"uri": str(ARENA / "seeds.jsonl"), "field": "text", "heldOut": 0.05},
    },
    "swarm": {"particles": 2, "iterations": 1},
    "evaluation": {"items": 9, "finalists": 2, "final": {"items": 9, "seeds": 1}},
}
"""Generators that are given, and as few items as there can be."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setitem(ENVIRONMENT, VARIABLE, KEY)
    with chat_site.serving(Site(key=KEY)) as made:
        yield made


def written(folder: Path, site: Site, **changes: Any) -> Path:
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
    results = [result(folder) for folder in (one, other)]
    for fields in results:
        del fields["effort"]
    assert results[0] == results[1]
    for name in ("history.jsonl", "summary.txt", "dataset/data.jsonl"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def assert_without_key(folder: Path, *said: str) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert not any(KEY in text for text in said)


def test_a_remote_taker_is_asked_once_for_each_item_and_its_key_is_nowhere(site: Site, tmp_path: Path) -> None:
    file, folder = written(tmp_path, site, budget={"calls": 5000}), tmp_path / "run"
    done = dataswarm("run", file, "--folder", folder)
    assert done.returncode == 0, done.stderr
    assert_without_key(tmp_path, done.stdout, done.stderr)
    assert site.keys == {f"Bearer {KEY}"}
    lines = [json.loads(line) for line in (folder / "dataset" / "data.jsonl").read_text().splitlines()]
    assert all(set(line["answers"]) == {"adder", "remote"} for line in lines)
    bodies = [json.dumps(body, sort_keys=True) for body in site.bodies]
    assert len(set(bodies)) == len(bodies) > 20, "nothing is asked twice"
    effort = result(folder)["effort"]
    assert effort["requests"] > len(bodies)
    assert effort["latency"]["p50"] <= effort["latency"]["p95"]
    assert effort["tokensPerSecond"] > 0
    assert effort["store"]["bytesUp"] > 100_000, "the adapters at least"
    spent = json.loads((folder / "store" / "names" / "endpoints" / "spent.json").read_text())
    assert (spent["calls"], spent["tokens"]) == (len(bodies), 7 * len(bodies))
    shown = dataswarm("result", folder)
    assert f"{effort['requests']:,} requests" in shown.stdout
    assert dataswarm("verify", folder).returncode == 0

    # The answers alone, in another run's store: the same again costs the probe and nothing else.
    again = tmp_path / "again"
    shutil.copytree(folder / "store" / "names" / "answers", again / "store" / "names" / "answers")
    shutil.copy(folder / "run.json", again / "run.json")
    asked = len(site.bodies)
    done = dataswarm("run", file, "--folder", again)
    assert done.returncode == 0, done.stderr
    assert len(site.bodies) == asked + 1
    assert result(again)["effort"]["cached"] >= asked - 1
    assert_same(folder, again)


def test_a_run_killed_while_it_asks_goes_on_without_asking_again_and_its_effort_adds_up(
    site: Site, tmp_path: Path
) -> None:
    file = written(tmp_path, site)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert dataswarm("run", file, "--folder", whole).returncode == 0
    asked = len(site.bodies)
    assert kill_after(file, killed, lambda: len(site.bodies) >= asked + 12)
    at_death = len(site.bodies)
    done = dataswarm("run", file, "--folder", killed)
    assert done.returncode == 0, done.stderr
    assert_same(whole, killed)
    under_way = 16
    assert len(site.bodies) <= 2 * asked + under_way, "what was answered before is not asked again"
    assert len(site.bodies) - at_death < asked
    efforts = [result(folder)["effort"] for folder in (whole, killed)]
    assert efforts[1]["requests"] + efforts[1]["cached"] >= efforts[0]["requests"] - efforts[0]["cached"] - at_death


def test_a_judge_at_an_endpoint_marks_every_answer_by_its_rubric(site: Site, tmp_path: Path) -> None:
    endpoint = {"url": f"{site.url}/v1", "model": MODEL, "apiKeyFile": "key"}
    (tmp_path / "key").write_text(f"{KEY}\n")
    judge = {"type": "Model", "model": {"endpoint": endpoint, "rubric": "A right number is 10, another 1."}}
    takers = [{"name": name, "adapter": str(ARENA / "takers" / name)} for name in ("adder", "multiplier")]
    file, folder = written(tmp_path, site, judge=judge, takers=takers), tmp_path / "run"
    done = dataswarm("run", file, "--folder", folder)
    assert done.returncode == 0, done.stderr
    assert_without_key(folder, done.stdout, done.stderr)
    lines = [json.loads(line) for line in (folder / "dataset" / "data.jsonl").read_text().splitlines()]
    for line in lines:
        for answer in line["answers"].values():
            right = str(chat_site.computed(line["text"])) in answer["text"]
            assert answer["score"] == (1.0 if right else 0.1), line
    assert dataswarm("verify", folder).returncode == 0


def test_a_budget_that_is_used_up_stops_the_run_and_raising_it_goes_on(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    stopped = dataswarm("run", written(tmp_path, site, budget={"calls": 20}), "--folder", folder)
    assert stopped.returncode == 2, stopped.stderr
    [line] = stopped.stderr.splitlines()
    assert "spec.budget.calls: 20 are used up" in line
    assert len(site.bodies) == 20
    done = dataswarm("run", written(tmp_path, site, budget={"calls": 9999}), "--folder", folder)
    assert done.returncode == 0, done.stderr
    assert len({json.dumps(body) for body in site.bodies}) == len(site.bodies), "what was paid for is kept"


def test_a_wrong_key_is_refused_before_anything_is_trained(site: Site, tmp_path: Path) -> None:
    site.key = "another"
    refused = dataswarm("run", written(tmp_path, site), "--folder", tmp_path / "run")
    assert refused.returncode == 2, refused.stderr
    [line] = refused.stderr.splitlines()
    assert "spec.takers[1].endpoint" in line
    assert f"does not take the key in {VARIABLE}" in line
    assert KEY not in line
    assert not (tmp_path / "run").exists()
