"""A whole game on one machine: what it leaves, and what is verified of it."""

import json
from pathlib import Path

import pytest
from command_line import FinishedRun, dataswarm

from swarm_trainer.run_store import commit_chain
from swarm_trainer.stores.local import LocalStore

pytestmark = pytest.mark.long


def result(game: FinishedRun) -> dict[str, object]:
    found: dict[str, object] = json.loads((game.folder / "result.json").read_text())
    return found


def test_a_game_leaves_what_a_search_leaves_and_the_best_taker(game: FinishedRun) -> None:
    assert Path(game.output.splitlines()[-1]) == game.folder / "result.json"
    for name in ("summary.txt", "history.jsonl", "search.png", "dataset/data.jsonl"):
        assert (game.folder / name).stat().st_size > 0
    for name in ("adapter", "taker"):
        assert (game.folder / name / "adapter_model.safetensors").is_file()


def test_the_verdict_is_told_for_items_outside_the_game_and_inside(game: FinishedRun) -> None:
    found = result(game)
    assert list(found["takers"]) == ["real", "rivals", "game"]  # type: ignore[call-overload]
    for truth in found["takers"].values():  # type: ignore[attr-defined]
        assert truth["gain"]["low"] <= truth["gain"]["value"] <= truth["gain"]["high"]
        assert truth["gain"]["value"] == pytest.approx(truth["final"] - truth["initial"])
    rounds = len(found["rounds"])  # type: ignore[arg-type]
    assert [len(row) for row in found["matrix"]] == [rounds] * rounds  # type: ignore[attr-defined]


def test_turns_alternate_in_one_chain_and_trained_adapters_join_the_takers(game: FinishedRun) -> None:
    commits = list(commit_chain.walk(LocalStore(game.folder / "store")))[::-1]
    assert [commit.swarm_name for commit in commits] == ["generators", "takers"] * 3
    assert [len(commit.basis) for commit in commits] == [2, 2, 2, 3, 2, 4]
    lines = [json.loads(line) for line in (game.folder / "history.jsonl").read_text().splitlines()]
    assert [line["swarm"] for line in lines] == [commit.swarm_name for commit in commits]


def test_the_hard_items_come_with_their_answers_and_were_never_held_out(game: FinishedRun) -> None:
    lines = [json.loads(line) for line in (game.folder / "dataset" / "data.jsonl").read_text().splitlines()]
    assert lines
    assert all(str(eval(line["text"])) == line["answer"] for line in lines)


def test_a_finished_game_is_verified_and_every_turn_replayed(game: FinishedRun, warm: Path) -> None:
    done = dataswarm("verify", game.folder, at=warm)
    assert done.returncode == 0, done.stderr
    assert "6 iterations; the rollouts reproduce the committed swarm" in done.stdout


def test_nothing_of_a_finished_game_is_garbage(game: FinishedRun) -> None:
    listed = dataswarm("gc", game.folder, "--grace-hours", "0")
    assert listed.stdout.startswith("0 of "), listed.stdout


def test_status_tells_how_the_takers_stand(game: FinishedRun, warm: Path) -> None:
    said = dataswarm("status", game.folder, at=warm).stdout
    assert "\ntaker 0." in said
    assert "\nheld-out 0." in said
