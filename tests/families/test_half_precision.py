"""Each family in bfloat16: trained, summed and asked, on the CPU and on a GPU (`make test-gpu`).

Numbers of bfloat16 have eight bits, so scores are compared with a wide tolerance, for the first token alone: a later
one may follow another choice.
"""

from pathlib import Path

import pytest
import torch
from family_training import ADAPTERS, BASE, PROMPTS, WEIGHTS, add_adapter, ask, train_family
from model_families.every_family import FAMILIES
from model_families.family import Family

from swarm_core.ports import Completion
from swarm_core.recipe import build_mixture, build_single
from swarm_trainer.inference.local import LocalInference, LocalSettings
from swarm_trainer.lora import base
from swarm_trainer.lora.base import BaseModelConfig

pytestmark = pytest.mark.long
DTYPE = "bfloat16"
LONGEST = 512
TOLERANCE = 0.25
"""Of a log-probability."""


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device; `make test-gpu` needs a GPU and a torch that is built for it")
    return str(request.param)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_a_family_is_trained_summed_and_asked_in_bfloat16(family: Family, device: str, tmp_path: Path) -> None:
    trained = train_family(family, tmp_path, DTYPE, device)
    assert trained.losses[1] < trained.losses[0]
    folders = dict(zip(ADAPTERS, trained.adapters, strict=True))
    mixture, bare = build_mixture(BASE, ADAPTERS, WEIGHTS, dtype=DTYPE), build_single(BASE, dtype=DTYPE)
    settings = LocalSettings(device=device, dtype=DTYPE, max_model_len=LONGEST)
    engine = LocalInference({BASE: trained.base}, folders.__getitem__, settings)
    engine.serve([mixture, bare])
    asked = [ask(recipe, prompt, logprobs=3) for recipe in (bare, mixture) for prompt in PROMPTS]
    answers = engine.complete(asked)
    assert engine.complete(asked) == answers
    loaded = base.load(BaseModelConfig(trained.base, DTYPE, device, LONGEST))
    prompts = base.tokenize_prompts(loaded.tokenizer, list(PROMPTS), chat=True)
    plain = [first_scores(loaded.model, ids, device) for ids in prompts]
    summed = add_adapter(loaded, trained.mixture)
    expected = [*plain, *(first_scores(summed, ids, device) for ids in prompts)]
    for answer, scores in zip(answers, expected, strict=True):
        assert isinstance(answer, Completion)
        assert answer.logprobs
        found = [logprob for _, logprob in answer.logprobs[0].top]
        assert found == pytest.approx(scores.topk(3).values.tolist(), abs=TOLERANCE)


def first_scores(model: torch.nn.Module, ids: list[int], device: str) -> torch.Tensor:
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids], device=device), use_cache=False).logits[0, -1]
    return torch.log_softmax(logits.double(), -1)
