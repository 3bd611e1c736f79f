"""A whole run whose texts come from vLLM and whose store is a bucket, its server and its host killed on the way.

One story, told once for all tests: vLLM is killed in the middle of an iteration; the host, in a later one, is too;
another folder, as on another machine, then brings the run to its end. Beside it the same experiment, embedded.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import processes
import pytest
import s3_servers
import secret_scan
import shortest_run
from command_line import ARENA, ENVIRONMENT, dataswarm, start_run
from s3_servers import Server

pytestmark = pytest.mark.timeout(3000)
"""For three starts of a server: half a minute each, on a machine that is busy far longer."""
PATIENCE = 900.0
BUCKET = "served-run"
MARK = f'"bucket":"{BUCKET}"'
"""In the environment of this run's servers."""

Rollouts = dict[str, bytes]
"""What stood at the kill, by its place below `iterations/`."""


@dataclass
class Story:
    """What happened."""

    server: Server
    root: Path
    keys: set[str] = field(default_factory=set)
    """Every key that a server of the run was given."""
    stood: list[Rollouts] = field(default_factory=list)
    """The rollouts there were, at each kill."""

    @property
    def folders(self) -> tuple[Path, Path]:
        """The run's: where it was killed, and where it ended."""
        return self.root / "killed", self.root / "elsewhere"

    @property
    def said(self) -> Path:
        """What the command line said, all the time."""
        return self.root / "said"

    @property
    def result(self) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = json.loads((self.folders[1] / "result.json").read_text())
        return found

    def rollouts(self) -> Rollouts:
        """What stands now; an object on its way has no name yet."""
        place = shortest_run.names_folder(self.server, BUCKET) / "iterations"
        return {str(path.relative_to(place)): path.read_bytes() for path in place.glob("*/rollouts/*.json.gz")}

    def note_keys(self) -> None:
        self.keys |= processes.variable_values(processes.find_by_word(MARK), "VLLM_API_KEY")

    def ended(self, host: "subprocess.Popen[bytes]") -> bool:
        self.note_keys()
        return host.poll() is not None

    def reached(self, iteration: int, count: int) -> bool:
        """Whether so many rollouts of an iteration stand; the keys of the servers that run are noted on the way."""
        self.note_keys()
        return sum(name.startswith(f"{iteration:04d}/") for name in self.rollouts()) >= count


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The store's credentials for the processes that are started, and no others."""
    before = dict(ENVIRONMENT)
    ENVIRONMENT.update({name: value for name, value in s3_servers.KEYS.items() if value})
    ENVIRONMENT.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    yield
    ENVIRONMENT.clear()
    ENVIRONMENT.update(before)


@pytest.fixture(scope="module")
def file(need_vllm: None, versitygw: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    arena = Path(shutil.copytree(ARENA, tmp_path_factory.mktemp("served") / "arena"))
    shortest_run.write_document(arena, name="embedded")
    return shortest_run.write_document(arena, shortest_run.IN_VLLM, shortest_run.bucket_patch(versitygw, BUCKET))


@pytest.fixture(scope="module")
def story(file: Path, environment: None, versitygw: Server, tmp_path_factory: pytest.TempPathFactory) -> Story:
    told = Story(versitygw, tmp_path_factory.mktemp("story"))
    with told.said.open("wb") as output:
        host = start_run(file, told.folders[0], output.fileno())
        try:
            until(lambda: told.reached(0, 1), host)
            told.stood.append(told.rollouts())
            assert processes.kill_servers(MARK)
            until(lambda: told.reached(1, 1), host)
            told.stood.append(told.rollouts())
        finally:
            host.kill()
            host.wait()
    until(lambda: not processes.find_by_word(MARK))
    with told.said.open("ab") as output:
        host = start_run(file, told.folders[1], output.fileno())
        try:
            until(lambda: told.ended(host))
        finally:
            host.kill()
            host.wait()
    assert host.returncode == 0, told.said.read_text()
    return told


@pytest.fixture(scope="module")
def embedded(file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """The result of the same experiment by the local engine, its store in its folder."""
    folder = tmp_path_factory.mktemp("embedded") / "run"
    done = dataswarm("run", file.with_name("embedded.yaml"), "--folder", folder, seconds=PATIENCE)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, float]] = json.loads((folder / "result.json").read_text())
    return found


def until(true: Callable[[], bool], host: "subprocess.Popen[bytes] | None" = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert host is None or host.poll() is None, "the run ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_it_is_the_same_experiment(story: Story, embedded: dict[str, dict[str, float]]) -> None:
    assert story.result["experimentDigest"] == embedded["experimentDigest"]


def test_the_gain_agrees_with_the_embedded_engines(story: Story, embedded: dict[str, dict[str, float]]) -> None:
    ours, theirs = story.result["gain"], embedded["gain"]
    assert max(ours["low"], theirs["low"]) <= min(ours["high"], theirs["high"]), (ours, theirs)


def test_every_rollout_that_stood_at_a_kill_is_what_the_search_rests_on(story: Story) -> None:
    assert [len(rollouts) > 0 for rollouts in story.stood] == [True, True]
    now = story.rollouts()
    for rollouts in story.stood:
        assert {name: now[name] for name in rollouts} == rollouts


def test_replaying_the_rollouts_gives_the_same_swarm(story: Story) -> None:
    uri = f"s3://{BUCKET}/{shortest_run.NAME}"
    done = dataswarm("verify", uri, "--endpoint", story.server.endpoint)
    assert done.returncode == 0, done.stderr
    assert "the rollouts reproduce the committed swarm" in done.stdout
    assert str(story.result["lastCommit"]) in done.stdout


def test_nothing_of_a_key_is_in_anything_that_was_left(story: Story) -> None:
    """Folders with their logs, what was said, and the store: the store's keys, and those of the servers, all three."""
    assert len(story.keys) == 3
    logs = [log for folder in story.folders for log in folder.rglob("vllm-*.log")]
    assert len(logs) == 2
    assert all(log.stat().st_size for log in logs)
    places = [*story.folders, story.said, story.server.folder / BUCKET]
    assert secret_scan.find_words(places, [s3_servers.SECRET, s3_servers.KEY, *story.keys]) == []


def test_no_server_is_left(story: Story) -> None:
    assert processes.find_by_word(MARK) == []
