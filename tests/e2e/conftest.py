"""Whole runs of the arena's tiny model, which really learns."""

import shutil
from pathlib import Path

import pytest
import s3_servers
from command_line import ARENA, ENVIRONMENT, Finished, dataswarm


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The short run, undisturbed, once for all tests."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    done = dataswarm("run", ARENA / "short.yaml", "--folder", folder)
    assert done.returncode == 0, done.stderr
    return Finished(ARENA / "short.yaml", folder, done.stdout)


@pytest.fixture
def arena(tmp_path: Path) -> Path:
    """A copy of the arena that a test may spoil; `short.yaml` lies in it."""
    return Path(shutil.copytree(ARENA, tmp_path / "arena"))


@pytest.fixture
def servers_keys(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials, for the processes that the tests start too."""
    for name, value in s3_servers.KEYS.items():
        monkeypatch.setitem(ENVIRONMENT, name, value) if value else ENVIRONMENT.pop(name, None)
    monkeypatch.setitem(ENVIRONMENT, "AWS_EC2_METADATA_DISABLED", "true")
