"""A run in a bucket, its host killed with SIGKILL again and again, at random, and brought on elsewhere each time."""

import json
import random
import shutil
import time
from pathlib import Path

import pytest
import shortest_run
from command_line import ARENA, dataswarm, read_output, start_run
from s3_servers import Server

KILLS = 4
SEED = 5
"""Draws the moments: how much a host may write before it is killed, and how long after that it is."""
SOON = 0.3
"""Seconds, at most."""


@pytest.mark.timeout(900)
def test_a_run_whose_host_is_killed_again_and_again_ends_as_if_undisturbed(
    versitygw: Server, servers_keys: None, tmp_path: Path
) -> None:
    arena = Path(shutil.copytree(ARENA, tmp_path / "arena"))
    done = dataswarm("run", shortest_run.write_document(arena), "--folder", tmp_path / "undisturbed")
    assert done.returncode == 0, done.stderr

    draw, whole = random.Random(SEED), written(tmp_path / "undisturbed" / "store" / "names")
    file = shortest_run.write_document(arena, shortest_run.bucket_patch(versitygw, "killed-again"))
    names = shortest_run.names_folder(versitygw, "killed-again")
    for number in range(KILLS):
        enough = written(names) + draw.randint(1, whole // (KILLS + 1))
        host = start_run(file, tmp_path / f"machine-{number}")
        while host.poll() is None and written(names) < enough:
            time.sleep(0.05)
        time.sleep(draw.uniform(0.0, SOON))
        assert host.poll() is None, "it ended before it was killed"
        host.kill()
        host.wait()

    done = dataswarm("run", file, "--folder", tmp_path / "last")
    assert done.returncode == 0, done.stderr
    for name in ("result.json", "history.jsonl", "dataset/data.jsonl"):
        assert read_output(tmp_path / "last", name) == read_output(tmp_path / "undisturbed", name), name
    last = json.loads((tmp_path / "last" / "result.json").read_text())["lastCommit"]
    verified = dataswarm("verify", f"s3://killed-again/{shortest_run.NAME}", "--endpoint", versitygw.endpoint)
    assert verified.returncode == 0, verified.stderr
    assert last in verified.stdout


def written(names: Path) -> int:
    """How many names stand: the clock of a run, which goes as fast as its machine."""
    return sum(path.is_file() for path in names.rglob("*"))
