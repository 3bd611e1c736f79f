"""The client of other people's endpoints as tests use it: beside an engine of our own, with a short deadline."""

from collections.abc import Callable, Sequence
from typing import Any

import scripted_chat_server

from swarm_core.api.lifecycle import Budget
from swarm_core.ports import Completion, Request, RequestFailure
from swarm_core.recipe import ModelName, Recipe
from swarm_trainer.inference.chat_endpoints import PROBE_REQUEST, ChatEndpoints
from swarm_trainer.inference.endpoint import RemoteModel
from swarm_trainer.inference.endpoint_budget import EndpointBudget
from swarm_trainer.inference.request_router import RoutingInference
from swarm_trainer.meter import Meter
from swarm_trainer.stores.local import LocalStore

KEY = "sk-very-secret"
OWN = ModelName("0" * 64)


class Echo:
    """An engine of our own that says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[Request]] = []

    def serve(self, live: Sequence[Recipe]) -> None:
        pass

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        self.asked.append(list(requests))
        return [Completion(request.prompt, 1, True) for request in requests]

    def close(self) -> None:
        pass


class Desk:
    """Asks a site by a client of its own."""

    def __init__(self, url: str, store: LocalStore, budget: Budget, **terms: Any) -> None:
        self.remote_model = RemoteModel(
            f"{url}/v1", scripted_chat_server.MODEL, **{"key": KEY, "deadline": 20.0, **terms}
        )
        self.meter = Meter()
        self.chat = ChatEndpoints([self.remote_model], store, EndpointBudget(store, budget), self.meter)
        self.own = Echo()
        self.joint = RoutingInference(self.own, self.chat)

    def request(self, prompt: str, temperature: float = 0.0, seed: int = 1, max_tokens: int = 4) -> Request:
        return Request(self.remote_model.name, prompt, max_tokens, temperature, seed, chat=True)

    def ask(self, what: int | Sequence[Request] = 1) -> list[Completion | RequestFailure]:
        return self.joint.complete([self.request(f"{n}+1") for n in range(what)] if isinstance(what, int) else what)


Open = Callable[..., Desk]
SEVEN = Completion("7", 2, finished=True)


def is_control(body: dict[str, Any]) -> bool:
    """Whether this is the request that tells an outage from the refusal of one item."""
    return scripted_chat_server.prompt(body) == PROBE_REQUEST.prompt
