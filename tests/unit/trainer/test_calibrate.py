"""`dataswarm calibrate` judges gold answers as a run would, and prints how the judge compares."""

import json
from pathlib import Path

import pytest
import scripted_http_server
import swarmrun_documents as documents
import yaml
from scripted_chat_server import MODEL, ChatServer

from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_core.judges.calibration import GoldAnswer
from swarm_trainer import cli
from swarm_trainer.data import gold_answers

GOLD = [
    {"text": "12+34", "answer": "46", "score": 1},
    {"text": "12+34", "answer": "The answer is 47", "score": False},
    {"text": "2*3", "answer": "6, I think", "score": True},
    {"text": "2*3", "answer": "no idea", "score": 0.0},
]


def write(folder: Path, judge: documents.Patch, gold: list[dict[str, object]]) -> list[str]:
    """The files of a calibration, and the arguments that name them."""
    run, answers = folder / "run.yaml", folder / "gold.jsonl"
    run.write_text(yaml.safe_dump(documents.patched({"spec.judge": judge})))
    answers.write_text("".join(json.dumps(one) + "\n" for one in gold))
    return ["calibrate", str(run), str(answers)]


def test_a_verifier_is_compared_without_any_other_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge = {"type": "Verifier", "verifier": {"type": "Arithmetic"}}
    assert cli.main([*write(tmp_path, judge, GOLD), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["judge"], found["answers"], found["unscored"]) == ("Arithmetic", 4, {"Unreadable": 1})
    assert (found["accuracy"]["value"], found["accuracy"]["answers"]) == (1.0, 3)
    assert found["fullMarksOfWrongAnswers"]["value"] == 0.0
    assert cli.main(write(tmp_path, judge, GOLD)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "judge Arithmetic, 4 answers; without a score: 1 Unreadable"
    assert [line.split()[0] for line in lines[2:6]] == ["accuracy", "Cohen's", "bias", "wrong"]


def test_a_judge_behind_an_endpoint_is_asked_once_and_its_replies_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted_http_server.run_server(ChatServer()) as server:
        endpoint = {"url": server.url, "model": MODEL}
        model = {"type": "Model", "model": {"endpoint": endpoint}}
        exact = {"type": "Verifier", "verifier": {"type": "Arithmetic"}}
        panel = {"type": "Panel", "panel": {"members": [model, exact], "atLeast": 1}}
        arguments = [*write(tmp_path, panel, GOLD), "--json", "--folder", str(tmp_path / "kept")]
        assert cli.main(arguments) == 0
        found = json.loads(capsys.readouterr().out)
        asked = len(server.bodies)
        assert cli.main(arguments) == 0
        again = len(server.bodies) - asked
    assert (found["judge"], found["accuracy"]["value"], found["unscored"]) == (f"{MODEL}, Arithmetic", 1.0, {})
    assert found["bias"]["value"] == pytest.approx((0.05 + 0.1) / 4)
    assert json.loads(capsys.readouterr().out) == found
    assert again == 1 < asked


def test_an_endpoint_that_does_not_answer_is_refused_with_its_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted_http_server.run_server(ChatServer(key="right")) as server:
        model = {"type": "Model", "model": {"endpoint": {"url": server.url, "model": MODEL}}}
        assert cli.main(write(tmp_path, model, GOLD)) == 2
    assert "spec.judge.model.endpoint: " in capsys.readouterr().err


def test_references_and_choices_reach_the_judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge = {"type": "Verifier", "verifier": {"type": "MultipleChoice"}}
    gold = {"text": "?", "choices": ["Lyon", "Paris"], "reference": "Paris", "answer": "B", "score": 1}
    assert cli.main([*write(tmp_path, judge, [gold, {**gold, "answer": "A", "score": 0}]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"]["value"] == 1.0


def test_gold_answers_are_read_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text('{"text": "a?", "answer": 0.10, "score": 0.5}\n{"text": "b?", "answer": " ", "score": "1"}\n')
    assert gold_answers.read(path) == [GoldAnswer(Item("a?"), "0.10", 0.5), GoldAnswer(Item("b?"), "", 1.0)]


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"text": "a?", "answer": "b"}, "no field 'score' (it has text, answer); add it"),
        ({"text": "a?", "score": 1}, "no field 'answer' (it has text, score); add it"),
        ({"text": "a?", "answer": "b", "score": 2}, "score is '2'; give a number from 0 to 1, true or false"),
        ({"text": "a?", "answer": "b", "score": "good"}, "score is 'good'; give a number from 0 to 1"),
        ({"text": "a?", "answer": "b", "score": "nan"}, "score is 'nan'; give a number from 0 to 1"),
        ({"text": " ", "answer": "b", "score": 1}, "the text is blank; give the text that was answered"),
        ({"text": "a?", "answer": ["b"], "score": 1}, "field 'answer' is a list"),
    ],
)
def test_a_record_that_is_no_gold_answer_is_refused_with_its_line(
    tmp_path: Path, record: dict[str, object], why: str
) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(GOLD[0]) + "\n" + json.dumps(record) + "\n")
    with pytest.raises(BadInputError) as refused:
        gold_answers.read(path)
    assert why in str(refused.value)
    assert "line 2" in str(refused.value)
