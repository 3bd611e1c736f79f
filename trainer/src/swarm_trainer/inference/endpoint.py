"""Where OpenAI-compatible servers answer, and how to ask them there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from swarm_core import recipe
from swarm_core.recipe import ModelName


class EndpointAddress(Protocol):
    """Whatever can be asked."""

    @property
    def url(self) -> str: ...

    @property
    def key(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server of one base."""

    url: str
    """Without `/v1`."""
    tokenizer: Path
    """The folder of the base: prompts are turned into tokens on this side."""
    key: str | None = field(default=None, repr=False)
    """The bearer token. Kept out of everything that is printed."""


@dataclass(frozen=True, slots=True)
class ExternalServers:
    """Servers that somebody else runs."""

    urls: Mapping[str, str]
    """Where each model is served, by its URI in the spec; without `/v1`."""
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model that somebody else serves, and how it may be asked."""

    url: str
    """With `/v1`, or whatever its API begins with."""
    model: str
    key: str | None = field(default=None, repr=False)
    concurrency: int = 16
    """Requests under way at one time, at most."""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    deadline: float = 600.0
    """Seconds for one request, all its attempts together."""

    @property
    def name(self) -> ModelName:
        """What requests call it."""
        return recipe.remote_model_name(self.url, self.model)


class EndpointProvider(Protocol):
    """Whoever provides an endpoint."""

    def endpoint(self) -> Endpoint:
        """Where to ask now. Raises InferenceError if there is no such place."""
        ...

    def is_alive(self, endpoint: Endpoint | None = None) -> bool:
        """Whether it is worth asking again after a broken connection; at `endpoint`, if that is given."""
        ...

    def stop(self) -> None:
        """No more will be asked. Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class FixedEndpoint:
    """A server that somebody else runs."""

    address: Endpoint

    def endpoint(self) -> Endpoint:
        return self.address

    def is_alive(self, endpoint: Endpoint | None = None) -> bool:  # noqa: ARG002 - it has one place
        return True

    def stop(self) -> None:
        return
