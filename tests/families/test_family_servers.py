"""Each family behind vLLM: the greedy answers of the local engine, for the bare base, an adapter and a sum of two."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from family_training import ADAPTERS, LONGEST, PROMPTS, WEIGHTS, Trained, ask, train_family
from model_families.every_family import FAMILIES

from swarm_core.ports import Completion
from swarm_core.recipe import Digest, build_mixture, build_single
from swarm_trainer.inference.local import LocalInference, LocalSettings
from swarm_trainer.inference.openai import OpenAIInference
from swarm_trainer.inference.retrying_client import ClientSettings
from swarm_trainer.inference.vllm_server import ServerConfig, VllmServer
from swarm_trainer.stores import tree
from swarm_trainer.stores.local import LocalStore

pytestmark = pytest.mark.timeout(1200)
"""For the server's start: half a minute, on a machine that is busy far longer."""
BROKEN = "\ufffd"
TOLERANCE = 2e-3
"""Of a log-probability: vLLM's kernels add in another order."""


@pytest.fixture(params=FAMILIES, ids=str)
def trained(request: pytest.FixtureRequest, need_vllm: None, tmp_path: Path) -> Trained:
    return train_family(request.param, tmp_path / "family")


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def adapters(trained: Trained, store: LocalStore) -> dict[Digest, Path]:
    return {tree.put_tree(store, folder): folder for folder in trained.adapters}


@pytest.fixture
def served(trained: Trained, store: LocalStore, tmp_path: Path) -> Iterator[OpenAIInference]:
    digest = tree.digest_tree(trained.base)
    config = ServerConfig(
        digest,
        trained.base,
        build_single(digest).name,
        rank=4,
        adapters_per_batch=len(ADAPTERS),
        live_adapters=len(ADAPTERS),
        max_model_len=LONGEST,
        threads=1,
    )
    server = VllmServer(config, store.root, tmp_path / "vllm.log")
    client = OpenAIInference({digest: server}, store, ClientSettings(max_model_len=LONGEST))
    yield client
    client.close()


def test_vllm_answers_as_the_local_engine(
    trained: Trained, served: OpenAIInference, adapters: dict[Digest, Path]
) -> None:
    digest = tree.digest_tree(trained.base)
    one, two = adapters
    recipes = build_single(digest), build_single(digest, one), build_mixture(digest, (one, two), WEIGHTS)
    local = LocalInference(
        {digest: trained.base}, adapters.__getitem__, LocalSettings(max_model_len=LONGEST, threads=1)
    )
    asked = [ask(recipe, prompt, logprobs=1) for recipe in recipes for prompt in PROMPTS]
    answers = []
    for engine in (local, served):
        engine.serve(recipes)
        answers.append(engine.complete(asked))
    for here, there in zip(*answers, strict=True):
        assert isinstance(here, Completion)
        assert isinstance(there, Completion)
        assert (there.tokens, there.finished) == (here.tokens, here.finished)
        # A random model writes bytes that are no characters. vLLM decodes them as they come, and this engine together.
        assert there.text == here.text or BROKEN in there.text + here.text
        assert here.logprobs
        assert there.logprobs
        found, wanted = ([token.logprob for token in answer.logprobs] for answer in (there, here))
        assert found == pytest.approx(wanted, abs=TOLERANCE)
