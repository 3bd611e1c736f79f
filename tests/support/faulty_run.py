"""Whole runs in this process against a faulty endpoint: real engine, steps, store protocol and HTTP, and a fast clock.

The generators are a function of recipe and seed, so that a run takes a second. Takers, judge and gate are behind the
endpoint. Pauses and deadlines of the endpoint's client pass SPEED times faster than on the wall.
"""

import asyncio
import random
import re
import selectors
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import scripted_chat_server
import yaml
from command_line import ARENA
from fake_store import FakeStore
from faulty_endpoint import FaultyEndpoint
from swarmrun_documents import Patch, patched

from swarm_core.api import loading, resolution
from swarm_core.engine import state as states
from swarm_core.engine.decide import decide
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Done, Failed, Launch, Observation, Observations
from swarm_core.ports import Completion, Request, RequestFailure
from swarm_core.programs.program_protocol import build_outline
from swarm_core.recipe import Recipe
from swarm_core.rollout import Rollout
from swarm_trainer import steps
from swarm_trainer.inference.chat_endpoints import ChatEndpoints
from swarm_trainer.inference.endpoint_budget import EndpointBudget
from swarm_trainer.report import game_figure, search_figure
from swarm_trainer.runtime import engines, remote_endpoints
from swarm_trainer.runtime.context import Context
from swarm_trainer.worker import loop

SPEED = 50.0
GAME = ARENA.parent / "adversarial"
SHOTS = 3
TIMES: Patch = {"deadlineSeconds": 6000, "timeoutSeconds": 60, "concurrency": 16}
"""A deadline that no passing fault reaches, and an attempt of about a second."""
IMPATIENT: Patch = {"deadlineSeconds": 30, "timeoutSeconds": 15, "concurrency": 16}


class FastSelector(selectors.DefaultSelector):
    """Waits SPEED times shorter than told."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / SPEED)


class FastLoop(asyncio.SelectorEventLoop):
    """A loop whose clock is SPEED times faster, and whose lookups fail when the endpoint says so."""

    def __init__(self, site: FaultyEndpoint) -> None:
        super().__init__(FastSelector())
        self.site = site

    def time(self) -> float:
        return super().time() * SPEED

    async def getaddrinfo(self, *arguments: Any, **named: Any) -> Any:
        if self.site.lookups_to_fail > 0:
            self.site.lookups_to_fail -= 1
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return await super().getaddrinfo(*arguments, **named)


class Generators:
    """Writes sums. Their operands grow with the first coefficient of the recipe."""

    def __init__(self) -> None:
        self.known: dict[str, Recipe] = {}

    def serve(self, live: Sequence[Recipe]) -> None:
        self.known |= {recipe.name: recipe for recipe in live}

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        return [self.one(request) for request in requests]

    def one(self, request: Request) -> Completion:
        if request.prompt.startswith("Q: "):
            return self.answer(request)
        drawn = random.Random(f"{request.model} {request.seed}")
        high = max(12, round(55 + 45 * self.known[request.model].groups[0].coefficients[0]))
        items = [f"{drawn.randrange(10, high)}{drawn.choice('+*')}{drawn.randrange(10, 99)}" for _ in range(SHOTS)]
        return Completion("".join(f"- {item}\n" for item in items), 8, True)

    def answer(self, request: Request) -> Completion:
        """The answer of a taker of a game: the more it reaches, the larger its first coefficient is."""
        text = request.prompt.removeprefix("Q: ")
        found = re.match(r"\d+", text)
        reach = 40 + 40 * self.known[request.model].groups[0].coefficients[0]
        knows = found is not None and int(found[0]) < reach
        return Completion(f" {scripted_chat_server.evaluate_sum(text) if knows else 1}", 4, True)

    def close(self) -> None:
        pass


def document(site: FaultyEndpoint, times: Patch) -> dict[str, Any]:
    """A small search with two takers, the judge and a gate behind the endpoint."""
    found: dict[str, Any] = yaml.safe_load((ARENA / "short.yaml").read_text())
    endpoint = {"url": site.url, **times}
    takers = [{"name": name, "endpoint": {**endpoint, "model": name}} for name in ("small", "large")]
    found["spec"] |= {
        "generators": {
            "adapters": [str(ARENA / "takers" / name) for name in ("adder", "multiplier")],
            "data": {"uri": str(ARENA / "seeds.jsonl"), "heldOut": 0.05},
        },
        "takers": takers,
        "judge": {"type": "Model", "model": {"endpoint": {**endpoint, "model": "judge"}}},
        "swarm": {"particles": 2, "iterations": 1, "patience": 9, "standard": {"scattered": 1}},
        "evaluation": {"items": 6, "coverage": 0.5, "finalists": 2, "final": {"items": 6, "seeds": 1}},
    }
    return patched({"spec.base.model": str(ARENA / "base"), "spec.execution.local.lanes": 2}, found)


def game_document(site: FaultyEndpoint, times: Patch) -> dict[str, Any]:
    """A small game. Its gate is behind the endpoint; every other part of a game is an adapter or a program."""
    found: dict[str, Any] = yaml.safe_load((GAME / "short.yaml").read_text())
    adapters = [str(ARENA / "takers" / name) for name in ("adder", "multiplier")]
    sides = {
        side: {
            "adapters": adapters,
            "data": {"uri": str(GAME / data), "heldOut": share},
            "swarm": {"particles": 2},
        }
        for side, data, share in (("generators", "seeds.jsonl", 0.05), ("takers", "takers.jsonl", 0.4))
    }
    answerable = {"endpoint": {"url": site.url, **times, "model": "judge"}}
    found["spec"] |= {
        **sides,
        "gates": [{"type": "Verifiable"}, {"type": "Duplicate"}, {"type": "Answerable", "answerable": answerable}],
        "pool": {"size": 12, "archive": 4},
        "rounds": 2,
        "evaluation": {"items": 6, "coverage": 0.5, "final": {"items": 6, "seeds": 1}},
    }
    return patched({"spec.base.model": str(ARENA / "base"), "spec.execution.local.lanes": 2}, found)


@dataclass
class FaultyRun:
    """One run and its store."""

    site: FaultyEndpoint
    store: FakeStore
    scratch: Path
    document: Callable[[FaultyEndpoint, Patch], dict[str, Any]] = document
    state: EngineState = field(default_factory=EngineState)

    def drive(self, times: Patch = TIMES) -> EngineState:
        """Run to the end in a new process, as far as the client of the endpoint can tell; returns the last state."""
        resolved = resolution.resolve_run(loading.parse_object(self.document(self.site, times), "run.yaml"))
        context = Context(resolved, self.store, self.scratch / "cache", self.scratch, lambda _: None)
        models = [remote_endpoints.resolve(access, context) for access in resolved.access]
        budget = EndpointBudget(self.store, resolved.budget)
        context.chat = ChatEndpoints(models, self.store, budget, context.meter, lambda: FastLoop(self.site))
        try:
            self.state = drive(context, self.state)
        finally:
            context.chat.close()
        return self.state

    def resume(self, times: Patch = TIMES) -> EngineState:
        """Run again after a failure, as `dataswarm run` does."""
        self.state = states.reopen(self.state)
        return self.drive(times)

    def outcome(self) -> dict[str, bytes]:
        """Everything stored that is part of the result: commits, rollouts, receipts, answers."""
        return {key: data for key, data in self.store.names.items() if not key.startswith(("usage", "endpoints/"))}

    def rollouts(self) -> dict[str, Rollout]:
        found = {key: data for key, data in self.store.names.items() if "/rollouts/" in key}
        return {key: Rollout.from_bytes(data) for key, data in found.items()}


def drive(context: Context, state: EngineState) -> EngineState:
    """Carry out what the engine decides, in this thread and without waiting, until the run has ended."""
    outline, now, seen = build_outline(context.resolved), 0.0, dict[str, Observation]()
    while True:
        decision = decide(outline, state, Observations(seen), now)
        state = decision.state
        if decision.wake_after is None:
            return state
        for action in decision.actions:
            assert isinstance(action, Launch)
            done = loop.execute(action.item, lambda item, _: steps.execute(item, context), lambda _: None)
            seen[action.item.key] = (
                Failed(done.failed.attempt, done.failed.reason, done.failed.message, now)
                if isinstance(done, loop.messages.FailedAttempt)
                else Done(done)
            )
        now += 0.0 if decision.actions else decision.wake_after


@contextmanager
def light_steps() -> Iterator[None]:
    """Generators from Python, and no picture."""
    with (
        mock.patch.object(engines, "build_own_engines", return_value=[Generators(), Generators()]),
        mock.patch.object(search_figure, "draw", lambda *arguments: Path(arguments[-1]).write_bytes(b"")),
        mock.patch.object(game_figure, "draw", lambda *arguments: Path(arguments[-1]).write_bytes(b"")),
    ):
        yield


def list_items(run: FaultyRun) -> list[str]:
    """The items that the first iteration's candidates wrote, in order."""
    texts = [item.text for key, one in sorted(run.rollouts().items()) if "0000" in key for item in one.items]
    return [text for text in dict.fromkeys(texts) if re.fullmatch(r"\d+[+*]\d+", text)]
