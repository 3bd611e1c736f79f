"""The engines that the inference contract is run against: each adapter of the port, and the fake that tests use."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from swarm_core.ports import Completion, Failure, Inference, InferenceError, Request
from swarm_core.recipe import Digest, Recipe, mixture, single

BASE = Digest("b" * 64)
ADAPTERS = (Digest("1" * 64), Digest("2" * 64))
RECIPES = (single(BASE), single(BASE, ADAPTERS[0]), mixture(BASE, ADAPTERS, (0.5, 0.5)))
LONGEST = 64


@dataclass(slots=True)
class FakeInference:
    """Writes letters that a hash of the request decides, one token each: deterministic, and never right."""

    live: set[str] = field(default_factory=set)

    def serve(self, live: Sequence[Recipe]) -> None:
        self.live = {recipe.name for recipe in live}

    def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        for request in requests:
            if request.model not in self.live:
                raise InferenceError(f"model {request.model}: not served")
        return [self._write(request) for request in requests]

    def close(self) -> None:
        self.live = set()

    def _write(self, request: Request) -> Completion | Failure:
        if len(request.prompt) + request.max_tokens > LONGEST:
            return Failure(f"prompt of {len(request.prompt)} characters is too long")
        seed = request.seed if request.temperature else None
        text = ""
        while len(text) < request.max_tokens:
            key = repr((request.model, request.prompt, request.chat, request.temperature, seed, len(text)))
            text += "abcdefghij"[hashlib.sha256(key.encode()).digest()[0] % 10]
            for stop in request.stop:
                if text.endswith(stop):
                    return Completion(text.removesuffix(stop), len(text), finished=True)
        return Completion(text, len(text), finished=False)


@pytest.fixture(params=["fake", "local"])
def engine(request: pytest.FixtureRequest, tiny_base: Path, make_adapter: Callable[..., Path]) -> Iterator[Inference]:
    """An engine that serves RECIPES."""
    made: Inference
    if request.param == "fake":
        made = FakeInference()
    else:
        from swarm_trainer.inference.local import LocalInference, Settings  # noqa: PLC0415 (the fake needs no torch)

        folders = {digest: make_adapter(tiny_base, seed) for seed, digest in enumerate(ADAPTERS)}
        made = LocalInference({BASE: tiny_base}, folders.__getitem__, Settings(max_model_len=LONGEST, threads=1))
    made.serve(RECIPES)
    yield made
    made.close()


@pytest.fixture
def recipes() -> tuple[Recipe, ...]:
    """What `engine` serves: the bare base, an adapter, a mixture."""
    return RECIPES
