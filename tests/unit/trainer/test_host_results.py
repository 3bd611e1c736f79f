"""What a run leaves is put in place whole: `result.json` stands only when all the rest does."""

import json
from pathlib import Path

import pytest

from swarm_core.engine.work import Receipt
from swarm_core.errors import BadInputError
from swarm_core.ports import StoreError
from swarm_core.recipe import Digest
from swarm_trainer.host import results
from swarm_trainer.report.evaluation_tasks import TaskFormat
from swarm_trainer.stores import tree
from swarm_trainer.stores.local import LocalStore
from swarm_trainer.worker.layout import Layout

RESULT = '{\n  "digest": "d"\n}\n'
PARTS = {"result.json": RESULT, "summary.txt": "good", "dataset/data.jsonl": "item", "adapter/weights.safetensors": "w"}


def concluded(store: LocalStore, folder: Path, parts: dict[str, str]) -> Receipt:
    """The receipt of a conclude that left these parts."""
    for name, text in parts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    outputs = {"bundle": tree.put_tree(store, folder), "result": store.put(folder / "result.json")}
    return Receipt("conclude", outputs)


def found(root: Path) -> dict[str, str]:
    """The results that stand in `root`, by name."""
    visible = (path for path in root.rglob("*") if path.is_file() and "store" not in path.parts)
    texts = {path.relative_to(root).as_posix(): path.read_text() for path in visible}
    if "result.json" in texts:
        told = json.loads(texts["result.json"])
        assert told.pop("usage")["requests"] == 0
        texts["result.json"] = json.dumps(told, indent=2) + "\n"
    return texts


def placed(tmp_path: Path) -> tuple[LocalStore, Layout, Receipt]:
    layout = Layout(tmp_path / "run")
    layout.root.mkdir()
    store = LocalStore(layout.store)
    receipt = concluded(store, tmp_path / "bundle", PARTS)
    results.install(layout, store, receipt)
    return store, layout, receipt


def test_every_part_stands_in_the_folder_and_nothing_else(tmp_path: Path) -> None:
    _, layout, _ = placed(tmp_path)
    assert found(layout.root) == PARTS
    assert not layout.staging.exists()


def test_placing_again_after_being_killed_in_the_middle_completes_it(tmp_path: Path) -> None:
    store, layout, receipt = placed(tmp_path)
    layout.result.unlink()
    (layout.root / "dataset" / "data.jsonl").write_text("half")
    (layout.root / "dataset" / "left over").touch()
    layout.summary.unlink()
    (layout.staging / "of before").mkdir(parents=True)
    results.install(layout, store, receipt)
    assert found(layout.root) == PARTS


def test_placing_what_stands_touches_nothing(tmp_path: Path) -> None:
    store, layout, receipt = placed(tmp_path)
    before = layout.summary.stat().st_ino
    results.install(layout, store, receipt)
    assert layout.summary.stat().st_ino == before


def test_no_result_stands_when_the_bundle_cannot_be_had(tmp_path: Path) -> None:
    store, layout, receipt = placed(tmp_path)
    layout.result.unlink()
    gone = Receipt("conclude", {**receipt.outputs, "bundle": Digest("0" * 64)})
    with pytest.raises(StoreError):
        results.install(layout, store, gone)
    assert not layout.result.exists()


@pytest.mark.parametrize("exists", [True, False], ids=["an empty folder", "a new folder"])
def test_an_export_holds_every_part_and_nothing_of_the_run(tmp_path: Path, exists: bool) -> None:
    _, layout, _ = placed(tmp_path)
    destination = tmp_path / "out" / "best"
    if exists:
        destination.mkdir(parents=True)
    results.export(layout, destination)
    assert found(destination) == PARTS
    assert [path.name for path in destination.parent.iterdir()] == ["best"]


ANSWERED = PARTS | {"dataset/data.jsonl": '{"text": "1+2\u2028", "reference": "3"}\n', "dataset/README.md": "card"}


@pytest.mark.parametrize("task_format", TaskFormat)
def test_a_task_stands_alone_with_the_card_of_its_data_set(tmp_path: Path, task_format: TaskFormat) -> None:
    layout = Layout(tmp_path / "run")
    for name, text in ANSWERED.items():
        (layout.root / name).parent.mkdir(parents=True, exist_ok=True)
        (layout.root / name).write_text(text, encoding="utf-8")
    results.export_task(layout, tmp_path / "out" / "task", task_format, "my-run")
    task = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out" / "task").iterdir()}
    assert task["CARD.md"] == "card"
    assert json.loads(task["items.jsonl"])["question"] == "1+2\u2028"
    assert any(name.startswith("dataswarm_my_run.") for name in task)


def test_nothing_is_left_of_a_task_without_references(tmp_path: Path) -> None:
    _, layout, _ = placed(tmp_path)
    (layout.root / "dataset" / "data.jsonl").write_text('{"text": "1+2"}\n')
    with pytest.raises(BadInputError, match="none of the 1 items"):
        results.export_task(layout, tmp_path / "out" / "task", TaskFormat.INSPECT, "my-run")
    assert not (tmp_path / "out").exists()
