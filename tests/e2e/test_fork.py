"""A fork goes on from another run's iterations: the same search as far as it was taken over, and its own from there."""

import json
import shutil
from pathlib import Path

import pytest
from command_line import FinishedRun, dataswarm

ITERATIONS = "iterations: 3, patience: 3"


def forked(arena: Path, source: Path, iteration: int, *edits: tuple[str, str]) -> Path:
    """`short.yaml` of the arena, edited, as a fork."""
    file = arena / "short.yaml"
    text = file.read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    file.write_text(f"{text}  resumeFrom: {{uri: '{source}', iteration: {iteration}}}\n")
    return file


def commit(folder: Path, iteration: int) -> dict[str, object]:
    envelope = json.loads((folder / "store" / "names" / "iterations" / f"{iteration:04d}" / "COMMIT.json").read_bytes())
    found: dict[str, object] = envelope["payload"]
    return found


@pytest.mark.long
def test_a_fork_that_searches_longer_goes_on_from_what_it_took_over(
    finished: FinishedRun, arena: Path, tmp_path: Path
) -> None:
    source, folder = tmp_path / "source", tmp_path / "fork"
    shutil.copytree(finished.folder, source)
    before = {path: path.stat().st_mtime_ns for path in source.rglob("*")}
    file = forked(arena, source, 2, (ITERATIONS, "iterations: 4, patience: 4"))
    done = dataswarm("run", file, "--folder", folder)
    assert done.returncode == 0, done.stderr
    assert before == {path: path.stat().st_mtime_ns for path in source.rglob("*")}
    for iteration in range(3):
        theirs, ours = commit(source, iteration), commit(folder, iteration)
        assert ours["candidates"] == theirs["candidates"]
        assert ours["experiment"] != theirs["experiment"]
    # What comes after is what the other run did there: what it searched under is the same.
    assert commit(folder, 3)["candidates"] == commit(source, 3)["candidates"]
    assert commit(folder, 4)["candidates"]
    log = (folder / "worker.log").read_text()
    assert "train.generators" in log  # an item that finds its receipt

    # The new chain stands alone.
    shutil.rmtree(source)
    verified = dataswarm("verify", folder)
    assert verified.returncode == 0, verified.stderr
    assert "5 iterations; the rollouts reproduce the committed swarm" in verified.stdout
    assert f"forked from {source} after iteration 2" in verified.stdout


REFUSED = {
    "another seed": (1, ("seed: 7", "seed: 8"), "spec.seed is 7 there and 8 here"),
    "other questions": (1, ("items: 24, finalists", "items: 30, finalists"), "spec.evaluation.items is 24 there"),
    "no such iteration": (9, ("seed: 7", "seed: 7"), "has no iteration 9; its last is 3"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_taken_over_is_refused(
    finished: FinishedRun, arena: Path, tmp_path: Path, warm: Path, case: tuple[int, tuple[str, str], str]
) -> None:
    iteration, edit, words = case
    file = forked(arena, finished.folder, iteration, edit)
    refused = dataswarm("run", file, "--folder", tmp_path / "fork", at=warm)
    assert refused.returncode == 2, refused.stderr
    (line,) = refused.stderr.splitlines()
    assert "spec.resumeFrom." in line
    assert words in line
    assert not (tmp_path / "fork").exists()


def test_a_run_that_began_anew_cannot_become_a_fork(
    finished: FinishedRun, arena: Path, tmp_path: Path, warm: Path
) -> None:
    folder = Path(shutil.copytree(finished.folder, tmp_path / "run"))
    refused = dataswarm("run", forked(arena, finished.folder, 1), "--folder", folder, at=warm)
    assert refused.returncode == 2, refused.stderr
    assert "spec.resumeFrom: this run began anew" in refused.stderr
