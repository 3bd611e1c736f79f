"""A whole run with coefficients per layer: four layers that search together."""

import json
from pathlib import Path

import pytest
import yaml
from command_line import ARENA, build_short_run, dataswarm

from swarm_trainer.lora import adapter
from swarm_trainer.run_store import commit_chain
from swarm_trainer.stores.local import LocalStore

pytestmark = pytest.mark.long
LAYERS = 4
SMALL = {
    "generators": {
        "adapters": [str(ARENA / "takers" / name) for name in ("adder", "multiplier", "subtractor")],
        "data": {"uri": str(ARENA / "seeds.jsonl"), "heldOut": 0.05},
    },
    "swarm": {"groups": "PerLayer", "particles": 4, "iterations": 2, "standard": {"remeasured": 0, "scattered": 2}},
    "evaluation": {"items": 6, "finalists": 2, "final": {"items": 6, "seeds": 1}},
}
"""Generators that are given, as few items as there can be, and particles enough for one to let its layers differ."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    document = build_short_run(**SMALL)
    file = tmp_path_factory.mktemp("layers") / "run.yaml"
    file.write_text(yaml.safe_dump(document))
    done = dataswarm("run", file, "--folder", file.parent / "run")
    assert done.returncode == 0, done.stderr
    return file.parent / "run"


def test_history_and_result_have_coefficients_for_each_layer_and_they_sum_to_one(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    candidates = [candidate["coefficients"] for line in lines for candidate in line["candidates"]]
    result = json.loads((folder / "result.json").read_text())
    for layers in [*candidates, result["best"]["coefficients"], *(one["coefficients"] for one in result["initials"])]:
        assert [sum(block) for block in layers] == pytest.approx([1.0] * LAYERS, abs=1e-9)
    assert any(layers[0] != layers[1] for layers in candidates)


def test_initial_generators_are_recognised_with_what_the_search_believed_of_them(folder: Path) -> None:
    result = json.loads((folder / "result.json").read_text())
    assert [one["name"] for one in result["initials"]] == ["g00", "g01", "g02"]
    assert all(one["searched"] is not None for one in result["initials"])


def test_the_summary_shows_the_mean_over_layers_and_says_so(folder: Path) -> None:
    lines = (folder / "summary.txt").read_text().splitlines()
    assert any(line.endswith("coefficients, mean over layers") for line in lines)
    assert any(line.startswith("g01") and line.endswith("+0.00 +1.00 +0.00") for line in lines)


def test_the_commits_hold_a_swarm_of_as_many_blocks_and_the_adapter_is_plain_lora(folder: Path) -> None:
    commits = list(commit_chain.walk(LocalStore(folder / "store")))
    assert {json.loads(commit.swarm)["plan"]["groups"] for commit in commits} == {LAYERS}
    assert adapter.read_signature(folder / "adapter").rank == 8
