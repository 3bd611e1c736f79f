"""Each family of instruction models: trained, summed, asked, exported and merged, on its real architecture.

The models are small and random, so the numbers are compared with those of transformers and peft alone.
"""

import pytest
from family_training import (
    PROMPTS,
    WRITTEN,
    Trained,
    add_adapter,
    ask,
    read_base,
    require_same_scores,
    train_family,
    write_greedily,
)
from model_families.every_family import FAMILIES

from swarm_core.ports import Request

pytestmark = pytest.mark.long


@pytest.fixture(scope="module", params=FAMILIES, ids=str)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_family(request.param, tmp_path_factory.mktemp("family"))


def test_training_lowers_the_loss(trained: Trained) -> None:
    first, last = trained.losses
    assert last < 0.9 * first


def test_a_batch_answers_as_transformers_does_alone(trained: Trained) -> None:
    mixture, _, bare = trained.recipes
    asked = [ask(recipe, prompt, logprobs=1) for recipe in (bare, mixture) for prompt in PROMPTS]
    answers = trained.build_engine().complete(asked)
    loaded = read_base(trained.base)
    plain = [write_greedily(loaded.model, loaded, prompt) for prompt in PROMPTS]
    summed = add_adapter(loaded, trained.mixture)
    require_same_scores(answers, [*plain, *(write_greedily(summed, loaded, prompt) for prompt in PROMPTS)])


def test_a_request_alone_is_answered_as_in_a_batch(trained: Trained) -> None:
    engine = trained.build_engine()
    asked = [
        Request(recipe.name, prompt, WRITTEN, temperature, seed, chat=True)
        for recipe in trained.recipes
        for prompt in PROMPTS
        for temperature, seed in ((0.0, 1), (1.0, 2), (1.0, 3))
    ]
    assert engine.complete(asked) == [engine.complete([one])[0] for one in asked]


def test_an_exported_sum_merges_into_the_model_it_was_asked_as(trained: Trained) -> None:
    mixture = trained.recipes[0]
    answers = trained.build_engine().complete([ask(mixture, prompt, logprobs=1) for prompt in PROMPTS])
    loaded = read_base(trained.base)
    merged = add_adapter(loaded, trained.mixture).merge_and_unload()
    require_same_scores(answers, [write_greedily(merged, loaded, prompt) for prompt in PROMPTS])
