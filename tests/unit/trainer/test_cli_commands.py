"""The command line on a run that goes well: what is printed, and with which exit code."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from swarm_core.errors import BadInputError
from swarm_trainer import cli
from swarm_trainer.cli import parser

HERE = Path(__file__).parent
FILE = HERE / "fake_run" / "swarmrun.yaml"
WORKER = (sys.executable, str(HERE / "fake_worker.py"))
SUMMARY = "best 0.500, initial 0.400"

Printed = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that is done."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    assert cli.main(["run", str(FILE), "--folder", str(folder)], WORKER) == 0
    return folder


def test_run_ends_with_the_summary_and_the_path_of_the_result(finished: Path, capsys: Printed) -> None:
    assert cli.main(["run", str(FILE), "--folder", str(finished)], WORKER) == 0
    *_, summary, usage, last = capsys.readouterr().out.splitlines()
    assert summary == SUMMARY
    assert usage.startswith("0 requests")
    assert last == str(finished / "result.json")
    assert json.loads(Path(last).read_text())["gain"] == {"value": 0.1}


def test_run_with_json_prints_objects_only_and_names_the_result_last(finished: Path, capsys: Printed) -> None:
    assert cli.main(["run", str(FILE), "--folder", str(finished), "--json"], WORKER) == 0
    captured = capsys.readouterr()
    objects = [json.loads(line) for line in captured.out.splitlines()]
    assert objects[0]["event"] == "began"
    assert objects[-1]["event"] == "succeeded"
    assert objects[-1]["result"] == str(finished / "result.json")
    assert captured.err == ""


def test_a_run_that_is_told_no_folder_goes_to_runs_and_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", str(FILE)], WORKER) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "runs" / "tiny" / "result.json")


def test_a_storage_path_is_relative_to_the_file(tmp_path: Path, capsys: Printed) -> None:
    shutil.copytree(FILE.parent, tmp_path / "specs")
    file = tmp_path / "specs" / "swarmrun.yaml"
    file.write_text(file.read_text() + "  storage: {type: Local, local: {path: ../out}}\n")
    assert cli.main(["validate", str(file)]) == 0
    (folder,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  folder")]
    assert Path(folder.split()[1]).resolve() == tmp_path / "out"


def test_validate_says_what_the_run_would_do_and_what_it_costs(capsys: Printed) -> None:
    assert cli.main(["validate", str(FILE)]) == 0
    text = capsys.readouterr().out
    for part in ["tiny: valid", "2, trained on clusters", "8 items", "2: weak, strong", "Difficulty", "answers"]:
        assert part in text


def test_validate_says_what_endpoints_will_be_asked(tmp_path: Path, capsys: Printed) -> None:
    shutil.copytree(FILE.parent, tmp_path / "specs")
    file = tmp_path / "specs" / "swarmrun.yaml"
    place = "endpoint: {url: 'https://host', model: large}"
    text = file.read_text().replace("{name: strong}", f"{{name: strong, {place}}}")
    judge = f"{{type: Model, model: {{{place.replace('large', 'critic')}}}}}"
    text = text.replace("{type: Verifier, verifier: {type: Arithmetic}}", judge)
    file.write_text(f"{text}  budget: {{calls: 5000}}\n")
    assert cli.main(["validate", str(file)]) == 0
    said = capsys.readouterr().out
    assert "judged by the judge Model, which asks critic at https://host/v1" in said
    requested, answers = (int(one.replace(",", "")) for one in re.findall(r"at most ([\d,]+)[; ]", said)[1:3])
    # Two takers share the answers: one is remote, each answer is judged, and a gate asks about each requested item.
    most = 2 + answers // 2 * 3 + requested
    assert f"at most {most:,} requests if the search uses all iterations and every request is answered at once" in said
    assert "budget 5,000 calls" in said


def test_status_says_where_the_run_stands(finished: Path, capsys: Printed) -> None:
    assert cli.main(["status", str(finished)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "tiny: Succeeded, concluded after 2 iterations",
        "iteration 2/2",
        "best 0.5000",
        "initial 0.4000",
        "no process runs it",
    ]


def test_status_as_json_holds_the_status_and_who_runs_it(finished: Path, capsys: Printed) -> None:
    assert cli.main(["status", str(finished), "--json"]) == 0
    fields = json.loads(capsys.readouterr().out)
    assert (fields["phase"], fields["runner"]) == ("Succeeded", None)
    assert fields["particles"] == [{"name": "p00", "fitness": 0.25}, {"name": "p01", "fitness": None}]


def test_result_shows_the_summary_or_the_document(finished: Path, capsys: Printed) -> None:
    assert cli.main(["result", str(finished)]) == 0
    summary, usage, path = capsys.readouterr().out.splitlines()
    assert (summary, path) == (SUMMARY, str(finished / "result.json"))
    assert usage.startswith("0 requests")
    assert cli.main(["result", str(finished), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((finished / "result.json").read_text())


class Elsewhere:
    """An entry point that answers for another place, and keeps what it was asked."""

    name = "result"

    def __init__(self, problem: str = "") -> None:
        self.problem = problem
        self.asked: list[tuple[str, str | None]] = []

    def load(self) -> Callable[[argparse.Namespace], int]:
        return self.answer

    def answer(self, arguments: argparse.Namespace) -> int:
        self.asked.append((arguments.name, arguments.namespace))
        if self.problem:
            raise BadInputError(self.problem)
        return 1


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Elsewhere], Elsewhere]:
    """Puts the answerer of another place into the command line, which is called in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def put(one: Elsewhere) -> Elsewhere:
        monkeypatch.setattr(
            parser, "entry_points", lambda *, group: [one] if group == parser.CLUSTER_ENTRY_POINTS else []
        )
        return one

    return put


def test_the_result_of_a_name_that_is_no_folder_is_asked_elsewhere(elsewhere: Callable[[Elsewhere], Elsewhere]) -> None:
    cluster = elsewhere(Elsewhere())
    assert cli.main(["result", "a-run"]) == 1
    assert cli.main(["result", "a-run", "--namespace", "team"]) == 1
    assert cli.main(["result", "adversarialrun/a-run"]) == 1
    assert cluster.asked == [("a-run", None), ("a-run", "team"), ("adversarialrun/a-run", None)]


def test_a_folder_or_a_path_is_asked_elsewhere_only_with_a_namespace(
    elsewhere: Callable[[Elsewhere], Elsewhere], finished: Path, capsys: Printed
) -> None:
    cluster = elsewhere(Elsewhere())
    shutil.copytree(finished, "a-run")
    assert cli.main(["result", "a-run"]) == 0
    assert SUMMARY in capsys.readouterr().out
    assert cli.main(["result", "./none"]) == 2
    assert "contains no run" in capsys.readouterr().err
    assert not cluster.asked
    assert cli.main(["result", "a-run", "-n", "team"]) == 1
    assert cluster.asked == [("a-run", "team")]


def test_a_mistyped_folder_is_refused_as_such_whatever_the_cluster_says(
    elsewhere: Callable[[Elsewhere], Elsewhere], monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    elsewhere(Elsewhere("no credentials"))
    assert cli.main(["result", "a-rum"]) == 2
    assert capsys.readouterr().err == "refused: a-rum is not a folder here, and on the cluster: no credentials\n"
    monkeypatch.setattr(parser, "entry_points", lambda *, group: [])
    assert cli.main(["result", "a-rum"]) == 2
    assert "a-rum is not a folder here, and no installed package can ask a cluster" in capsys.readouterr().err


def test_export_writes_a_task_if_the_data_set_has_references(finished: Path, tmp_path: Path, capsys: Printed) -> None:
    run = shutil.copytree(finished, tmp_path / "my-run")
    (run / "dataset" / "data.jsonl").write_text('{"text": "1+2"}\n')
    command = ["export", str(run), str(tmp_path / "task"), "--format", "inspect"]
    assert cli.main(command) == 2
    assert "none of the 1 items of the data set has a reference" in capsys.readouterr().err
    (run / "dataset" / "data.jsonl").write_text('{"text": "1+2", "reference": "3"}\n')
    assert cli.main(command) == 0
    assert {"items.jsonl", "dataswarm_my_run.py"} <= {path.name for path in (tmp_path / "task").iterdir()}
    assert capsys.readouterr().out == f"{tmp_path / 'task'}\n"


def test_export_copies_adapter_data_set_and_report(finished: Path, tmp_path: Path, capsys: Printed) -> None:
    assert cli.main(["export", str(finished), str(tmp_path / "best")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'best'}\n"
    exported = {path.relative_to(tmp_path / "best").as_posix() for path in (tmp_path / "best").rglob("*.*")}
    assert exported >= {"adapter/adapter_config.json", "dataset/data.jsonl", "summary.txt", "result.json"}


def test_the_version_is_that_of_the_distribution(capsys: Printed) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"dataswarm {version('dataswarm')}\n"


@pytest.mark.parametrize("command", ["validate", "run", "status", "result", "export", ""])
def test_help_teaches_the_exit_codes(command: str, capsys: Printed) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*filter(None, [command]), "--help"])
    assert ended.value.code == 0
    assert "exit codes:" in capsys.readouterr().out


def test_a_host_carries_none_of_its_workers_weight() -> None:
    code = (
        "import sys, swarm_trainer.__main__\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'numpy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_the_real_worker_answers_through_the_module_that_starts_it(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "swarm_trainer", "worker", "--run", str(tmp_path)]
    ended = subprocess.run(command, input="", capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "resolved.json" in ended.stderr
