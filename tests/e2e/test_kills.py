"""A run in a bucket, its host killed with SIGKILL again and again, at random, and brought on elsewhere each time."""

import json
import random
import shutil
import time
from pathlib import Path

import pytest
import shortest
from command_line import ARENA, dataswarm, left, started
from s3_servers import Server

KILLS = 6
SEED = 5
"""Draws the moments."""


@pytest.mark.timeout(900)
def test_a_run_whose_host_is_killed_again_and_again_ends_as_if_undisturbed(
    versitygw: Server, servers_keys: None, tmp_path: Path
) -> None:
    arena = Path(shutil.copytree(ARENA, tmp_path / "arena"))
    begun = time.monotonic()
    done = dataswarm("run", shortest.written(arena), "--folder", tmp_path / "undisturbed")
    lasted = time.monotonic() - begun
    assert done.returncode == 0, done.stderr

    draw, kills = random.Random(SEED), 0
    file = shortest.written(arena, shortest.in_bucket(versitygw, "killed-again"))
    while kills < KILLS:
        # Starting takes a few seconds in which little can be lost, so no moment lies there.
        host = started(file, tmp_path / f"machine-{kills}")
        moment = time.monotonic() + lasted * draw.uniform(0.2, 0.7)
        while host.poll() is None and time.monotonic() < moment:
            time.sleep(0.05)
        ended = host.poll() is not None
        host.kill()
        host.wait()
        kills += 1
        if ended:
            break
    assert kills > 2

    done = dataswarm("run", file, "--folder", tmp_path / "last")
    assert done.returncode == 0, done.stderr
    for name in ("result.json", "history.jsonl", "dataset/data.jsonl"):
        assert left(tmp_path / "last", name) == left(tmp_path / "undisturbed", name), name
    last = json.loads((tmp_path / "last" / "result.json").read_text())["lastCommit"]
    verified = dataswarm("verify", f"s3://killed-again/{shortest.NAME}", "--endpoint", versitygw.endpoint)
    assert verified.returncode == 0, verified.stderr
    assert last in verified.stdout
