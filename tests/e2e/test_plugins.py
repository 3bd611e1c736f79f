"""Whole runs with a plug-in of every kind: on one machine and in pods, and what they refuse without it."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import plugin_package
import pytest
import s3_servers
import scripted_chat_server
import scripted_http_server
import yaml
from command_line import ARENA, DATASWARM, ENVIRONMENT
from local_pods import Pods, write_order
from s3_servers import Server
from scripted_chat_server import MODEL, ChatServer

from swarm_core.engine.phases import Phase
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.rollout import Rollout
from swarm_trainer.run_store import pins, receipt_store
from swarm_trainer.stores.local import LocalStore

pytestmark = pytest.mark.long
LONGEST, MODULUS = 4, 2
OBJECTIVE = {"type": "Plugin", "plugin": {"name": "unanimous-failure", "config": {"threshold": 0.5}}}
VERIFIER = {"type": "Plugin", "plugin": {"name": "residue", "config": {"modulus": MODULUS}}}
GATE = {"type": "Plugin", "plugin": {"name": "max-characters", "config": {"most": LONGEST}}}
RIVAL = {"type": "Plugin", "plugin": {"name": "first-generator"}}
SMALL: dict[str, Any] = {
    "generators": {
        "adapters": [str(ARENA / "takers" / name) for name in ("adder", "multiplier")],
        "data": {"uri": str(ARENA / "seeds.jsonl"), "heldOut": 0.05},
    },
    "takers": [{"name": name, "adapter": str(ARENA / "takers" / name)} for name in ("adder", "multiplier")],
    "swarm": {"particles": 2, "iterations": 1, "standard": {"scattered": 2}},
    "evaluation": {"items": 9, "finalists": 2, "final": {"items": 9, "seeds": 1}, "rivals": [RIVAL]},
    "objective": OBJECTIVE,
    "judge": {"type": "Verifier", "verifier": VERIFIER},
    "gates": [GATE],
}
"""Generators that are given, as few items as there can be, and parts that are plugged in."""


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of two versions of the plug-in package, as installed."""
    scratch = tmp_path_factory.mktemp("plugins")
    return {version: plugin_package.install(scratch, version) for version in (plugin_package.VERSION, "1.1.0")}


def environment(installed: Path | None) -> dict[str, str]:
    return {**ENVIRONMENT, "PYTHONPATH": "" if installed is None else str(installed)}


def dataswarm(installed: Path | None, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command line with the plug-in package at `installed`, or without it."""
    command = [*DATASWARM, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment(installed), timeout=280, check=False)


def write(folder: Path, **changes: Any) -> Path:
    """The file of a run, in `folder`."""
    document = yaml.safe_load((ARENA / "short.yaml").read_text())
    document["spec"] |= {**SMALL, **changes}
    document["spec"]["base"]["model"] = str(ARENA / "base")
    file = folder / "run.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


@pytest.fixture(scope="module")
def finished(releases: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with an objective, a verifier and a gate of the package; its file lies beside it."""
    folder = tmp_path_factory.mktemp("plugged")
    done = dataswarm(releases[plugin_package.VERSION], "run", write(folder), "--folder", folder / "run")
    assert done.returncode == 0, done.stderr
    return folder / "run"


def rollouts(folder: Path) -> list[Rollout]:
    found = [Rollout.from_bytes(path.read_bytes()) for path in folder.glob("store/names/**/rollouts/*.json.gz")]
    assert found
    return found


def test_a_run_on_one_machine_is_measured_judged_and_gated_by_plug_ins(finished: Path) -> None:
    result = json.loads((finished / "result.json").read_text())
    assert result["objective"] == "unanimous-failure"
    examined = rollouts(finished)
    items = [item for rollout in examined for item in rollout.items]
    rejected = [one for rollout in examined for one in rollout.rejections if one.gate == "max-characters"]
    assert max(len(answered.item.text) for answered in items) <= LONGEST < min(len(one.text) for one in rejected)
    judged = [(one.item.text, answer) for one in items for answer in one.answers if answer.score in (0.0, 1.0)]
    assert judged
    for text, answer in judged:
        last = re.findall(r"-?[0-9]+", answer.text or "")[-1]
        assert answer.score == float((int(last) - eval(text)) % MODULUS == 0), text


def test_a_plug_in_is_a_rival_of_the_search(finished: Path) -> None:
    result = json.loads((finished / "result.json").read_text())
    (rival,) = result["rivals"]["compared"]
    assert (rival["name"], rival["recipe"]) == ("first-generator", result["initials"][0]["recipe"])
    assert rival["fresh"]["value"] == result["initials"][0]["fresh"]["value"], "the same model at the same places"
    assert rival["spent"] == {"items": 0, "answers": 0, "tokens": 0}


def test_a_plug_in_is_pinned_by_its_distribution_and_version(finished: Path) -> None:
    identity = json.loads(LocalStore(finished / "store").read(pins.IDENTITY_KEY) or b"")
    package = {"distribution": plugin_package.DISTRIBUTION, "version": plugin_package.VERSION}
    assert identity["parts"]["spec.objective"] == {"name": "unanimous-failure", **package, "config": {"threshold": 0.5}}
    assert identity["parts"]["spec.judge.verifier"] == {"name": "residue", **package, "config": {"modulus": MODULUS}}
    assert identity["parts"]["spec.gates[0]"] == {"name": "max-characters", **package, "config": {"most": LONGEST}}
    assert identity["parts"]["spec.evaluation.rivals[0]"] == {"name": "first-generator", **package, "config": {}}
    assert identity["prompts"]["Plain"]["answering"] == "Q: {item}\nA:"


def test_a_run_with_plug_ins_is_verified_with_the_same_ones_and_no_others(
    finished: Path, releases: dict[str, Path]
) -> None:
    good = dataswarm(releases[plugin_package.VERSION], "verify", finished)
    assert good.returncode == 0, good.stderr
    other = dataswarm(releases["1.1.0"], "verify", finished)
    assert other.returncode == 2, other.stderr
    for words in ("dataswarm-testing-plugins 1.1.0 is installed", "began with", "dataswarm-testing-plugins 1.0.0"):
        assert words in other.stderr
    without = dataswarm(None, "verify", finished)
    assert without.returncode == 2, without.stderr
    assert "'unanimous-failure' is unknown" in without.stderr


def test_a_run_does_not_go_on_with_another_version(finished: Path, releases: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    (folder / "store" / "names" / "receipts" / "conclude.json").unlink()
    (folder / "state.json").unlink()
    done = dataswarm(releases["1.1.0"], "run", finished.parent / "run.yaml", "--folder", folder)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert ": first-generator of dataswarm-testing-plugins 1.1.0 is installed, and this run began" in line


MISSING: dict[str, tuple[dict[str, Any], list[str]]] = {
    "objective": ({}, ["spec.objective", "objective 'unanimous-failure' is unknown", "dataswarm.objectives are none"]),
    "verifier": (
        {"objective": {"type": "Difficulty"}},
        ["spec.judge.verifier", "verifier 'residue' is unknown", "dataswarm.verifiers are none"],
    ),
    "judge": (
        {"objective": {"type": "Difficulty"}, "judge": {"type": "Plugin", "plugin": {"name": "second-opinion"}}},
        ["spec.judge", "judge 'second-opinion' is unknown", "dataswarm.judges are none"],
    ),
    "rival": (
        {
            "objective": {"type": "Difficulty"},
            "judge": {"type": "Verifier", "verifier": {"type": "Arithmetic"}},
            "gates": [{"type": "Verifiable"}],
        },
        ["spec.evaluation.rivals[0]", "rival 'first-generator' is unknown", "dataswarm.rivals are none"],
    ),
    "gate": (
        {"objective": {"type": "Difficulty"}, "judge": {"type": "Verifier", "verifier": {"type": "Arithmetic"}}},
        ["spec.gates[0]", "gate 'max-characters' is unknown", "dataswarm.gates are none"],
    ),
}


@pytest.mark.parametrize(("changes", "words"), MISSING.values(), ids=MISSING)
def test_a_plug_in_that_is_not_installed_is_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], words: list[str]
) -> None:
    done = dataswarm(None, "run", write(tmp_path, **changes), "--folder", tmp_path / "run")
    lines = done.stderr.strip().splitlines()
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert all(word in lines[0] for word in (*words, "install the distribution")), lines[0]
    assert not (tmp_path / "run").exists()


def test_a_config_that_a_plug_in_refuses_is_refused_with_its_field(releases: dict[str, Path], tmp_path: Path) -> None:
    bad = {"type": "Verifier", "verifier": {"type": "Plugin", "plugin": {"name": "residue", "config": {"modulus": 1}}}}
    installed = releases[plugin_package.VERSION]
    done = dataswarm(installed, "run", write(tmp_path, judge=bad), "--folder", tmp_path / "run")
    assert done.returncode == 2
    assert "spec.judge.verifier: plug-in 'residue' of dataswarm-testing-plugins 1.0.0" in done.stderr
    assert "config field 'modulus' is 1; give 2 or more" in done.stderr


def agree(body: dict[str, Any], _: int) -> scripted_http_server.Answer:
    """What the judge's model says: yes where the answer has a seven in it."""
    asked = re.search(r"Is '(.*)' the right answer", scripted_chat_server.prompt(body))
    return scripted_chat_server.chat_completion("Yes." if asked and "7" in asked[1] else "No.")


def test_a_plugged_in_judge_asks_its_model_through_the_run(releases: dict[str, Path], tmp_path: Path) -> None:
    with scripted_http_server.run_server(ChatServer(respond=agree)) as server:
        endpoint = {"url": server.url, "model": MODEL}
        judge = {"type": "Plugin", "plugin": {"name": "second-opinion", "endpoint": endpoint}}
        file = write(tmp_path, judge=judge, objective={"type": "Difficulty"}, budget={"calls": 5000})
        done = dataswarm(releases[plugin_package.VERSION], "run", file, "--folder", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    answers = [one for rollout in rollouts(tmp_path / "run") for item in rollout.items for one in item.answers]
    judged = [one for one in answers if one.text and one.text.strip()]
    assert judged
    assert all(one.score == float("7" in one.text) for one in judged if one.text)


@pytest.fixture
def start(moto: Server, tmp_path: Path) -> Iterator[Callable[[str, Path | None], Pods]]:
    """Gives the pods of the run, its store in a new bucket, with the package in their image or without it."""
    made: list[Pods] = []

    def pods(bucket: str, installed: Path | None) -> Pods:
        place = moto.bucket(bucket)
        storage = {"type": "S3", "s3": {"bucket": place.bucket, "endpoint": moto.endpoint}}
        execution = {"kubernetes": {"inference": "Local"}, "local": {"device": "cpu", "threads": 1, "lanes": 2}}
        file = write(tmp_path, storage=storage, execution=execution)
        keys = {name: value for name, value in s3_servers.KEYS.items() if value}
        order = write_order(file, ARENA, tmp_path / "order.json")
        made.append(Pods(order, tmp_path / "pods", {**environment(installed), **keys}))
        return made[-1]

    yield pods
    for one in made:
        one.close()


@pytest.mark.timeout(600)
def test_pods_with_the_package_end_in_the_result_of_one_machine(
    finished: Path, releases: dict[str, Path], start: Callable[[str, Path | None], Pods]
) -> None:
    run = start("plugged", releases[plugin_package.VERSION])
    assert run.run().phase is Phase.SUCCEEDED
    there = LocalStore(finished / "store")
    for key, receipt in run.receipts.items():
        assert receipt == receipt_store.load(there, key), key


def test_pods_of_another_image_are_refused_by_name(
    releases: dict[str, Path], start: Callable[[str, Path | None], Pods]
) -> None:
    run = start("unplugged", None)
    pod = run.start(WorkItem(Kind.PREPARE))
    assert pod.ended() == 65, pod.log
    assert pod.failure["reason"] == "BadInput"
    message = str(pod.failure["message"])
    assert message.startswith("spec.objective: objective 'unanimous-failure' is unknown")
    assert "spec.execution.kubernetes.image.trainer" in message
    # Prepared with one version, a run searches with no other, though the image may change under way.
    prepared = run.start(WorkItem(Kind.PREPARE), PYTHONPATH=str(releases[plugin_package.VERSION]))
    assert prepared.ended() == 0, prepared.log
    parent = json.loads(prepared.message)["outputs"]["experiment"]
    later = run.start(WorkItem(Kind.ITERATE, parent=parent), PYTHONPATH=str(releases["1.1.0"]))
    assert later.ended() == 65, later.log
    assert "1.1.0 is installed, and this run began with" in str(later.failure["message"])
