"""A whole run of kind ItemCount on one machine."""

import json
from pathlib import Path

import pytest

from swarm_trainer import cli

EXAMPLE = Path(__file__).parents[2] / "examples" / "item-count" / "run.yaml"


def test_the_items_of_the_example_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", str(EXAMPLE), "--folder", str(tmp_path / "run")]) == 0
    found = json.loads((tmp_path / "run" / "result.json").read_text())
    seeds = (EXAMPLE.parents[1] / "arithmetic" / "seeds.jsonl").read_text().splitlines()
    assert (found["kind"], found["items"]) == ("ItemCount", len(seeds))
    assert cli.main(["result", str(tmp_path / "run")]) == 0
    assert f"{len(seeds)} items" in capsys.readouterr().out
