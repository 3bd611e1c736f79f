"""One more kind of run, brought by another distribution, on one machine: validate, run, status, result."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import score_file_program
import yaml

from swarm_trainer import cli

ANSWERS = (("1+1", "2"), ("2+3", "5"), ("4*5", "20"), ("9-4", "6"))
Printed = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A ScoreFile, and the answers beside it; the kind is installed here and in child processes."""
    folder = tmp_path_factory.mktemp("score")
    records = [{"question": question, "answer": answer} for question, answer in ANSWERS]
    (folder / "answers.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    (folder / "scorefile.yaml").write_text(yaml.safe_dump(score_file_program.document()))
    with score_file_program.installed(folder) as variables, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", variables["PYTHONPATH"])
        yield folder / "scorefile.yaml"


@pytest.fixture(scope="module")
def finished(file: Path) -> Path:
    """The folder of a run that is done, by a worker process of its own."""
    folder = file.parent / "run"
    assert cli.main(["run", str(file), "--folder", str(folder)]) == 0
    return folder


def test_validate_says_what_would_be_scored(file: Path, capsys: Printed) -> None:
    assert cli.main(["validate", str(file)]) == 0
    told = capsys.readouterr().out
    assert "answers: valid" in told
    assert "  scores      answers.jsonl, by the verifier Arithmetic" in told


def test_a_file_that_is_not_there_is_refused_by_its_field(file: Path, capsys: Printed) -> None:
    other = file.with_name("other.yaml")
    other.write_text(yaml.safe_dump(score_file_program.document(data={"uri": "none.jsonl"})))
    assert cli.main(["validate", str(other)]) == 2
    assert "spec.data.uri: 'none.jsonl' does not exist" in capsys.readouterr().err


def test_a_run_scores_the_file(finished: Path) -> None:
    found = json.loads((finished / "result.json").read_text())
    assert (found["kind"], found["items"], found["meanScore"]) == ("ScoreFile", 4, 0.75)


def test_a_finished_run_is_done_again_for_nothing(file: Path, finished: Path) -> None:
    before = (finished / "result.json").read_bytes()
    assert cli.main(["run", str(file), "--folder", str(finished)]) == 0
    assert (finished / "result.json").read_bytes() == before


def test_status_and_result_say_what_came_out(finished: Path, capsys: Printed) -> None:
    assert cli.main(["status", str(finished)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == ["answers: Succeeded, concluded", "items 4", "mean score 0.7500", "no process runs it"]
    assert cli.main(["status", str(finished), "--json"]) == 0
    fields = json.loads(capsys.readouterr().out)
    assert (fields["kind"], fields["figures"]) == ("ScoreFile", {"items": 4, "meanScore": 0.75})
    assert cli.main(["result", str(finished)]) == 0
    assert "mean score 0.7500 of 4 answers" in capsys.readouterr().out


def test_answers_that_changed_are_another_experiment(file: Path, finished: Path, capsys: Printed) -> None:
    answers = file.with_name("answers.jsonl")
    before = answers.read_text()
    answers.write_text(before.replace("20", "21"))
    assert cli.main(["run", str(file), "--folder", str(finished)]) == 2
    assert "spec.data.uri: 'answers.jsonl' has changed since this run began" in capsys.readouterr().err
    answers.write_text(before)
