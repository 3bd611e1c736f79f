"""A whole run on one machine: what it leaves, and that killing it changes nothing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import peft
import pytest
import transformers
from command_line import ARENA, FinishedRun, dataswarm, kill_after, read_output

from swarm_core.recipe import canonical_json, digest_bytes
from swarm_trainer.run_store import commit_chain
from swarm_trainer.stores.local import LocalStore

GZIP = b"\x1f\x8b"


def test_the_last_line_is_the_path_of_the_result(finished: FinishedRun) -> None:
    result = Path(finished.output.splitlines()[-1])
    assert result == finished.folder / "result.json"
    assert {"digest", "best", "initial", "gain", "seeds", "counts"} <= json.loads(result.read_text()).keys()


def test_the_gain_lies_within_its_interval(finished: FinishedRun) -> None:
    gain = json.loads((finished.folder / "result.json").read_text())["gain"]
    assert gain["low"] <= gain["value"] <= gain["high"]


def test_the_result_says_what_it_took_outside_its_digest(finished: FinishedRun) -> None:
    fields = json.loads((finished.folder / "result.json").read_text())
    usage, digest = fields.pop("usage"), fields.pop("digest")
    assert digest == digest_bytes(canonical_json(fields))
    assert usage["tokens"] == fields["counts"]["tokens"] > 0
    assert (usage["failed"], usage["retries"], usage["cached"]) == (0, 0, 0)
    assert usage["unscored"] == fields["counts"]["unscored"]
    assert usage["tokensPerSecond"] == pytest.approx(usage["tokens"] / usage["seconds"], rel=1e-2)
    assert 0 < usage["latency"]["p50"] <= usage["latency"]["p95"]
    assert usage["store"]["bytesUp"] > 1_000_000, "four adapters were trained"


def test_every_iteration_is_in_the_history_and_in_the_chain(finished: FinishedRun) -> None:
    lines = [json.loads(line) for line in (finished.folder / "history.jsonl").read_text().splitlines()]
    commits = list(commit_chain.walk(LocalStore(finished.folder / "store")))[::-1]
    assert [line["iteration"] for line in lines] == [0, 1, 2, 3]
    assert [line["commit"] for line in lines] == [commit.digest for commit in commits]


def test_the_state_of_an_iteration_is_small_and_its_rollouts_are_apart_and_compressed(finished: FinishedRun) -> None:
    names = finished.folder / "store" / "names"
    for iteration in range(4):
        here = names / "iterations" / f"{iteration:04d}"
        state = (here / "COMMIT.json", names / "HEAD", names / "receipts" / f"iterate.generators.{iteration:04d}.json")
        assert sum(file.stat().st_size for file in state) <= 64 * 1024
        rollouts = list((here / "rollouts").iterdir())
        assert {file for file in here.rglob("*") if file.is_file()} == {here / "COMMIT.json", *rollouts}
        assert all(file.read_bytes().startswith(GZIP) for file in rollouts)


def test_the_data_set_holds_distinct_items_with_an_answer_of_every_taker(finished: FinishedRun) -> None:
    lines = [json.loads(line) for line in (finished.folder / "dataset" / "data.jsonl").read_text().splitlines()]
    assert len({line["text"] for line in lines}) == len(lines) > 0
    assert all(set(line["answers"]) == {"adder", "multiplier"} for line in lines)


@pytest.mark.filterwarnings("ignore")
def test_the_best_adapter_is_an_ordinary_peft_folder(finished: FinishedRun) -> None:
    base = transformers.AutoModelForCausalLM.from_pretrained(ARENA / "base")
    model = peft.PeftModel.from_pretrained(base, finished.folder / "adapter")
    assert any("lora_B" in name and tensor.abs().sum() > 0 for name, tensor in model.named_parameters())


def test_running_a_finished_run_again_changes_nothing(finished: FinishedRun, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished.folder, tmp_path / "run"))
    again = dataswarm("run", finished.file, "--folder", folder)
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, str(folder / "result.json"))
    assert (folder / "result.json").read_bytes() == (finished.folder / "result.json").read_bytes()


def exists(pattern: str) -> Callable[[Path], bool]:
    return lambda folder: any(folder.glob(pattern))


MOMENTS = {
    "while preparing": exists("run.json"),
    "while the second generator is trained": exists("store/names/receipts/train.generators.000.json"),
    "in the middle of an iteration": exists("store/names/iterations/0001/rollouts/*"),
}
CONCLUDING = exists("store/names/final/0/rollouts/*")
END = {"while concluding": CONCLUDING}
TURNS = {
    "while generators move against takers that have moved": exists("store/names/iterations/0002/rollouts/*"),
    "while a taker is trained on the pool": exists("store/names/receipts/iterate.generators.0001.json"),
    "while takers move": exists("store/names/iterations/0003/rollouts/*"),
    "between two turns": exists("store/names/receipts/iterate.takers.0001.json"),
}
FILES = ("result.json", "history.jsonl", "summary.txt", "dataset/data.jsonl", "search.png")
TAKER = "taker/adapter_model.safetensors"
KINDS = [("finished", {**MOMENTS, **END}, FILES), ("game", {**MOMENTS, **TURNS, **END}, (*FILES, TAKER))]


def test_a_run_killed_while_it_concludes_ends_in_the_same_result(finished: FinishedRun, half: Path) -> None:
    """The short one of the kill tests: `test_a_run_killed_in_every_phase...` kills in every phase."""
    for name in FILES:
        (half / name).unlink()
    assert kill_after(finished.file, half, lambda: CONCLUDING(half))
    assert not (half / "result.json").exists()
    done = dataswarm("run", finished.file, "--folder", half)
    assert done.returncode == 0, done.stderr
    for name in FILES:
        assert read_output(half, name) == read_output(finished.folder, name), name


@pytest.mark.long
@pytest.mark.parametrize(("kind", "moments", "files"), KINDS, ids=["SwarmRun", "AdversarialRun"])
def test_a_run_killed_in_every_phase_ends_in_the_same_result(
    kind: str,
    moments: dict[str, Callable[[Path], bool]],
    files: tuple[str, ...],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    undisturbed: FinishedRun = request.getfixturevalue(kind)
    folder = tmp_path / "run"
    for reached in moments.values():
        assert kill_after(undisturbed.file, folder, lambda reached=reached: reached(folder))  # type: ignore[misc]
    done = dataswarm("run", undisturbed.file, "--folder", folder)
    assert done.returncode == 0, done.stderr
    for name in files:
        assert read_output(folder, name) == read_output(undisturbed.folder, name), name
