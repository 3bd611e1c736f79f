"""`dataswarm verify` and `gc` over a finished run, and over one that somebody touched."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import FinishedRun, dataswarm

DAY = 86_400


@pytest.fixture
def copy(finished: FinishedRun, tmp_path: Path) -> Path:
    """A copy of the finished run that a test may spoil."""
    return Path(shutil.copytree(finished.folder, tmp_path / "copy"))


def test_a_finished_run_is_verified_and_its_search_replayed(finished: FinishedRun) -> None:
    done = dataswarm("verify", finished.folder)
    assert done.returncode == 0, done.stderr
    assert "4 iterations; the rollouts reproduce the committed swarm" in done.stdout


@pytest.mark.parametrize("command", ["verify", "gc", "status", "result"])
def test_a_command_that_loads_no_model_imports_no_torch(command: str, finished: FinishedRun) -> None:
    code = "import sys; from swarm_trainer import cli; sys.exit(cli.main(sys.argv[1:]) or 'torch' in sys.modules)"
    call = [sys.executable, "-c", code, command, str(finished.folder)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_rollout_that_was_changed_is_found_and_named(copy: Path, warm: Path) -> None:
    rollout = min((copy / "store" / "names" / "iterations" / "0001" / "rollouts").iterdir())
    rollout.chmod(0o644)
    changed = gzip.decompress(rollout.read_bytes()).replace(b'"tokens":', b'"tokens":1', 1)
    rollout.write_bytes(gzip.compress(changed, mtime=0))
    refused = dataswarm("verify", copy, at=warm)
    assert refused.returncode == 1
    assert f"iterations/0001/rollouts/{rollout.name} is not the rollout its commit names" in refused.stderr


def test_only_old_blobs_that_nothing_leads_to_are_collected(copy: Path, warm: Path) -> None:
    blobs = copy / "store" / "blobs"
    before = {path for path in blobs.rglob("*") if path.is_file()}
    (blobs / "00").mkdir(exist_ok=True)
    old, young, foreign = blobs / "00" / ("0" * 64), blobs / "00" / ("0" * 63 + "1"), blobs / "00" / "notes.txt"
    for path in (old, young, foreign):
        path.write_bytes(b"?")
    for path in (old, foreign):
        os.utime(path, (path.stat().st_mtime - 2 * DAY,) * 2)
    listed = dataswarm("gc", copy, at=warm)
    assert listed.returncode == 0, listed.stderr
    assert f"would delete blobs/00/{old.name}" in listed.stdout
    assert old.exists()
    assert dataswarm("gc", copy, "--delete", at=warm).returncode == 0
    assert not old.exists()
    assert before | {young, foreign} == {path for path in blobs.rglob("*") if path.is_file()}
    assert dataswarm("verify", copy, at=warm).returncode == 0


def rollouts(folder: Path) -> set[tuple[int, str]]:
    """Iteration and name of every rollout of the search."""
    found = (folder / "store" / "names" / "iterations").glob("*/rollouts/*")
    return {(int(path.parts[-3]), path.name.partition(".")[0]) for path in found}


def test_a_concluded_run_gives_up_all_rollouts_but_the_last_the_bests_and_the_pinned(copy: Path, warm: Path) -> None:
    before = rollouts(copy)
    best = json.loads((copy / "result.json").read_text())["best"]["recipe"]
    commits = [json.loads((copy / f"store/names/iterations/{index:04d}/COMMIT.json").read_text()) for index in range(4)]
    bests = {
        (one["iteration"], candidate["name"])
        for one in commits
        for candidate in one["payload"]["candidates"]
        if candidate["model"] == best
    }
    assert dataswarm("pin", copy, "1", at=warm).returncode == 0
    listed = dataswarm("gc", copy, "--keep", "1", "--grace-hours", "0", at=warm)
    assert listed.returncode == 0, listed.stderr
    assert rollouts(copy) == before
    assert dataswarm("gc", copy, "--keep", "1", "--grace-hours", "0", "--delete", at=warm).returncode == 0
    assert rollouts(copy) == {(index, name) for index, name in before if index in (1, 3)} | bests
    verified = dataswarm("verify", copy, at=warm)
    assert verified.returncode == 0, verified.stderr
    assert "2 of the iterations have no rollouts any more" in verified.stdout
    assert "were deleted already" in dataswarm("pin", copy, "0", at=warm).stderr


def test_a_run_that_goes_on_keeps_its_rollouts(copy: Path, warm: Path) -> None:
    (copy / "store" / "names" / "receipts" / "conclude.json").unlink()
    refused = dataswarm("gc", copy, "--keep", "1", at=warm)
    assert refused.returncode == 2
    assert "--keep is for a concluded run" in refused.stderr
