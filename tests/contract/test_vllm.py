"""What is promised of vLLM beyond the port: adapters found by their digest, the local engine's answers, nothing left.

The real server, on the arena's model and takers.
"""

import json
import os
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import processes
import pytest
from command_line import ARENA

from swarm_core.ports import Completion, InferenceError, Request
from swarm_core.recipe import Digest, Recipe, build_mixture, build_single
from swarm_trainer.inference import adapter_store
from swarm_trainer.inference.endpoint import Endpoint, FixedEndpoint
from swarm_trainer.inference.local import LocalInference, LocalSettings
from swarm_trainer.inference.openai import OpenAIInference
from swarm_trainer.inference.retrying_client import ClientSettings
from swarm_trainer.inference.vllm_server import ServerConfig, VllmServer
from swarm_trainer.stores import tree
from swarm_trainer.stores.local import LocalStore

pytestmark = pytest.mark.timeout(1200)
"""For the server's start: half a minute, on a machine that is busy far longer."""

TAKERS = ("adder", "beginner", "multiplier", "subtractor")
LONGEST = 128
PARTICLES = 4
GENERATIONS = int(os.environ.get("DATASWARM_GENERATIONS", "30"))
"""That one server lives through; 200 take some ten minutes."""
SHOWN = 50
"""Generations between two lines of figures."""


@dataclass(frozen=True, slots=True)
class Arena:
    """The arena's model behind a server."""

    base: Digest
    takers: tuple[Digest, ...]
    store: LocalStore
    host: VllmServer
    client: OpenAIInference

    def particles(self, generation: int) -> list[Recipe]:
        """Recipes that no other generation has."""
        drawn = random.Random(generation)
        return [build_mixture(self.base, self.takers, [drawn.random() for _ in TAKERS]) for _ in range(PARTICLES)]


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory, need_vllm: None) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp("arena")
    store, base = LocalStore(folder / "store"), tree.digest_tree(ARENA / "base")
    takers = tuple(tree.put_tree(store, ARENA / "takers" / name) for name in TAKERS)
    host = VllmServer(wanted(base), store.root, folder / "vllm.log")
    client = OpenAIInference({base: host}, store, ClientSettings(max_model_len=LONGEST))
    yield Arena(base, takers, store, host, client)
    client.close()


def wanted(base: Digest) -> ServerConfig:
    live = PARTICLES + len(TAKERS)
    return ServerConfig(
        base,
        ARENA / "base",
        build_single(base).name,
        rank=8,
        adapters_per_batch=6,
        live_adapters=live,
        max_model_len=LONGEST,
        threads=1,
    )


def question(recipe: Recipe, number: int) -> Request:
    drawn = random.Random(number)
    item = f"{drawn.randint(1, 99)}{drawn.choice('+-*')}{drawn.randint(1, 99)}"
    return Request(recipe.name, f"Q: {item}\nA:", 8, 0.0, number, ("\n",))


def answered(url: str, key: str | None, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    """Status and JSON of an answer, as anybody may ask for it."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=120.0) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def post(place: Endpoint, model: str) -> tuple[int, Any]:
    """One bare completion, as anybody with the key may ask for it."""
    body = {"model": model, "prompt": [5, 6, 7], "max_tokens": 2, "temperature": 0.0}
    return answered(f"{place.url}/v1/completions", place.key, body)


def registered(place: Endpoint) -> set[str]:
    """What the server has as models."""
    _, listed = answered(f"{place.url}/v1/models", place.key)
    return {model["id"] for model in listed["data"]}


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def adapters_folder(pids: list[int]) -> Path:
    """The server's folder, from its environment."""
    [folder] = processes.variable_values(pids[:1], "DATASWARM_ADAPTERS")
    return Path(folder)


def test_greedy_answers_are_the_local_engines(arena: Arena, capsys: pytest.CaptureFixture[str]) -> None:
    recipes = [build_single(arena.base), *(build_single(arena.base, taker) for taker in arena.takers)]
    asked = [question(recipes[number % len(recipes)], number) for number in range(500)]
    folders = dict(zip(arena.takers, (ARENA / "takers" / name for name in TAKERS), strict=True))
    local = LocalInference(
        {arena.base: ARENA / "base"}, folders.__getitem__, LocalSettings(max_model_len=LONGEST, threads=1)
    )
    answers = []
    for engine in (local, arena.client):
        engine.serve(recipes)
        answers.append(engine.complete(asked))
    pairs = list(zip(asked, *answers, strict=True))
    differing = [(request.prompt, one, two) for request, one, two in pairs if one != two]
    share = 1 - len(differing) / len(pairs)
    with capsys.disabled():
        print(f"\ngreedy answers alike: {share:.1%} of {len(pairs)}; differing: {differing[:5]}")
    assert share >= 0.99


def test_64_first_requests_for_one_adapter_are_all_answered(arena: Arena) -> None:
    [recipe, *_] = arena.particles(1000)
    arena.client.serve([recipe])
    results = arena.client.complete([question(recipe, 1)] * 64)
    assert len(set(results)) == 1
    assert isinstance(results[0], Completion)


def test_64_first_requests_for_as_many_adapters_are_each_answered(arena: Arena) -> None:
    """More adapters than the server holds at once, in its batch or in its memory: it evicts and loads again."""
    recipes = [recipe for generation in range(2000, 2016) for recipe in arena.particles(generation)]
    arena.client.serve(recipes)
    asked = [question(recipe, 1) for recipe in recipes]
    together = arena.client.complete(asked)
    assert all(isinstance(result, Completion) for result in together)
    assert arena.client.complete(asked[::-1]) == together[::-1]


def test_the_bare_base_stays_itself_though_every_place_for_an_adapter_is_taken(arena: Arena) -> None:
    """Beside adapters, alone, and in company of itself: each way takes another path through the kernels."""
    bare = build_single(arena.base)
    asked = [question(bare, number) for number in range(20)]
    local = LocalInference({arena.base: ARENA / "base"}, None, LocalSettings(max_model_len=LONGEST, threads=1))  # type: ignore[arg-type]
    local.serve([bare])
    expected = local.complete(asked)
    recipes = [recipe for generation in (6000, 6001) for recipe in arena.particles(generation)]
    arena.client.serve([bare, *recipes])
    arena.client.complete([question(recipe, 1) for recipe in recipes])
    assert [arena.client.complete([one])[0] for one in asked] == expected
    assert arena.client.complete(asked) == expected
    mixed = [request for one in asked for request in (one, question(recipes[one.seed % 8], one.seed))]
    assert arena.client.complete(mixed)[::2] == expected


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "A" * 64, "a" * 63, "a/b"])
def test_a_name_that_is_no_digest_is_no_model(arena: Arena, name: str) -> None:
    status, answer = post(arena.host.endpoint(), name)
    assert status == 404
    assert "does not exist" in answer["error"]["message"]


def test_a_digest_without_a_recipe_is_a_clear_404(arena: Arena) -> None:
    status, answer = post(arena.host.endpoint(), "0" * 64)
    assert status == 404
    assert "the store has no recipe of this name" in answer["error"]["message"]


def test_a_recipe_of_another_base_is_a_clear_400(arena: Arena) -> None:
    foreign = build_single(Digest("c" * 64), arena.takers[0])
    arena.store.publish(adapter_store.recipe_key(foreign.name), foreign.to_bytes())
    status, answer = post(arena.host.endpoint(), foreign.name)
    assert status == 400
    assert "the recipe needs base" in answer["error"]["message"]


def test_a_basis_that_is_missing_is_a_clear_500_and_the_clients_error(arena: Arena) -> None:
    broken = build_single(arena.base, Digest("d" * 64))
    arena.client.serve([broken])
    with pytest.raises(InferenceError, match=r"answered 500: .*does not have it"):
        arena.client.complete([question(broken, 1)])


def test_without_the_key_nothing_is_answered_and_the_key_is_on_no_command_line(arena: Arena) -> None:
    place = arena.host.endpoint()
    assert place.key is not None
    assert answered(f"{place.url}/v1/models", None)[0] == 401
    commands = [processes.read_command_line(pid) for pid in processes.find_by_word(place.key)]
    assert commands
    assert not any(place.key.encode() in command for command in commands)


def test_memory_disk_and_registered_adapters_stay_flat_over_the_generations(
    arena: Arena, capsys: pytest.CaptureFixture[str]
) -> None:
    takers = [build_single(arena.base, taker) for taker in arena.takers]
    arena.host.endpoint()  # started, should no test have come before
    pids = processes.find_by_word(f"DATASWARM_STORE={arena.store.root}")
    folder = adapters_folder(pids)
    seen = []
    for generation in range(GENERATIONS):
        particles = arena.particles(generation)
        arena.client.serve([*particles, *takers])
        results = arena.client.complete([question(recipe, generation) for recipe in (*particles, *takers)])
        assert all(isinstance(result, Completion) for result in results)
        kept = len(list((folder / "adapters").iterdir()))
        seen.append((len(registered(arena.host.endpoint())), kept, size(folder), processes.resident_bytes(pids)))
        if (generation + 1) % SHOWN == 0:
            with capsys.disabled():
                models, kept, disk, memory = seen[-1]
                print(f"\n{generation + 1} generations: {models} models, {kept} folders, {disk / 1e6:.1f} MB, ", end="")
                print(f"{memory / 1e6:.0f} MB resident")
    models, kept, disk, memory = zip(*seen[5:], strict=True)
    assert max(models) <= 1 + 2 * PARTICLES + len(TAKERS)
    assert max(kept) <= 4 * PARTICLES + len(TAKERS)
    assert max(disk) <= 1.5 * disk[0]
    assert max(memory) <= memory[0] + 64 * 2**20


def test_a_server_that_is_killed_is_started_again_and_knows_its_adapters(arena: Arena) -> None:
    recipes = arena.particles(3000)
    arena.client.serve(recipes)
    before = arena.client.complete([question(recipe, 3) for recipe in recipes])
    assert processes.kill_servers(f"DATASWARM_STORE={arena.store.root}")
    assert arena.client.complete([question(recipe, 3) for recipe in recipes]) == before


def test_a_replica_finds_what_was_served_elsewhere(arena: Arena, tmp_path: Path) -> None:
    """Two servers of one store, each alone: what one was asked for first, the other knows, and answers alike."""
    recipes = arena.particles(4000)
    arena.client.serve(recipes)
    asked = [question(recipe, number) for number, recipe in enumerate(recipes * 4)]
    first = arena.client.complete(asked)
    host = VllmServer(wanted(arena.base), arena.store.root, tmp_path / "replica.log")
    replica = OpenAIInference({arena.base: host}, arena.store, ClientSettings(max_model_len=LONGEST))
    try:
        replica.serve(recipes)
        assert host.endpoint().url != arena.host.endpoint().url
        assert replica.complete(asked) == first == arena.client.complete(asked)
        assert {recipe.name for recipe in recipes} <= registered(host.endpoint())
    finally:
        replica.close()


def test_a_taker_with_a_model_of_its_own_is_asked_at_its_own_server(
    arena: Arena, make_base: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_base(hidden=128, seed=9)
    other = build_single(tree.digest_tree(folder))
    own = VllmServer(
        ServerConfig(
            other.base,
            folder,
            other.name,
            rank=0,
            adapters_per_batch=0,
            live_adapters=0,
            max_model_len=LONGEST,
            threads=1,
        ),
        arena.store.root,
        tmp_path / "own.log",
    )
    recipes = [other, build_single(arena.base), *arena.particles(5000)]
    asked = [question(recipe, number) for number, recipe in enumerate(recipes * 5)]
    local = LocalInference(
        {arena.base: ARENA / "base", other.base: folder},
        dict(zip(arena.takers, (ARENA / "takers" / name for name in TAKERS), strict=True)).__getitem__,
        LocalSettings(max_model_len=LONGEST, threads=1),
    )
    running = FixedEndpoint(arena.host.endpoint())
    both = OpenAIInference({arena.base: running, other.base: own}, arena.store, ClientSettings(max_model_len=LONGEST))
    try:
        answers = []
        for engine in (local, both):
            engine.serve(recipes)
            answers.append(engine.complete(asked))
        assert answers[0] == answers[1]
    finally:
        both.close()


STARTER = """
import sys, time
from pathlib import Path
from swarm_core.recipe import Digest, build_single
from swarm_trainer.inference.vllm_server import ServerConfig, VllmServer

base, folder, store, log = sys.argv[1:]
name = build_single(Digest(base)).name
served = ServerConfig(Digest(base), Path(folder), name, 8, 2, 2, max_model_len=128, threads=1)
VllmServer(served, Path(store), Path(log)).endpoint()
time.sleep(600)
"""


def test_a_host_that_is_killed_leaves_no_server_and_no_adapters(arena: Arena, tmp_path: Path) -> None:
    """While it starts, which is when most processes come and go."""
    store = tmp_path / "store"
    mark = f"DATASWARM_STORE={store}"
    command = [sys.executable, "-c", STARTER, arena.base, str(ARENA / "base"), str(store), str(tmp_path / "log")]
    starter = subprocess.Popen(command)
    until(lambda: starter.poll() is not None or len(processes.find_by_word(mark)) >= 2, "the server did not start")
    assert starter.poll() is None, "the host ended before it was killed"
    folder = adapters_folder(processes.find_by_word(mark))
    assert folder.exists()
    starter.kill()
    starter.wait()
    until(lambda: not processes.find_by_word(mark), f"left: {processes.find_by_word(mark)}")
    assert not folder.exists()


def test_a_server_that_cannot_start_says_why(arena: Arena, tmp_path: Path) -> None:
    host = VllmServer(
        ServerConfig(arena.base, tmp_path, build_single(arena.base).name, 8, 1, 1), tmp_path / "store", tmp_path / "log"
    )
    with pytest.raises(InferenceError, match=rf"vLLM ended before it served {tmp_path}: .*Error"):
        host.endpoint()
    host.stop()


def until(true: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 600.0
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
