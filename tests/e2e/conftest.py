"""Whole runs of the arena's tiny model, which really learns."""

import shutil
from pathlib import Path

import pytest
from command_line import ARENA, GAME, Finished, dataswarm


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The short run, undisturbed, once for all tests."""
    return undisturbed(ARENA / "short.yaml", tmp_path_factory.mktemp("undisturbed") / "run")


@pytest.fixture(scope="session")
def game(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The short game, likewise."""
    return undisturbed(GAME / "short.yaml", tmp_path_factory.mktemp("undisturbed") / "game")


def undisturbed(file: Path, folder: Path) -> Finished:
    done = dataswarm("run", file, "--folder", folder)
    assert done.returncode == 0, done.stderr
    return Finished(file, folder, done.stdout)


@pytest.fixture
def arena(tmp_path: Path) -> Path:
    """A copy of the arena that a test may spoil; `short.yaml` lies in it."""
    return Path(shutil.copytree(ARENA, tmp_path / "arena"))
