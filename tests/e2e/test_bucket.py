"""A whole run with its store in a bucket: the same experiment, and nothing of the keys anywhere."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import s3_servers
import secret_scan
from command_line import ENVIRONMENT, FinishedRun, dataswarm, read_output
from s3_servers import Server


def stored_in(arena: Path, bucket: str, endpoint: str) -> Path:
    """`short.yaml` of the arena, its store in a bucket."""
    file = arena / "short.yaml"
    file.write_text(f"{file.read_text()}  storage: {{type: S3, s3: {{bucket: {bucket}, endpoint: '{endpoint}'}}}}\n")
    return file


def test_a_run_in_a_bucket_is_the_same_experiment_with_the_same_result(
    finished: FinishedRun, versitygw: Server, servers_keys: None, arena: Path, tmp_path: Path
) -> None:
    place, folder = versitygw.bucket("whole-run"), tmp_path / "run"
    file = stored_in(arena, place.bucket, versitygw.endpoint)
    done = dataswarm("run", file, "--folder", folder)
    assert done.returncode == 0, done.stderr
    for name in ("result.json", "history.jsonl", "summary.txt", "dataset/data.jsonl"):
        assert read_output(folder, name) == read_output(finished.folder, name), name
    moved = json.loads((folder / "result.json").read_text())["usage"]["store"]
    assert min(moved.values()) > 100_000
    assert not (folder / "store").exists()
    said = tmp_path / "said"
    said.write_text(done.stdout + done.stderr)
    assert (
        secret_scan.find_words([folder, versitygw.folder / place.bucket, said], [s3_servers.SECRET, s3_servers.KEY])
        == []
    )

    # Another folder, perhaps on another machine, finds the run done; another experiment in its place is refused.
    again = dataswarm("run", file, "--folder", tmp_path / "elsewhere")
    assert again.returncode == 0, again.stderr
    assert read_output(tmp_path / "elsewhere", "result.json") == read_output(folder, "result.json")
    file.write_text(file.read_text().replace("seed: 7", "seed: 8"))
    other = dataswarm("run", file, "--folder", tmp_path / "other")
    assert other.returncode == 2
    assert "spec.seed: not as in the experiment that this store holds" in other.stderr
    assert not (tmp_path / "other").exists()


def wrong_key(_: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(ENVIRONMENT, "AWS_SECRET_ACCESS_KEY", "wrong-and-still-a-secret")
    return "the store rejects this key"


def unreachable(*_: object) -> str:
    return "cannot be reached"


def missing(*_: object) -> str:
    return "no such bucket"


@pytest.mark.parametrize("spoil", [wrong_key, missing, unreachable], ids=lambda spoil: spoil.__name__)
def test_a_store_that_cannot_be_used_is_refused_before_anything_is_trained(
    versitygw: Server,
    servers_keys: None,
    arena: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Server, pytest.MonkeyPatch], str],
) -> None:
    words = spoil(versitygw, monkeypatch)
    bucket = "no-such" if spoil is missing else versitygw.bucket(f"refused-{spoil.__name__.replace('_', '-')}").bucket
    endpoint = f"http://127.0.0.1:{s3_servers.free_port()}" if spoil is unreachable else versitygw.endpoint
    refused = dataswarm("run", stored_in(arena, bucket, endpoint), "--folder", tmp_path / "run")
    assert refused.returncode == 2, refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert f"s3://{bucket}/arithmetic-short" in refused.stderr
    assert words in refused.stderr
    assert "secret" not in refused.stderr
    assert not (tmp_path / "run").exists()


def test_a_store_that_ignores_conditions_is_refused_unless_there_is_a_single_writer(
    rclone: Server, servers_keys: None, arena: Path, tmp_path: Path, warm: Path
) -> None:
    place = rclone.bucket("liar")
    file = stored_in(arena, place.bucket, rclone.endpoint)
    refused = dataswarm("run", file, "--folder", tmp_path / "run", at=warm)
    assert refused.returncode == 2, refused.stderr
    assert "ignores If-None-Match" in refused.stderr
    assert "singleWriter" in refused.stderr
    assert not list((rclone.folder / "liar").rglob("*.json"))
    assert not (tmp_path / "run").exists()
