"""`dataswarm score` measures a list of items as a run measures the items of a generator."""

import json
from pathlib import Path
from typing import Any

import pytest
import scripted_http_server
import swarmrun_documents as documents
import yaml
from scripted_chat_server import MODEL, Answer, ChatServer, answer_arithmetic, chat_completion, error_answer

from swarm_trainer import cli
from swarm_trainer.cli import score_command

ITEMS = ("12+34", "5*6", " 5*6 ", "7-9", "what?", "100+1")


def write_items(folder: Path, *texts: str) -> Path:
    path = folder / "items.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def write_run(folder: Path, patch: documents.Patch) -> Path:
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(documents.patched(patch)))
    return path


def takers(server: ChatServer, *names: str) -> documents.Patch:
    return {"spec.takers": [{"name": name, "endpoint": {"url": server.url, "model": name}} for name in names]}


def answer_by_name(body: dict[str, Any], number: int) -> Answer:
    """The taker called `wrong` is always wrong; the other one is always right."""
    return chat_completion("The answer is 1234567.") if body["model"] == "wrong" else answer_arithmetic(body, number)


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert cli.main(["score", *map(str, arguments), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_list_is_gated_answered_judged_and_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_http_server.run_server(ChatServer(answer_by_name, models=("right", "wrong"))) as server:
        run = write_run(tmp_path, takers(server, "right", "wrong"))
        items, answers = write_items(tmp_path, *ITEMS), tmp_path / "answers.jsonl"
        separation = run_json(capsys, run, items, "--objective", "Separation", "--answers", answers)
        difficulty = run_json(capsys, run, items, "--takers", "wrong")
        assert cli.main(["score", str(run), str(items)]) == 0
    assert (separation["items"], separation["accepted"]) == (6, 4)
    assert separation["rejected"] == {"Duplicate": 1, "Verifiable": 1}
    found = separation["values"]["Separation"]
    assert found["value"] == pytest.approx(4 / 6)
    assert found["low"] <= found["value"] <= found["high"]
    assert difficulty["values"]["Difficulty"]["value"] == pytest.approx(4 / 6)
    assert list(difficulty["answers"]) == ["wrong"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Difficulty: 0.0000, 95 % interval 0.0000 to ")
    assert lines[3] == "taker wrong: mean score 0.000; answers: 4 Scored"
    records = [json.loads(line) for line in answers.read_text().splitlines()]
    assert [record["text"].strip() for record in records] == ["12+34", "5*6", "7-9", "100+1", "what?", "5*6"]
    assert records[0]["answers"]["right"]["score"] == 1.0
    assert [record.get("gate") for record in records[4:]] == ["Verifiable", "Duplicate"]


def test_a_weighted_sum_stands_before_its_terms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terms = [{"objective": {"type": name}, "weight": 0.5} for name in ("Difficulty", "Separation")]
    objective = {"type": "Weighted", "weighted": {"normalize": "None", "terms": terms}}
    with scripted_http_server.run_server(ChatServer(answer_by_name, models=("right", "wrong"))) as server:
        run = write_run(tmp_path, {**takers(server, "right", "wrong"), "spec.objective": objective})
        found = run_json(capsys, run, write_items(tmp_path, *ITEMS))["values"]
    assert list(found) == ["Weighted", "Difficulty", "Separation"]
    assert found["Weighted"]["value"] == pytest.approx(0.5 * 4 / 6)


def test_an_objective_that_asks_no_taker_asks_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"text": "the price of seven red apples"}\n{"text": "two trains leave the station"}\n')
    objective = {"type": "Personalization", "corpus": {"uri": "corpus.jsonl"}}
    patch = {"spec.objective": objective, "spec.takers": [], "spec.gates": [{"type": "Duplicate"}]}
    run = write_run(tmp_path, patch)
    near = run_json(capsys, run, write_items(tmp_path, "the price of nine red apples", "when do trains leave"))
    far = run_json(capsys, run, write_items(tmp_path, "who wrote the letter", "where is the river"))
    value, other = (one["values"]["Personalization"]["value"] for one in (near, far))
    assert value > other == 0.0


def test_the_replies_of_endpoints_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_http_server.run_server(ChatServer()) as server:
        run, items = write_run(tmp_path, takers(server, MODEL)), write_items(tmp_path, "1+2", "3*4")
        first = run_json(capsys, run, items, "--folder", tmp_path / "kept")
        asked = len(server.bodies)
        assert run_json(capsys, run, items, "--folder", tmp_path / "kept") == first
        assert len(server.bodies) - asked < asked


def test_a_list_without_a_value_says_why_and_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse_long(body: dict[str, Any], number: int) -> Answer:
        hard = "77" in body["messages"][-1]["content"]
        return error_answer(400, "content policy") if hard else answer_arithmetic(body, number)

    with scripted_http_server.run_server(ChatServer(refuse_long)) as server:
        run = write_run(tmp_path, takers(server, MODEL))
        items = write_items(tmp_path, "77+1", "77+2", "3+4", "5+6", "8+9")
        assert cli.main(["score", str(run), str(items), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["values"]["Difficulty"]
    assert found["value"] is None
    assert "coverage" in found["reason"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--takers", "bare,other"], "--takers: no taker is called 'other'; the run file has bare, tuned"),
        (["--objective", "Hardness"], "'Hardness' is not known"),
        (["--objective", "Separation", "--takers", "bare"], "needs at least 2 takers"),
        (["--objective", "Consistency"], "a list is one set; choose another objective"),
        (["--objective", "Personalization"], "write corpus with the uri of one"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anybody_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    run, items = write_run(tmp_path, {}), write_items(tmp_path, "1+2")
    assert cli.main(["score", str(run), str(items), *arguments]) == 2
    assert why in capsys.readouterr().err


def test_a_file_without_items_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path, {})
    assert cli.main(["score", str(run), str(write_items(tmp_path, " ", ""))]) == 2
    assert "items.jsonl: every record has a blank text" in capsys.readouterr().err


def test_takers_that_the_search_never_asks_are_not_asked(tmp_path: Path) -> None:
    far = {"name": "far", "endpoint": {"url": "https://models.test", "model": "far", "apiKeyEnv": "NO_SUCH_KEY"}}
    run = write_run(tmp_path, {"spec.evaluation.unseen": [far]})
    resolved = score_command.load_spec(run, None, None)
    assert (resolved.unseen, resolved.access) == ((), ())
