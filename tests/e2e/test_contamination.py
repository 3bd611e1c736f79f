"""A whole run against a test set: what repeats a test item is rejected, counted and charged, and nothing of it is left
in the generated data."""

import json
from pathlib import Path

import pytest
import yaml
from command_line import GIVEN_GENERATORS, build_short_run, dataswarm

from swarm_core.canonical_items import canonicalize_item
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.rollout import Rollout
from swarm_trainer.run_store import commit_chain
from swarm_trainer.stores.local import LocalStore

pytestmark = pytest.mark.long
JUDGE = ArithmeticJudge()
TEST_ITEMS = [f"{a} + {b} = ?" for a in range(0, 100, 2) for b in range(100)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run whose test set is half of all sums of two numbers."""
    scratch = tmp_path_factory.mktemp("contamination")
    (scratch / "sums.csv").write_text("question\n" + "\n".join(TEST_ITEMS) + "\n")
    changes = {
        "generators": GIVEN_GENERATORS | {"overlap": "Remove"},
        "gates": [
            {"type": "Verifiable"},
            {"type": "Contamination", "contamination": {"testSets": [{"name": "sums", "uri": "sums.csv"}]}},
            {"type": "Duplicate"},
        ],
        "swarm": {"particles": 3, "iterations": 1, "standard": {"remeasured": 0, "scattered": 2}},
        "evaluation": {"items": 16, "finalists": 2, "final": {"items": 16, "seeds": 2}},
    }
    document = build_short_run(**changes)
    file = scratch / "run.yaml"
    file.write_text(yaml.safe_dump(document))
    shown = dataswarm("validate", file)
    assert "sums: sums.csv, by the gate Contamination" in shown.stdout
    assert "sums.csv: CSV, 5,000 records" in shown.stdout
    done = dataswarm("run", file, "--folder", scratch / "run")
    assert done.returncode == 0, done.stderr
    return scratch / "run"


def test_copies_of_test_items_are_rejected_and_charged_and_no_accepted_item_is_one(folder: Path) -> None:
    store = LocalStore(folder / "store")
    (first,) = [done for done in commit_chain.walk(store) if done.iteration == 0]
    forms = {canonicalize_item(Item(text), JUDGE) for text in TEST_ITEMS}
    rejected = 0
    for candidate in first.candidates:
        rollout = Rollout.from_bytes(store.read(f"iterations/0000/rollouts/{candidate.name}.json.gz") or b"")
        found = [one for one in rollout.rejections if one.gate == "Contamination"]
        assert all(canonicalize_item(one.item, JUDGE) in forms and one.reason.endswith("of sums") for one in found)
        assert not any(canonicalize_item(one.item, JUDGE) in forms for one in rollout.items)
        assert len(rollout.items) + len(rollout.rejections) <= rollout.asked
        rejected += len(found)
    assert rejected > 0
    result = json.loads((folder / "result.json").read_text())
    assert result["counts"]["rejected"]["Contamination"] > 0
    dataset = [json.loads(line) for line in (folder / "dataset" / "data.jsonl").read_text().splitlines()]
    assert not any(canonicalize_item(Item(one["text"]), JUDGE) in forms for one in dataset)


def test_the_search_is_repeated_from_its_store_alone(folder: Path) -> None:
    done = dataswarm("verify", folder)
    assert done.returncode == 0, done.stderr
