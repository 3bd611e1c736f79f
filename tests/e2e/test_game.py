"""A whole game on one machine: what it leaves, what is verified of it, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import GAME, FinishedRun, dataswarm

from swarm_trainer.run_store import commit_chain
from swarm_trainer.stores.local import LocalStore


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
    assert [commit.moved for commit in commits] == ["generators", "takers"] * 3
    assert [len(commit.basis) for commit in commits] == [2, 2, 2, 3, 2, 4]
    lines = [json.loads(line) for line in (game.folder / "history.jsonl").read_text().splitlines()]
    assert [line["moved"] for line in lines] == [commit.moved for commit in commits]


def test_the_hard_items_come_with_their_answers_and_were_never_held_out(game: FinishedRun) -> None:
    lines = [json.loads(line) for line in (game.folder / "dataset" / "data.jsonl").read_text().splitlines()]
    assert lines
    assert all(str(eval(line["text"])) == line["answer"] for line in lines)


def test_a_finished_game_is_verified_and_every_turn_replayed(game: FinishedRun) -> None:
    done = dataswarm("verify", game.folder)
    assert done.returncode == 0, done.stderr
    assert "6 iterations; the rollouts reproduce the committed swarm" in done.stdout


def test_nothing_of_a_finished_game_is_garbage(game: FinishedRun) -> None:
    listed = dataswarm("gc", game.folder, "--grace-hours", "0")
    assert listed.stdout.startswith("0 of "), listed.stdout


def test_status_tells_how_the_takers_stand(game: FinishedRun) -> None:
    said = dataswarm("status", game.folder).stdout
    assert "best taker 0." in said
    assert "on held-out items" in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("size: 24", "size: 400", "spec.pool.size: 400 items, but the generators' data holds 342"),
        ("uri: takers.jsonl", "uri: seeds.jsonl", "are held out of the takers' data and stand in the generators' data"),
        ("rounds: 2", "rounds: 2\n  stop: {patience: 3}", "spec.stop.patience: 3: patience is longer than the game"),
    ],
    ids=["pool larger than the data", "held-out data in the pool", "a rule that can never hold"],
)
def test_a_game_that_would_mean_nothing_is_refused_before_anything_is_trained(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    text = (GAME / "short.yaml").read_text().replace("../arithmetic/base", str(GAME.parent / "arithmetic" / "base"))
    assert old in text
    file = tmp_path / "run.yaml"
    file.write_text(text.replace(old, new).replace("uri: ", f"uri: {GAME}/"))
    refused = dataswarm("run", file, "--folder", tmp_path / "run")
    assert refused.returncode == 2, refused.stderr
    assert said in refused.stderr
    assert not (tmp_path / "run").exists()


def test_takers_of_another_base_than_the_generators_are_refused_by_name(
    make_base: Callable[..., Path], make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    other = make_base(hidden=64)
    adapters = ", ".join(str(make_adapter(other, seed=seed)) for seed in (1, 2))
    text = (GAME / "short.yaml").read_text().replace("../arithmetic/base", str(GAME.parent / "arithmetic" / "base"))
    start, end = text.index("    training: {<<: *training"), text.index("    swarm: {particles: 3}\n    learning")
    file = tmp_path / "run.yaml"
    given = f"{text[:start]}    adapters: [{adapters}]\n{text[end:]}"
    file.write_text(given.replace("uri: ", f"uri: {GAME}/"))
    refused = dataswarm("run", file, "--folder", tmp_path / "run")
    assert refused.returncode == 2, refused.stderr
    assert "spec.takers.adapters[0]" in refused.stderr
    assert "another base" in refused.stderr
