"""Creates something slow once for all processes of a test session (`pytest -n`), and shares it.

Limits: the shared folder is read-only by agreement, because other tests read it too; a test that changes it works on a
copy. The lock is `flock`, so the temporary folder must be on a file system that supports it.
"""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` filled, in this or another process of the session. Later callers wait for it."""
    base = factory.getbasetemp()
    session = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = session / f"once-{name}", session / f"once-{name}.done"
    with (session / f"once-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of an attempt that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
