"""The engines that the inference contract is run against: each adapter of the port, and the fake that tests use.

vLLM is the real server, started once. Without the module its tests are skipped; with DATASWARM_VLLM=required they fail.
"""

# ruff: noqa: PLC0415 (the fake needs no torch)
import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from swarm_core.ports import ArtifactStore, Completion, Inference, InferenceError, Request, RequestFailure, TokenLogprob
from swarm_core.recipe import Digest, Recipe, build_mixture, build_single
from swarm_trainer.inference.request_checks import find_field_error
from swarm_trainer.stores import tree
from swarm_trainer.stores.local import LocalStore

BASE = Digest("b" * 64)
LONGEST = 64
LETTERS = "abcdefghij"
STARTING_SECONDS = 1200
"""For a test that may have to start a server: half a minute, on a machine that is busy far longer."""
HIDDEN = 128
"""Of the tiny base: heads of 32, the fewest that vLLM's attention takes on a CPU."""


@dataclass(slots=True)
class FakeInference:
    """Writes letters that a hash of the request decides, one token each: deterministic, and never right."""

    live: set[str] = field(default_factory=set)

    def serve(self, live: Sequence[Recipe]) -> None:
        self.live = {recipe.name for recipe in live}

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        for request in requests:
            if request.model not in self.live:
                raise InferenceError(f"model {request.model}: this model is not served")
        return [self._write(request) for request in requests]

    def close(self) -> None:
        self.live = set()

    def _write(self, request: Request) -> Completion | RequestFailure:
        if len(request.prompt) + request.max_tokens > LONGEST:
            return RequestFailure(f"prompt of {len(request.prompt)} characters is too long")
        field_error = find_field_error(request)
        if field_error is not None:
            return RequestFailure(field_error)
        first, *others = [self._write_text(request, choice) for choice in range(request.n)]
        logprobs = None if request.logprobs is None else self._score(first.tokens, request.logprobs)
        return Completion(
            first.text,
            first.tokens + sum(other.tokens for other in others),
            first.finished and all(other.finished for other in others),
            tuple(other.text for other in others),
            logprobs,
        )

    def _write_text(self, request: Request, choice: int) -> Completion:
        greedy = request.temperature == 0 or request.top_p <= 1 / len(LETTERS)  # all letters are equally likely
        sampling = None if greedy else (request.temperature, request.top_p, request.seed, choice)
        text = ""
        while len(text) < request.max_tokens:
            asked = (request.model, request.system, request.turns, request.prompt, request.chat)
            key = repr((asked, sampling, len(text)))
            text += LETTERS[hashlib.sha256(key.encode()).digest()[0] % len(LETTERS)]
            for stop in request.stop:
                if text.endswith(stop):
                    return Completion(text.removesuffix(stop), len(text), finished=True)
        return Completion(text, len(text), finished=False)

    def _score(self, tokens: int, count: int) -> tuple[TokenLogprob, ...]:
        each = math.log(1 / len(LETTERS))
        return (TokenLogprob("?", each, tuple((letter, each) for letter in LETTERS[:count])),) * tokens


@dataclass(frozen=True, slots=True)
class Models:
    """A base and adapters of it, in folders and in a store."""

    base: Path
    store: LocalStore
    folders: dict[Digest, Path]

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The bare base, an adapter, a mixture."""
        one, two = self.folders
        return build_single(BASE), build_single(BASE, one), build_mixture(BASE, (one, two), (0.5, 0.5))


@pytest.fixture(scope="session")
def models(
    make_base: Callable[..., Path], make_adapter: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Models:
    base, store = make_base(hidden=HIDDEN), LocalStore(tmp_path_factory.mktemp("run") / "store")
    made = [make_adapter(base, seed) for seed in (0, 1)]
    return Models(base, store, {tree.put_tree(store, folder): folder for folder in made})


@pytest.fixture(params=["fake", "local", pytest.param("vllm", marks=pytest.mark.timeout(STARTING_SECONDS))])
def engine(request: pytest.FixtureRequest, models: Models) -> Iterator[Inference]:
    """An engine that serves `recipes`."""
    made: Inference
    if request.param == "fake":
        made = FakeInference()
    elif request.param == "local":
        from swarm_trainer.inference.local import LocalInference, LocalSettings

        settings = LocalSettings(max_model_len=LONGEST, threads=1)
        made = LocalInference({BASE: models.base}, models.folders.__getitem__, settings)
    else:
        made = client(request.getfixturevalue("vllm_host"), models.store)
    made.serve(models.recipes)
    yield made
    made.close()


def client(host: object, store: ArtifactStore) -> Inference:
    """A client of the session's server that leaves it running when it is closed."""
    from swarm_trainer.inference.endpoint import FixedEndpoint
    from swarm_trainer.inference.openai import OpenAIInference
    from swarm_trainer.inference.retrying_client import ClientSettings

    place = host.endpoint()  # type: ignore[attr-defined]
    return OpenAIInference({BASE: FixedEndpoint(place)}, store, ClientSettings(max_model_len=LONGEST))


@pytest.fixture(scope="session")
def vllm_host(models: Models, tmp_path_factory: pytest.TempPathFactory, need_vllm: None) -> Iterator[object]:
    """A vLLM server of the tiny base."""
    from swarm_trainer.inference.vllm_server import ServerConfig, VllmServer

    name = models.recipes[0].name
    served = ServerConfig(
        BASE, models.base, name, rank=4, adapters_per_batch=3, live_adapters=6, max_model_len=LONGEST, threads=1
    )
    server = VllmServer(served, models.store.root, tmp_path_factory.mktemp("vllm") / "vllm.log")
    server.endpoint()
    yield server
    server.stop()


@pytest.fixture
def recipes(models: Models) -> tuple[Recipe, ...]:
    """What `engine` serves: the bare base, an adapter, a mixture."""
    return models.recipes
