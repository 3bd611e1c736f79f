"""Hosts that are killed, stopped, or started twice: run again, they go on and end in the same result."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from swarm_trainer import cli

HERE = Path(__file__).parent
FILE = HERE / "fake_run" / "swarmrun.yaml"
Events = Iterator[dict[str, object]]


def command(folder: Path) -> list[str]:
    return [sys.executable, str(HERE / "fake_cli.py"), "run", str(FILE), "--folder", str(folder), "--json"]


@contextmanager
def host(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Events]]:
    """A host in a process group of its own, as a terminal would start it, and its events as they come."""
    with subprocess.Popen(
        command(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as process:
        assert process.stdout is not None
        yield process, map(json.loads, process.stdout)
        process.kill()


def until(events: Events, kind: str, **fields: object) -> dict[str, object]:
    """The next event of a kind with these fields."""
    for event in events:
        if event["event"] == kind and fields.items() <= event.items():
            return event
    raise AssertionError(f"the host ended before {kind} {fields}")


def behave(folder: Path, **by_key: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / ".behaviour.json").write_text(json.dumps(by_key))


def results(folder: Path) -> dict[str, bytes]:
    """Every receipt, and the result."""
    receipts = {path.name: path.read_bytes() for path in (folder / "store" / "names" / "receipts").iterdir()}
    return {**receipts, "result.json": (folder / "result.json").read_bytes()}


def finish(folder: Path) -> str:
    """Run to the end; what was printed."""
    return subprocess.run(command(folder), check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """The results of a run that nobody disturbs, and the number of its events."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    printed = finish(folder)
    return results(folder), len(printed.splitlines())


@pytest.mark.long
def test_a_host_killed_again_and_again_ends_in_the_same_result(
    tmp_path: Path, undisturbed: tuple[dict[str, bytes], int]
) -> None:
    expected, events = undisturbed
    folder = tmp_path / "run"
    for kill_after in range(1, events, 5):
        with host(folder) as (process, seen):
            for _ in zip(range(kill_after), seen, strict=False):
                pass
            process.send_signal(signal.SIGKILL)
    finish(folder)
    assert results(folder) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="prctl and pidfd are Linux's")
def test_a_worker_dies_with_its_killed_host(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    behave(folder, prepare="hang")
    with host(folder) as (process, events):
        until(events, "worked", note="hanging")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert ends(int((folder / ".worker.pid").read_text()))


def ends(pid: int) -> bool:
    """Whether this process has ended or ends within some seconds; a pidfd becomes readable when it does."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)


def test_a_stopped_host_ends_its_worker_and_says_how_to_go_on(
    tmp_path: Path, undisturbed: tuple[dict[str, bytes], int]
) -> None:
    folder = tmp_path / "run"
    behave(folder, **{"iterate.generators.0001": "hang"})
    for number in (signal.SIGINT, signal.SIGTERM):
        with host(folder) as (process, events):
            until(events, "worked", note="hanging")
            os.killpg(process.pid, number)
            _, errors = process.communicate(timeout=30)
            assert process.returncode == 1, number
        assert errors == f"failed: stopped; no results are lost, resume with: dataswarm run {FILE} --folder {folder}\n"
        with pytest.raises(ProcessLookupError):
            os.kill(int((folder / ".worker.pid").read_text()), 0)
    behave(folder)
    finish(folder)
    assert results(folder) == undisturbed[0]


def test_a_second_run_is_refused_while_the_first_lives_and_told_its_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    behave(folder, prepare="hang")
    with host(folder) as (process, events):
        until(events, "worked", note="hanging")
        assert cli.main(["run", str(FILE), "--folder", str(folder)]) == 2
        refusal = capsys.readouterr().err
        assert refusal.startswith(f"refused: {folder}: process {process.pid} on ")
        assert refusal.count("\n") == 1
        assert cli.main(["status", str(folder), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["runner"]["pid"] == process.pid


def test_a_host_whose_reader_has_gone_stops_without_a_traceback_and_may_be_run_again(
    tmp_path: Path, undisturbed: tuple[dict[str, bytes], int]
) -> None:
    folder = tmp_path / "run"
    with host(folder) as (process, events):
        until(events, "started", key="prepare")
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 1
    finish(folder)
    assert results(folder) == undisturbed[0]
