"""Trains, sums and asks a family's model, and asks transformers and peft alone the same."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import peft
import pytest
import torch
from model_families import family as families
from model_families.family import Family
from torch import Tensor

from swarm_core.ports import Completion, Request
from swarm_core.recipe import Digest, Recipe, build_mixture, build_single
from swarm_trainer.inference.local import LocalInference, LocalSettings
from swarm_trainer.lora import base, base_checks, combine, training
from swarm_trainer.lora.base import BaseModelConfig
from swarm_trainer.lora.lora_layers import LoraSize
from swarm_trainer.lora.training import TrainingSettings

BASE, ADAPTERS = Digest("b" * 64), (Digest("1" * 64), Digest("2" * 64))
WEIGHTS = (1.5, -0.7)
PROMPTS = (
    "1",
    "What is 12 + 7?",
    "Here are 5 examples. Write 5 more in the same pattern, as a numbered list only.\n1. What is 9 * 8 - 3?",
)
"""Short ones and one beyond every window, so that a batch has much padding."""
WRITTEN = 12
"""Tokens of an answer."""
LONGEST = 512


@dataclass(frozen=True, slots=True)
class Trained:
    """A family's model with two adapters and a sum of them."""

    family: Family
    base: Path
    adapters: tuple[Path, Path]
    mixture: Path
    losses: tuple[float, float]

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The sum, one adapter, and the bare base."""
        return build_mixture(BASE, ADAPTERS, WEIGHTS), build_single(BASE, ADAPTERS[0]), build_single(BASE)

    def build_engine(self, **settings: object) -> LocalInference:
        folders = dict(zip(ADAPTERS, self.adapters, strict=True))
        chosen = LocalSettings(**{"max_model_len": LONGEST, **settings})
        engine = LocalInference({BASE: self.base}, folders.__getitem__, chosen)
        engine.serve(self.recipes)
        return engine


def train_family(family: Family, folder: Path, dtype: str = "float32", device: str = "cpu") -> Trained:
    """Write the family's model, train two adapters of it, and sum them."""
    model = families.write(family, folder / "base")
    base_checks.check_model(model)
    base_checks.check_targets(model, LoraSize(4, 8.0, tuple(family.targets)))
    settings = TrainingSettings(4, 8.0, tuple(family.targets), 4, 1e-2, 0.1, 256, 4, 2, False, chat=True)
    results, outs = [], (folder / "one", folder / "two")
    for number, out in enumerate(outs, 1):
        pairs = [(f"What is {number} + {n}?", f"The answer is {number * n}.") for n in range(8)]
        losses: list[float] = []
        training.train(
            BaseModelConfig(model, dtype, device),
            pairs,
            settings,
            5,
            out,
            lambda *step, kept=losses: kept.append(step[2]),
        )
        results.append(losses)
    combine.write(build_mixture(BASE, ADAPTERS, WEIGHTS), outs, folder / "mixture")
    first, last = (sum(losses[place] for losses in results) / 2 for place in (0, -1))
    return Trained(family, model, outs, folder / "mixture", (first, last))


def ask(recipe: Recipe, prompt: str, **more: object) -> Request:
    return Request(recipe.name, prompt, WRITTEN, 0.0, 1, **{"chat": True, **more})


def read_base(folder: Path) -> base.LoadedModel:
    """The model as transformers alone reads it, with the attention that its authors wrote out."""
    loaded = base.load(BaseModelConfig(folder))
    loaded.model.set_attn_implementation("eager")
    return loaded


def add_adapter(loaded: base.LoadedModel, adapter: Path) -> peft.PeftModel:
    with base.silence_transformers(), warnings.catch_warnings():
        return peft.PeftModel.from_pretrained(loaded.model, adapter).eval()


def write_greedily(model: torch.nn.Module, loaded: base.LoadedModel, prompt: str) -> tuple[list[int], list[Tensor]]:
    """The likeliest tokens, one by one, with nothing kept between them and nothing beside them; and their scores."""
    (ids,), written, scores = base.tokenize_prompts(loaded.tokenizer, [prompt], chat=True), list[int](), []
    with torch.inference_mode():
        while len(written) < WRITTEN and (not written or written[-1] not in loaded.end_tokens):
            logits = model(input_ids=torch.tensor([[*ids, *written]]), use_cache=False).logits[0, -1]
            scores.append(torch.log_softmax(logits.double(), -1))
            written.append(int(logits.argmax()))
    return written, scores


def require_same_scores(answers: Sequence[object], wanted: Sequence[tuple[list[int], list[Tensor]]]) -> None:
    """Each answer chose the wanted tokens, with the wanted log-probabilities."""
    for answer, (tokens, scores) in zip(answers, wanted, strict=True):
        assert isinstance(answer, Completion)
        assert answer.logprobs is not None
        assert answer.tokens == len(tokens)
        expected = [float(score[token]) for token, score in zip(tokens, scores, strict=True)]
        assert [one.logprob for one in answer.logprobs] == pytest.approx(expected, abs=2e-4)
