"""Whole runs of the arena's tiny model, which really learns."""

import shutil
from pathlib import Path

import pytest
from command_line import ARENA, Finished, dataswarm


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
