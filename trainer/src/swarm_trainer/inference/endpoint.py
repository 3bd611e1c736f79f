"""Addresses of OpenAI-compatible servers and the limits that apply there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from swarm_core import recipe
from swarm_core.recipe import ModelName


class EndpointAddress(Protocol):
    """The address and the key of a server."""

    @property
    def url(self) -> str: ...

    @property
    def key(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server of one base."""

    url: str
    """The address without `/v1`."""
    tokenizer: Path
    """The folder of the base. Prompts are tokenized on this side."""
    key: str | None = field(default=None, repr=False)
    """The bearer token. It is left out of every printed form."""


@dataclass(frozen=True, slots=True)
class ExternalServers:
    """Servers that this program does not start."""

    urls: Mapping[str, str]
    """The address of each model's server, by the model's URI in the spec, without `/v1`."""
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A remote model and the limits for requests to it."""

    url: str
    """The address with `/v1`, or with another prefix if the API has one."""
    model: str
    key: str | None = field(default=None, repr=False)
    concurrency: int = 16
    """Maximum number of requests at one time."""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    deadline: float = 600.0
    """Seconds for one request, all attempts together."""
    timeout: float = 300.0
    """Seconds for one attempt."""
    max_tokens_field: str | None = None
    """The name of the field with the maximum length; None leaves it to the server's refusals."""
    omit: tuple[str, ...] = ()
    """The fields that requests leave out."""
    extra_body: Mapping[str, object] = field(default_factory=dict)
    """Further fields of every request."""
    parameters: str = ""
    """The last three as the name of the model covers them (`EndpointIdentity.parameters`)."""

    @property
    def name(self) -> ModelName:
        """The name that requests use for this model."""
        return recipe.remote_model_name(self.url, self.model, self.parameters)


class EndpointProvider(Protocol):
    """Provides the endpoint of one base."""

    def endpoint(self) -> Endpoint:
        """The current endpoint. Raises InferenceError if there is none."""
        ...

    def is_alive(self, endpoint: Endpoint | None = None) -> bool:
        """Whether a retry is worthwhile after a broken connection: to `endpoint` if given, otherwise to the current
        endpoint.
        """
        ...

    def stop(self) -> None:
        """End the server if it is ours. Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class FixedEndpoint:
    """An endpoint that this program does not start or stop."""

    address: Endpoint

    def endpoint(self) -> Endpoint:
        return self.address

    def is_alive(self, endpoint: Endpoint | None = None) -> bool:  # noqa: ARG002 - it has one place
        return True

    def stop(self) -> None:
        return
