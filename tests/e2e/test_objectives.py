"""A whole run with every objective that collects more than one set of scores: it ends, and it can be verified."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import ARENA, GIVEN_GENERATORS, build_short_run, dataswarm, read_output, start_run

from swarm_core.recipe import digest_bytes
from swarm_core.rollout import Rollout
from swarm_trainer.evaluation import reference_set
from swarm_trainer.run_store import commit_chain
from swarm_trainer.stores.local import LocalStore

pytestmark = pytest.mark.long
OBJECTIVES: dict[str, Any] = {
    "Consistency": {"type": "Consistency", "consistency": {"repeats": 2}},
    "Novelty": {"type": "Novelty", "reference": {"items": 12}},
    "Personalization": {"type": "Personalization", "corpus": {"uri": str(ARENA / "seeds.jsonl"), "neighbors": 3}},
    "Weighted": {
        "type": "Weighted",
        "corpus": {"uri": str(ARENA / "seeds.jsonl"), "neighbors": 3},
        "weighted": {
            "normalize": "Start",
            "terms": [
                {"objective": {"type": "Difficulty"}, "weight": 0.7, "atLeast": 0.05},
                {"objective": {"type": "Personalization"}, "weight": 0.3},
            ],
        },
    },
    "Pareto": {
        "type": "Pareto",
        "pareto": {
            "terms": [{"objective": {"type": "Difficulty"}}, {"objective": {"type": "Separation"}, "name": "apart"}]
        },
    },
}
"""The objective of each run, by its name."""


@dataclass(frozen=True, slots=True)
class ObjectiveRun:
    """A finished run, with its objective."""

    name: str
    folder: Path

    @property
    def store(self) -> LocalStore:
        return LocalStore(self.folder / "store")

    def read_result(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "result.json").read_text())
        return found


def build_document(objective: dict[str, Any]) -> dict[str, Any]:
    """The short run of the arena with given generators and as few items as there can be."""
    document = build_short_run(
        generators=GIVEN_GENERATORS | {"overlap": "Allow"},  # the corpus is the seed data
        swarm={"particles": 3, "iterations": 1, "standard": {"remeasured": 0, "scattered": 2}},
        evaluation={"items": 6, "finalists": 2, "final": {"items": 6, "seeds": 2}},
        objective=objective,
    )
    if objective["type"] == "Pareto":
        constants = document["spec"]["swarm"].pop("standard")
        document["spec"]["swarm"] |= {"rule": "MultiObjective", "multiObjective": constants | {"remeasured": 1}}
    if objective["type"] == "Personalization":
        del document["spec"]["takers"]
    return document


@pytest.fixture(scope="module", params=OBJECTIVES)
def finished_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ObjectiveRun:
    file = tmp_path_factory.mktemp(request.param) / "run.yaml"
    file.write_text(yaml.safe_dump(build_document(OBJECTIVES[request.param])))
    done = dataswarm("run", file, "--folder", file.parent / "run")
    assert done.returncode == 0, done.stderr
    return ObjectiveRun(request.param, file.parent / "run")


def test_the_result_has_the_value_of_the_objective_with_its_interval(finished_run: ObjectiveRun) -> None:
    result = finished_run.read_result()
    assert result["objective"] == finished_run.name
    assert all(one["fresh"]["low"] <= one["fresh"]["value"] <= one["fresh"]["high"] for one in result["initials"])
    assert result["gain"]["low"] <= result["gain"]["value"] <= result["gain"]["high"]


def test_the_search_is_repeated_from_its_store_alone(finished_run: ObjectiveRun) -> None:
    done = dataswarm("verify", finished_run.folder)
    assert done.returncode == 0, done.stderr


def test_a_measurement_has_as_many_sets_of_items_as_the_objective_needs(finished_run: ObjectiveRun) -> None:
    (first,) = [done for done in commit_chain.walk(finished_run.store) if done.iteration == 0]
    data = finished_run.store.read(f"iterations/0000/rollouts/{first.candidates[0].name}.json.gz")
    assert data is not None
    repeats = OBJECTIVES[finished_run.name].get("consistency", {}).get("repeats", 1)
    assert {one.repeat for one in Rollout.from_bytes(data).requests} == set(range(repeats))


def test_every_commit_names_the_answers_to_the_reference_set_which_are_made_once(finished_run: ObjectiveRun) -> None:
    data = finished_run.store.read(reference_set.KEY)
    named = {done.reference for done in commit_chain.walk(finished_run.store)}
    assert named == {None if data is None else digest_bytes(data)}
    if finished_run.name == "Novelty":
        assert data is not None
        assert len(Rollout.from_bytes(data).items) == OBJECTIVES["Novelty"]["reference"]["items"]


def test_a_search_with_several_objectives_that_is_killed_and_resumed_ends_as_if_undisturbed(
    finished_run: ObjectiveRun, tmp_path: Path
) -> None:
    if finished_run.name not in ("Weighted", "Pareto"):
        pytest.skip("these runs are enough")
    names, whole = tmp_path / "run" / "store" / "names", count_files(finished_run.folder / "store" / "names")
    for share in (0.4, 0.8):
        host = start_run(finished_run.folder.parent / "run.yaml", tmp_path / "run")
        while host.poll() is None and count_files(names) < share * whole:
            time.sleep(0.05)
        assert host.poll() is None, "it ended before it was killed"
        host.kill()
        host.wait()
    done = dataswarm("run", finished_run.folder.parent / "run.yaml", "--folder", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    for name in ("result.json", "history.jsonl", "summary.txt", "dataset/data.jsonl"):
        assert read_output(tmp_path / "run", name) == read_output(finished_run.folder, name), name


def test_several_objectives_show_their_values(finished_run: ObjectiveRun) -> None:
    done = dataswarm("status", finished_run.folder)
    weighted, front = finished_run.name == "Weighted", finished_run.name == "Pareto"
    found = finished_run.read_result()
    assert ("values Difficulty" in done.stdout, "terms" in found, "front" in found) == (
        weighted or front,
        weighted,
        front,
    )
    history = [json.loads(line) for line in (finished_run.folder / "history.jsonl").read_text().splitlines()]
    several = {"Weighted": ["Difficulty", "Personalization"], "Pareto": ["Difficulty", "apart"]}
    names = several.get(finished_run.name, [finished_run.name])
    assert {tuple(one["values"]) for line in history for one in line["candidates"]} == {tuple(names)}


def test_a_front_has_its_knee_and_its_ends_with_their_adapters_and_data_sets(finished_run: ObjectiveRun) -> None:
    if finished_run.name != "Pareto":
        pytest.skip("no front")
    result = finished_run.read_result()
    front = result["front"]
    assert front["points"][0]["knee"]
    assert {name for point in front["points"] for name in point["ends"]} == {"Difficulty", "apart"}
    for point in front["points"]:
        folder = finished_run.folder / point["folder"]
        assert (folder / "adapter" / "adapter_config.json").is_file()
        assert (folder / "dataset" / "data.jsonl").is_file()
        for term in point["terms"]:
            assert term["gain"]["low"] <= term["gain"]["value"] <= term["gain"]["high"]
    assert result["gain"] == front["gain"]
    assert front["gain"]["value"] == pytest.approx(front["hypervolume"] - front["initialHypervolume"])
    history = [json.loads(line) for line in (finished_run.folder / "history.jsonl").read_text().splitlines()]
    assert all(line["front"]["members"] for line in history)
    summary = (finished_run.folder / "summary.txt").read_text()
    assert "gain in hypervolume" in summary
    assert all(len(line) < 80 for line in summary.splitlines())


def count_files(folder: Path) -> int:
    """How many files there are: the clock of a run, which goes as fast as its machine."""
    return sum(path.is_file() for path in folder.rglob("*"))
