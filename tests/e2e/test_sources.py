"""Whole runs whose inputs are elsewhere: the same experiment, the same result, and each input fetched once."""

from pathlib import Path

import inputs
import pytest
import s3_servers
from command_line import ARENA, ENVIRONMENT, Finished, dataswarm
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
        inputs.upload_folder(client, bucket, f"arena/{part}", ARENA / part)
    client.put_object(Bucket=bucket, Key="arena/seeds.jsonl", Body=(ARENA / "seeds.jsonl").read_bytes())
    return f"s3://{bucket}/arena/"


def test_a_run_with_every_input_in_a_bucket_is_the_same_experiment_with_the_same_result(
    finished: Finished, place: str, arena: Path, tmp_path: Path
) -> None:
    file = inputs.addressed(arena / "short.yaml", place)
    done = dataswarm("run", file, "--folder", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    for name in SAME:
        assert (tmp_path / "run" / name).read_bytes() == (finished.folder / name).read_bytes(), name
