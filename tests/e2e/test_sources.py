"""Whole runs whose inputs are elsewhere: the same experiment, the same result, and each input fetched once."""

import shutil
from pathlib import Path

import arena_inputs
import pytest
import s3_servers
from command_line import ARENA, ENVIRONMENT, FinishedRun, dataswarm, read_output
from s3_servers import Server

SAME = ("result.json", "history.jsonl", "summary.txt", "dataset/data.jsonl")


@pytest.fixture
def place(versitygw: Server, keys: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The arena's inputs below a prefix of a bucket, and the environment that reaches it, with a cache of its own."""
    for name, value in s3_servers.KEYS.items():
        monkeypatch.setitem(ENVIRONMENT, name, value) if value else ENVIRONMENT.pop(name, None)
    monkeypatch.setitem(ENVIRONMENT, "AWS_ENDPOINT_URL", versitygw.endpoint)
    monkeypatch.setitem(ENVIRONMENT, "DATASWARM_CACHE", str(tmp_path / "cache"))
    bucket = f"inputs-{tmp_path.name[-20:].replace('_', '-')}".lower().strip("-")
    client = s3_servers.boto(versitygw.endpoint)
    client.create_bucket(Bucket=bucket)
    for part in ("base", "takers/adder", "takers/multiplier"):
        arena_inputs.upload_folder(client, bucket, f"arena/{part}", ARENA / part)
    client.put_object(Bucket=bucket, Key="arena/seeds.jsonl", Body=(ARENA / "seeds.jsonl").read_bytes())
    return f"s3://{bucket}/arena/"


def unconcluded(folder: Path) -> None:
    """Take the run's last step back, so that its models are wanted again."""
    names = folder / "store" / "names"
    (names / "receipts" / "conclude.json").unlink()
    for gone in (names / "choice", names / "final"):
        shutil.rmtree(gone)
    (folder / "state.json").unlink()


def test_a_run_with_every_input_in_a_bucket_is_the_same_experiment_with_the_same_result(
    finished: FinishedRun, place: str, arena: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = arena_inputs.prefix_inputs(arena / "short.yaml", place), tmp_path / "run"
    done = dataswarm("run", file, "--folder", folder)
    assert done.returncode == 0, done.stderr
    for name in SAME:
        assert read_output(folder, name) == read_output(finished.folder, name), name
    experiment = "store/names/prepare/experiment.json"
    assert (folder / experiment).read_bytes() == (finished.folder / experiment).read_bytes()
    assert s3_servers.SECRET not in "".join(path.read_text() for path in folder.glob("*.*") if path.suffix != ".png")

    # Everything is cached and pinned: the run goes on without a server.
    unconcluded(folder)
    endpoint = ENVIRONMENT["AWS_ENDPOINT_URL"]
    monkeypatch.setitem(ENVIRONMENT, "AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    done = dataswarm("run", file, "--folder", folder)
    assert done.returncode == 0, done.stderr
    assert read_output(folder, "result.json") == read_output(finished.folder, "result.json")

    # On a machine with an empty cache the inputs are fetched again, and one that changed since is found.
    unconcluded(folder)
    monkeypatch.setitem(ENVIRONMENT, "AWS_ENDPOINT_URL", endpoint)
    shutil.rmtree(ENVIRONMENT["DATASWARM_CACHE"])
    bucket = place.removeprefix("s3://").partition("/")[0]
    config = (ARENA / "base" / "config.json").read_bytes() + b"\n"
    s3_servers.boto(endpoint).put_object(Bucket=bucket, Key="arena/base/config.json", Body=config)
    refused = dataswarm("run", file, "--folder", folder)
    assert refused.returncode == 2, refused.stderr
    assert f"spec.base.model: '{place}base' has changed since this run began" in refused.stderr


def test_an_input_that_is_not_there_is_refused_before_anything_is_trained(
    place: str, arena: Path, tmp_path: Path, warm: Path
) -> None:
    file = arena_inputs.prefix_inputs(arena / "short.yaml", place)
    file.write_text(file.read_text().replace("takers/adder", "takers/subber"))
    assert dataswarm("validate", file, at=warm).returncode == 0
    refused = dataswarm("run", file, "--folder", tmp_path / "run", at=warm)
    assert refused.returncode == 2, refused.stderr
    (line,) = refused.stderr.splitlines()
    assert f"spec.takers[0].adapter: '{place}takers/subber': there are no objects below this address" in line
    assert not (tmp_path / "run").exists()
