"""The worker's loop: every item ends in one receipt or one `FailedAttempt`, whatever it raises and prints."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from swarm_core.engine.work import FailureReason, Kind, Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.ports import StoreError
from swarm_trainer.runtime.context import Progress
from swarm_trainer.worker import loop, messages
from swarm_trainer.worker.messages import FailedAttempt

ITEM = WorkItem(Kind.ITERATE, index=3, attempt=2)
REAL_LOOP = Path(__file__).with_name("fake_worker.py")


def said_about(raised: Exception) -> FailedAttempt:
    def carry_out(item: WorkItem, report: Callable[[Progress], None]) -> Receipt:
        raise raised

    said: list[messages.Message] = []
    loop.execute_line(ITEM.to_json(), carry_out, said.append)
    (only,) = said
    assert isinstance(only, FailedAttempt)
    return only


def full_disk() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "store/objects/ab")


def wrapped() -> StoreError:
    error = StoreError("cannot write ab: no room; free some")
    error.__cause__ = full_disk()
    return error


def test_progress_and_then_the_receipt_are_said_in_this_order() -> None:
    step = Progress(ITEM.key, "halfway", 1, 2)

    def carry_out(item: WorkItem, report: Callable[[Progress], None]) -> Receipt:
        report(step)
        return Receipt(item.key)

    said: list[messages.Message] = []
    loop.execute_line(ITEM.to_json(), carry_out, said.append)
    assert said == [step, Receipt(ITEM.key)]


@pytest.mark.parametrize(
    ("raised", "reason", "words"),
    [
        pytest.param(BadInputError("seed -1: must be 0 or more"), FailureReason.BAD_INPUT, "seed -1", id="bad input"),
        pytest.param(RuntimeError("matrix\nis singular"), FailureReason.ERROR, "matrix is singular", id="error"),
        pytest.param(full_disk(), FailureReason.BAD_INPUT, "store/objects/ab: the disk is full", id="full disk"),
        pytest.param(wrapped(), FailureReason.BAD_INPUT, "cannot write ab: no room", id="full disk, explained"),
        pytest.param(
            RuntimeError("I/O error: No space left on device (os error 28)"),
            FailureReason.BAD_INPUT,
            "the disk is full",
            id="full disk, as a text",
        ),
        pytest.param(TimeoutError("no answer"), FailureReason.ERROR, "TimeoutError: no answer", id="other OSError"),
    ],
)
def test_what_an_item_raises_is_said_on_one_line_with_its_reason(
    raised: Exception, reason: FailureReason, words: str
) -> None:
    said = said_about(raised)
    assert (said.key, said.failed.attempt, said.failed.reason) == (ITEM.key, 2, reason)
    assert words in said.failed.message
    assert "\n" not in said.failed.message


def test_the_traceback_of_an_error_goes_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    said_about(RuntimeError("matrix is singular"))
    assert "Traceback" in capsys.readouterr().err


def test_a_long_message_is_cut() -> None:
    assert len(said_about(RuntimeError("x" * 9999)).failed.message) == loop.MAX_MESSAGE_CHARACTERS


@contextmanager
def worker(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The real loop in a process, with the fake `carry_out` of fake_worker.py."""
    command = [sys.executable, str(REAL_LOOP), "--run", str(folder)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    with process:
        yield process
        process.kill()


def ask(process: subprocess.Popen[str], item: WorkItem) -> dict[str, object]:
    """Give an item; the last message about it."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(item.to_json() + "\n")
    process.stdin.flush()
    for line in process.stdout:
        message: dict[str, object] = json.loads(line)
        if message["type"] != "progress":
            return message
    raise AssertionError(f"the worker ended: {process.wait()}")


def behave(folder: Path, **by_key: str) -> None:
    (folder / ".behaviour.json").write_text(json.dumps(by_key))


def test_what_libraries_print_to_stdout_goes_to_the_log(tmp_path: Path) -> None:
    behave(tmp_path, prepare="print")
    with worker(tmp_path) as process:
        assert ask(process, WorkItem(Kind.PREPARE))["type"] == "receipt"
    assert "noise from python" in (tmp_path / "log").read_text()
    assert "noise from a library" in (tmp_path / "log").read_text()


def test_a_worker_goes_on_after_a_failed_item_in_the_same_process(tmp_path: Path) -> None:
    behave(tmp_path, prepare="error")
    with worker(tmp_path) as process:
        assert ask(process, WorkItem(Kind.PREPARE))["reason"] == "Error"
        assert ask(process, WorkItem(Kind.TRAIN))["type"] == "receipt"


@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
def test_a_worker_ends_when_its_input_ends(tmp_path: Path, busy: bool) -> None:
    behave(tmp_path, prepare="hang")
    with worker(tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if busy:
            process.stdin.write(WorkItem(Kind.PREPARE).to_json() + "\n")
            process.stdin.flush()
            assert "begun" in process.stdout.readline()
            assert "hanging" in process.stdout.readline()
        process.stdin.close()
        assert process.wait(20) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_worker_dies_with_its_parent_even_when_its_input_stays_open(tmp_path: Path) -> None:
    behave(tmp_path, prepare="hang")
    reading, writing = os.pipe()
    script = (
        "import subprocess, sys, os;"
        f"p = subprocess.Popen([sys.executable, {str(REAL_LOOP)!r}, '--run', {str(tmp_path)!r}], stdin={reading});"
        "print(p.pid, flush=True); os.read(0, 1)"
    )
    command = [sys.executable, "-c", script]
    os.write(writing, WorkItem(Kind.PREPARE).to_json().encode() + b"\n")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[reading]
    ) as parent:
        os.close(reading)
        assert parent.stdout is not None
        assert int(parent.stdout.readline()) > 0
        assert "begun" in parent.stdout.readline()
        assert "hanging" in parent.stdout.readline()
        parent.send_signal(signal.SIGKILL)
        # The worker holds the other end of this pipe: it closes when the worker is gone, and no sooner.
        assert parent.stdout.read() == ""
    os.close(writing)
