"""One host per run folder, and whoever is second learns who is first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from swarm_core.errors import BadInputError
from swarm_trainer.host import lock

HOLDER = """
import sys
from pathlib import Path
from swarm_trainer.host import lock
with lock.hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def other_process(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock until it is ended."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_refused_and_told_the_firsts_process_number(tmp_path: Path) -> None:
    with other_process(tmp_path / "lock") as first:
        words = f"process {first.pid} on .*already runs in this folder; .*kill {first.pid}"
        with pytest.raises(BadInputError, match=words), lock.hold(tmp_path / "lock"):
            pass
        first.kill()


def test_a_lock_is_free_as_soon_as_its_holder_is_killed(tmp_path: Path) -> None:
    with other_process(tmp_path / "lock") as first:
        first.kill()
        first.wait()
        with lock.hold(tmp_path / "lock") as me:
            assert me.pid == os.getpid()


def test_who_holds_it_can_be_asked_without_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert lock.holder(path) is None
    with lock.hold(path) as me:
        assert lock.holder(path) == me
    assert lock.holder(path) is None


def test_a_holder_that_has_not_written_its_name_yet_is_still_refused_to_others(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock.hold(path):
        path.write_text("")
        with pytest.raises(BadInputError, match="another process already runs in this folder"), lock.hold(path):
            pass
