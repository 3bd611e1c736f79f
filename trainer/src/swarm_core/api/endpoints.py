"""Models that somebody else serves: where they answer, who may ask, and how fast.

What is asked is identity: the address and the model's name there. With what key and at what rate is not: a key may
change hands, and a limit may be raised, under a run that goes on.

No key is ever written here, only where it is found. In a cluster the operator puts the Secret's value into the
environment variable that `key_variable` names; on one machine a user may do the same, or name a variable or a file.
"""

from typing import Annotated, ClassVar

from pydantic import Field, Strict

from swarm_core.api.block import Block, Rule
from swarm_core.api.lifecycle import Limit
from swarm_core.api.scalars import Integer, Label, Line, LocationText, Pattern

URL_PATTERN = "https?://[-.A-Za-z0-9]+(:[0-9]{1,5})?(/[-._~A-Za-z0-9]+)*/?"
DEFAULT_PATH = "/v1"
"""Where the API begins on nearly every server."""
JUDGE_OWNER = "judge"
"""Whose key the judge's is; takers go by `takers/NAME`."""


class SecretKeyRef(Block):
    """One key of a Kubernetes Secret."""

    name: Annotated[
        str,
        Strict(),
        Field(min_length=1, max_length=253),
        Pattern("[a-z0-9]([-.a-z0-9]*[a-z0-9])?", "use lower-case letters, digits, '-' and '.'"),
    ]
    """Name of the Secret, in the run's namespace."""
    key: Annotated[
        str, Strict(), Field(min_length=1, max_length=253), Pattern("[-._A-Za-z0-9]+", "use letters, digits, - _ .")
    ]
    """Key within the Secret."""


class EndpointSpec(Block):
    """A model behind OpenAI's chat completions, served by somebody else."""

    url: Annotated[
        str,
        Strict(),
        Field(min_length=1, max_length=512),
        Pattern(
            URL_PATTERN, "write http:// or https://, a host and perhaps a port and a path; keys do not belong in it"
        ),
    ]
    """Address under which /chat/completions answers, such as https://host/v1; without a path, /v1 is added."""
    model: Line
    """Name of the model there."""
    api_key_secret_ref: SecretKeyRef | None = None
    """Secret that holds the key, in a cluster; on one machine the variable that the operator would set is read."""
    api_key_env: (
        Annotated[
            str,
            Strict(),
            Field(min_length=1, max_length=128),
            Pattern("[A-Za-z_][A-Za-z0-9_]*", "write the name of a variable, never the key itself"),
        ]
        | None
    ) = None
    """Environment variable that holds the key."""
    api_key_file: LocationText | None = None
    """File that holds the key and nothing else, relative to the file that names it."""
    concurrency: Integer = Field(16, ge=1, le=1024)
    """Requests under way at one time, at most."""
    requests_per_minute: Limit | None = None
    """Requests sent in a minute, at most; absent, as many as the server takes."""
    tokens_per_minute: Limit | None = None
    """Tokens of prompts and answers in a minute, at most; absent, as many as the server takes."""
    deadline_seconds: Integer = Field(600, ge=1, le=86_400)
    """Seconds for one request, all its attempts together."""

    rules: ClassVar[tuple[Rule["EndpointSpec"], ...]] = (
        Rule(
            "(has(self.apiKeySecretRef) ? 1 : 0) + (has(self.apiKeyEnv) ? 1 : 0) + (has(self.apiKeyFile) ? 1 : 0) <= 1",
            "a key comes from one place; keep one of apiKeySecretRef, apiKeyEnv and apiKeyFile",
            "apiKeyEnv",
            lambda it: [it.api_key_secret_ref, it.api_key_env, it.api_key_file].count(None) >= 2,
        ),
    )


def normalize_url(url: str) -> str:
    """`url` in its one form: without a slash at the end, and with `/v1` where it has no path."""
    plain = url.rstrip("/")
    return plain if "/" in plain.partition("://")[2] else plain + DEFAULT_PATH


def taker_owner(name: Label) -> str:
    """Whose key a taker's is."""
    return f"takers/{name}"


def key_variable(owner: str) -> str:
    """The environment variable that holds the key of `owner`: `judge`, or `takers/NAME`.

    A pure function, so that the operator that sets it and the worker that reads it need not talk. Names are labels,
    which have no underscore, so two takers never share one.
    """
    return "DATASWARM_API_KEY_" + owner.upper().replace("/", "_").replace("-", "_")
