"""A run with an unseen taker and students, with the models of the arena: whole, verified, and concluded twice."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import ARENA, GIVEN_GENERATORS, build_short_run, dataswarm

from swarm_trainer.run_store import student_receipts
from swarm_trainer.stores.local import LocalStore

pytestmark = pytest.mark.long
TRAINING = {
    "rank": 4,
    "alpha": 8,
    "targetModules": ["q_proj", "v_proj"],
    "epochs": 1,
    "learningRate": 1.0e-3,
    "maxLength": 64,
    "batchSize": 8,
    "gradientAccumulation": 1,
}


def build_document() -> dict[str, Any]:
    """The short run of the arena with given generators, an unseen taker and students."""
    changes: dict[str, Any] = {
        "generators": GIVEN_GENERATORS,
        "swarm": {"particles": 3, "iterations": 1, "standard": {"remeasured": 0, "scattered": 2}},
        "takers": [{"name": "adder", "adapter": str(ARENA / "takers" / "adder")}],
        "evaluation": {
            "items": 6,
            "finalists": 2,
            "final": {"items": 12, "seeds": 2},
            "unseen": [{"name": "beginner", "adapter": str(ARENA / "takers" / "beginner")}],
            "student": {"training": TRAINING, "test": {"uri": str(ARENA / "test.jsonl")}, "items": 16},
        },
    }
    return build_short_run(**changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("transfer") / "run.yaml"
    file.write_text(yaml.safe_dump(build_document()))
    done = dataswarm("run", file, "--folder", file.parent / "run")
    assert done.returncode == 0, done.stderr
    return file.parent / "run"


def read_result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def test_the_result_has_the_transfer_and_the_students(folder: Path) -> None:
    result = read_result(folder)
    (taker,) = result["transfer"]["takers"]
    assert taker["name"] == "beginner"
    assert [one["data"] for one in result["student"]["students"]][-2:] == ["initial", "seed"]
    assert len({one["steps"] for one in result["student"]["students"]}) == 1
    assert all(len(one["bySeed"]) == 3 for one in result["student"]["students"])
    summary = (folder / "summary.txt").read_text()
    assert "transfer to takers that the search never asked" in summary
    assert "students trained on equal tokens, on 16 test items" in summary


def test_the_students_belong_to_the_run_and_it_is_repeated_from_its_store(folder: Path) -> None:
    assert len(list(student_receipts.list_all(LocalStore(folder / "store")))) >= 6
    done = dataswarm("verify", folder)
    assert done.returncode == 0, done.stderr


def test_a_conclusion_that_is_made_again_trains_nothing_and_has_the_same_result(folder: Path) -> None:
    before, students = read_result(folder), list(student_receipts.list_all(LocalStore(folder / "store")))
    (folder / "store" / "names" / "receipts" / "conclude.json").unlink()
    (folder / "state.json").unlink()
    done = dataswarm("run", folder.parent / "run.yaml", "--folder", folder)
    assert done.returncode == 0, done.stderr
    assert read_result(folder)["digest"] == before["digest"]
    assert list(student_receipts.list_all(LocalStore(folder / "store"))) == students
