"""An engine whose answers a test scripts, for steps that send requests to models."""

from collections.abc import Callable, Sequence

from swarm_core.ports import Completion, Request, RequestFailure
from swarm_core.recipe import Recipe

Script = Callable[[Request], Completion | RequestFailure]


class Scripted:
    """An engine that answers by a function of the request, and records the requests."""

    def __init__(self, script: Script) -> None:
        self.script, self.asked = script, list[Request]()

    def serve(self, live: Sequence[Recipe]) -> None:
        pass

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        self.asked += requests
        return [self.script(request) for request in requests]

    def close(self) -> None:
        pass
