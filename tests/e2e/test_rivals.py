"""A whole run with every rival: all of them are measured, within the budget, and the same after kills."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import GIVEN_GENERATORS, build_short_run, dataswarm, kill_after, read_output

from swarm_core import catalog

pytestmark = pytest.mark.long
NAMES = [name for name in catalog.RIVALS if name != "DescriptionSearch"]
"""The rivals that fit the arena. DescriptionSearch does not, because the arena's prompts do not show their domain."""
RIVALS = [{"type": name} for name in NAMES]
SMALL = {
    "generators": GIVEN_GENERATORS,
    "swarm": {"particles": 3, "iterations": 2, "patience": 2, "standard": {"scattered": 2}},
    "evaluation": {"items": 12, "finalists": 2, "final": {"items": 12, "seeds": 2}, "rivals": RIVALS},
}
"""Generators that are given, and few items; the search pays for two sets of drafts and a few iterations."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    document = build_short_run(**SMALL)
    file = tmp_path_factory.mktemp("rivals") / "run.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


@pytest.fixture(scope="module")
def folder(file: Path) -> Path:
    done = dataswarm("run", file, "--folder", file.parent / "run")
    assert done.returncode == 0, done.stderr
    return file.parent / "run"


def read_result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def test_every_rival_is_measured_within_the_budget_of_the_search(folder: Path) -> None:
    rivals = read_result(folder)["rivals"]
    assert [one["name"] for one in rivals["compared"]] == NAMES
    for one in rivals["compared"]:
        assert 0 <= one["fresh"]["value"] <= 1, one
        assert one["gain"]["low"] <= one["gain"]["value"] <= one["gain"]["high"]
        assert all(one["spent"][part] <= limit for part, limit in rivals["budget"].items())
    spent = {one["name"]: one["spent"]["items"] for one in rivals["compared"]}
    assert {name for name, items in spent.items() if items} >= {"BestOfN", "RandomSearch", "CmaEs"}
    assert not any(spent[name] for name in ("FewShotBase", "UniformSoup", "Slerp", "DareTies"))


def test_rivals_change_nothing_else_in_the_result(file: Path, folder: Path, tmp_path: Path) -> None:
    document = yaml.safe_load(file.read_text())
    del document["spec"]["evaluation"]["rivals"]
    (tmp_path / "plain.yaml").write_text(yaml.safe_dump(document))
    done = dataswarm("run", tmp_path / "plain.yaml", "--folder", tmp_path / "plain")
    assert done.returncode == 0, done.stderr
    plain, with_rivals = read_result(tmp_path / "plain"), read_result(folder)
    for field in ("objective", "stop", "seeds", "best", "initial", "initials", "gain", "counts"):
        assert plain[field] == with_rivals[field], field


def test_a_run_that_is_killed_within_its_rivals_ends_as_if_undisturbed(
    file: Path, folder: Path, tmp_path: Path
) -> None:
    made = tmp_path / "killed" / "store" / "names" / "rivals"
    for name in ("DareTies/final/0", "BestOfN/drafts/0001", "CmaEs/iterations/0001"):
        assert kill_after(file, tmp_path / "killed", (made / name).exists), name
    done = dataswarm("run", file, "--folder", tmp_path / "killed")
    assert done.returncode == 0, done.stderr
    for output in ("result.json", "summary.txt", "dataset/data.jsonl"):
        assert read_output(tmp_path / "killed", output) == read_output(folder, output), output


def test_the_summary_has_a_row_for_each_rival_and_validate_says_what_they_cost(file: Path, folder: Path) -> None:
    lines = (folder / "summary.txt").read_text().splitlines()
    assert {line.split()[0] for line in lines if line} >= set(NAMES)
    assert all(len(line) < 80 for line in lines if line.split()[:1] and line.split()[0] in NAMES)
    shown = dataswarm("validate", file).stdout
    (row,) = (line for line in shown.splitlines() if line.split()[:1] == ["rivals"])
    assert all(name in row for name in NAMES)
    assert "requested in addition: at most" in row
