"""Whatever cannot work is refused: one line per problem, exit code 2, nothing written."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm_trainer import cli

HERE = Path(__file__).parent
WORKER = (sys.executable, str(HERE / "fake_worker.py"))

Printed = pytest.CaptureFixture[str]
Change = Callable[[Path], object]


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A copy of the fake run's files, to be broken."""
    return Path(shutil.copytree(HERE / "fake_run", tmp_path / "specs"))


def refused(arguments: list[str], capsys: Printed, *worker: str) -> list[str]:
    """What stderr says of a command that has to be refused."""
    assert cli.main(arguments, [*WORKER, *worker]) == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert lines
    assert all(line.startswith("refused: ") for line in lines)
    assert "Traceback" not in captured.err
    return lines


def edit(old: str, new: str) -> Change:
    """Replace text in the SwarmRun file."""

    def change(specs: Path) -> None:
        file = specs / "swarmrun.yaml"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    return change


def seeds(text: str) -> Change:
    return lambda specs: (specs / "seeds.jsonl").write_text(text)


FILES = [
    pytest.param(edit("seed: 7", "sead: 7"), "spec.sead: unknown field; did you mean seed?", id="unknown field"),
    pytest.param(edit("particles: 2", "particles: two"), "spec.swarm.particles: 'two' is text", id="wrong type"),
    pytest.param(edit("name: strong", "name: weak"), "another taker has this name", id="duplicate names"),
    pytest.param(edit("model: base", "model: gone"), "spec.base.model: 'gone' is not a folder", id="missing model"),
    pytest.param(edit("seeds.jsonl", "gone.jsonl"), "spec.generators.data.uri: 'gone.jsonl'", id="missing data"),
    pytest.param(edit("apiVersion", "{"), "swarmrun.yaml: line", id="not YAML"),
    pytest.param(edit("seed: 7", "suspend: true"), "spec.suspend is true, so the run would not start", id="suspended"),
    pytest.param(seeds('{"text": "a"}\n{"text": \n'), "seeds.jsonl line 2: not JSON", id="broken JSONL"),
    pytest.param(seeds(""), "seeds.jsonl: is empty; give JSON Lines", id="empty data"),
    pytest.param(seeds('{"foo": "a"}\n'), "it has foo; set data.fields.text", id="data without a known field"),
    pytest.param(seeds("<html>Log in"), "seeds.jsonl: is an HTML page", id="a login page"),
    pytest.param(seeds('{"text": "a \\ud83d"}\n'), "line 1: the text has half of a surrogate pair", id="a cut emoji"),
]


@pytest.mark.parametrize("command", ["run", "validate"])
@pytest.mark.parametrize(("change", "words"), FILES)
def test_a_run_that_cannot_work_is_refused_on_one_line_before_anything_is_written(
    specs: Path, capsys: Printed, command: str, change: Change, words: str
) -> None:
    change(specs)
    folder = ["--folder", str(specs.parent / "run")] if command == "run" else []
    (line,) = refused([command, str(specs / "swarmrun.yaml"), *folder], capsys)
    assert words in line
    assert [path.name for path in specs.parent.iterdir()] == ["specs"]


def test_every_problem_of_a_file_has_its_own_line(specs: Path, capsys: Printed) -> None:
    edit("model: base", "model: gone")(specs)
    edit("seeds.jsonl", "gone.jsonl")(specs)
    assert len(refused(["validate", str(specs / "swarmrun.yaml")], capsys)) == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone.yaml", "gone.yaml cannot be read: No such file or directory"),
        ("base", "base is a folder; give the run file in it"),
        ("binary", "binary is not UTF-8 text"),
        ("huge", "huge is larger than"),
    ],
)
def test_what_is_no_file_with_text_is_refused(specs: Path, capsys: Printed, name: str, words: str) -> None:
    (specs / "binary").write_bytes(b"\xff\xfe\x00")
    with (specs / "huge").open("wb") as file:
        file.truncate(2**30)
    (line,) = refused(["run", str(specs / name), "--folder", str(specs.parent / "run")], capsys)
    assert words in line


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("specs/swarmrun.yaml", "is a file; a run needs a folder"),
        ("specs/swarmrun.yaml/run", "Not a directory; choose another path"),
        ("specs", "but no run; choose an empty or a new folder"),
        ("/sys/dataswarm", "choose another"),
        ("/proc/dataswarm/run", "choose another"),
    ],
)
def test_a_place_that_cannot_be_a_run_folder_is_refused(specs: Path, capsys: Printed, folder: str, words: str) -> None:
    before = sorted(specs.rglob("*"))
    (line,) = refused(["run", str(specs / "swarmrun.yaml"), "--folder", str(specs.parent / folder)], capsys)
    assert words in line
    assert sorted(specs.rglob("*")) == before


def test_a_change_of_the_experiment_is_refused_in_its_folder_and_names_field_and_values(
    specs: Path, capsys: Printed
) -> None:
    run = ["run", str(specs / "swarmrun.yaml"), "--folder", str(specs.parent / "run")]
    assert cli.main(run, WORKER) == 0
    capsys.readouterr()
    edit("particles: 2", "particles: 3")(specs)
    (line,) = refused(run, capsys)
    assert "spec.swarm.particles is 2 there and 3 here" in line


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [("refuse", "refused: data.jsonl line 3: not JSON; correct the line"), ("full", "the disk is full")],
)
def test_what_a_worker_refuses_while_preparing_is_refused_and_leaves_nothing(
    specs: Path, capsys: Printed, behaviour: str, words: str
) -> None:
    run = ["run", str(specs / "swarmrun.yaml"), "--folder", str(specs.parent / "run")]
    (line,) = refused(run, capsys, "--default", behaviour)
    assert words in line
    assert [path.name for path in specs.parent.iterdir()] == ["specs"]


@pytest.mark.parametrize("command", ["status", "result", "export"])
def test_a_folder_without_a_run_is_refused(tmp_path: Path, capsys: Printed, command: str) -> None:
    destination = [str(tmp_path / "out")] if command == "export" else []
    (line,) = refused([command, str(tmp_path), *destination], capsys)
    assert "contains no run" in line


def test_a_run_without_a_result_yet_is_refused_and_told_where_it_stands(specs: Path, capsys: Printed) -> None:
    folder = specs.parent / "run"
    folder.mkdir()
    refused(["run", str(specs / "swarmrun.yaml"), "--folder", str(folder)], capsys, "--default", "refuse")
    (line,) = refused(["result", str(folder)], capsys)
    assert "has no result yet: Failed, Preparing: data.jsonl line 3" in line


@pytest.mark.parametrize(("name", "words"), [("a file", "is a file; give a new folder"), ("a folder", "is not empty")])
def test_an_export_overwrites_nothing(specs: Path, capsys: Printed, name: str, words: str) -> None:
    folder = specs.parent / "run"
    assert cli.main(["run", str(specs / "swarmrun.yaml"), "--folder", str(folder)], WORKER) == 0
    capsys.readouterr()
    (specs / "a file").touch()
    (specs / "a folder").mkdir()
    (specs / "a folder" / "mine").touch()
    before = sorted(specs.rglob("*"))
    (line,) = refused(["export", str(folder), str(specs / name)], capsys)
    assert words in line
    assert sorted(specs.rglob("*")) == before


def test_a_wrong_usage_has_the_exit_code_of_a_refusal(capsys: Printed) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["run"])
    assert ended.value.code == 2
    assert "usage: dataswarm run" in capsys.readouterr().err
