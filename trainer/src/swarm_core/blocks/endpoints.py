"""Endpoints: models that run outside of dataswarm, behind an API that is compatible with OpenAI's.

The URL, the name of the model and the parameters of requests are part of the run's identity. The key and the rate
limits are not, because a key may be replaced and a limit may be raised while a run continues.

A spec never contains a key. It only says where the key is. On a cluster, the operator puts the value of the Secret into
the environment variable that `key_variable` names. On one machine, the user sets this variable, or names another
variable or a file.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, Strict
from pydantic_core import PydanticCustomError

from swarm_core import recipe
from swarm_core.blocks.block import UNQUOTED_VALUE, Block, Rule
from swarm_core.blocks.free_json import Config
from swarm_core.blocks.scalars import Integer, Label, Limit, Line, LocationText, OneOf, Pattern, to_integer
from swarm_core.recipe import ModelName, canonical_json

URL_PATTERN = "https?://[-.A-Za-z0-9]+(:[0-9]{1,5})?(/[-._~A-Za-z0-9]+)*/?"
DEFAULT_PATH = "/v1"
"""The path under which nearly every server has its API."""
JUDGE_OWNER = "judge"
"""The owner of the judge's key. That of a member of a panel is `judge/INDEX`, that of a taker's key `takers/NAME`,
that of a gate's `gates/INDEX`, and that of a rival's `rivals/INDEX`."""


RESERVED_FIELDS = frozenset({
    "model", "messages", "prompt", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens",
    "temperature", "top_p", "seed", "stop", "logprobs", "top_logprobs",
    "response_format",
})  # fmt: skip
"""The fields of a request that dataswarm sets, or whose answers it cannot read."""
SECRET_NAME = re.compile(
    r"(.*[-_. ])?(api[-_ ]?key|authorization|password|passwd|secret|credentials?|bearer|(access|auth|api)?[-_ ]?token)",
    re.IGNORECASE,
)
SECRET_VALUE = re.compile(r"(Bearer |Basic |sk-|hf_|gh[pousr]_|xox[a-z]-|AKIA|AIza)[-A-Za-z0-9_.=/+]{6,}")


def check_extra_body(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """`body`, if it replaces no field of a request and holds no secret. Raises PydanticCustomError."""
    reserved = sorted(RESERVED_FIELDS & body.keys())
    if reserved:
        raise PydanticCustomError(
            UNQUOTED_VALUE,
            "dataswarm sets {names} itself; remove it, or use the field of the spec for it",
            {"names": ", ".join(reserved)},
        )
    secret = find_secret(body)
    if secret is not None:
        raise PydanticCustomError(
            UNQUOTED_VALUE,
            "{name} looks like a secret; remove it, and use apiKeySecretRef, apiKeyEnv or apiKeyFile",
            {"name": secret[:40]},
        )
    return body


def find_secret(value: JsonValue) -> str | None:
    """Return the name of the first field in `value` whose name or text looks like a secret; None if there is none."""
    if isinstance(value, list):
        return next((found for part in value if (found := find_secret(part))), None)
    if not isinstance(value, dict):
        return None
    for name, part in value.items():
        if SECRET_NAME.fullmatch(name) or (isinstance(part, str) and SECRET_VALUE.match(part)):
            return name
        inner = find_secret(part)
        if inner is not None:
            return inner
    return None


ExtraBody = Annotated[Config, AfterValidator(check_extra_body)]


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
    """A model that runs outside of dataswarm, behind an API compatible with OpenAI's chat completions."""

    url: Annotated[
        str,
        Strict(),
        Field(min_length=1, max_length=512),
        Pattern(
            URL_PATTERN, "write http:// or https://, a host and optionally a port and a path; never put a key in a URL"
        ),
    ]
    """URL of the API, without /chat/completions, such as https://host/v1. If the URL has no path, /v1 is added."""
    model: Line
    """Name of the model at the endpoint."""
    api_key_secret_ref: SecretKeyRef | None = None
    """Secret that holds the API key, on a cluster. On one machine, the key is read from the environment variable that
    the operator would set."""
    api_key_env: (
        Annotated[
            str,
            Strict(),
            Field(min_length=1, max_length=128),
            Pattern("[A-Za-z_][A-Za-z0-9_]*", "write the name of an environment variable, never the key itself"),
        ]
        | None
    ) = None
    """Environment variable that holds the API key."""
    api_key_file: LocationText | None = None
    """File that holds only the API key. A relative path starts at the folder of the file that names it."""
    concurrency: Integer = Field(16, ge=1, le=1024)
    """Maximum number of concurrent requests."""
    requests_per_minute: Limit | None = None
    """Maximum number of requests per minute. If absent, there is no rate limit."""
    tokens_per_minute: Limit | None = None
    """Maximum number of prompt and answer tokens per minute. If absent, there is no rate limit."""
    deadline_seconds: Integer = Field(600, ge=1, le=86_400)
    """Deadline of one request in seconds, including all retries."""
    timeout_seconds: Annotated[int, Strict(), Field(ge=1, le=86_400), BeforeValidator(to_integer)] | None = None
    """Maximum seconds for one attempt of a request, after which it is sent again. If absent, half of deadlineSeconds,
    so that an endpoint that stalls costs one attempt. More than deadlineSeconds has no effect."""
    max_tokens_field: Annotated[str, OneOf(("max_tokens", "max_completion_tokens"))] | None = None
    """Name of the field with the maximum length of an answer. If absent, max_tokens is sent until the endpoint asks for
    max_completion_tokens."""
    omit: Annotated[tuple[Annotated[str, OneOf(("temperature", "top_p", "seed"))], ...], Field(max_length=3)] = ()
    """Fields that requests leave out, because the endpoint does not take them. Its own defaults apply then."""
    extra_body: ExtraBody = Field(default_factory=dict)
    """Further fields of every request, as JSON, such as reasoning_effort. It cannot replace a field that dataswarm
    sets, and it holds no secret."""

    @property
    def served_model(self) -> ModelName:
        """The name of the model in requests."""
        parameters = serialize_parameters(self.max_tokens_field, self.omit, self.extra_body)
        return recipe.remote_model_name(normalize_url(self.url), self.model, parameters)

    @property
    def attempt_seconds(self) -> int:
        """The maximum seconds for one attempt of a request."""
        return math.ceil(self.deadline_seconds / 2) if self.timeout_seconds is None else self.timeout_seconds

    rules: ClassVar[tuple[Rule["EndpointSpec"], ...]] = (
        Rule(
            "(has(self.apiKeySecretRef) ? 1 : 0) + (has(self.apiKeyEnv) ? 1 : 0) + (has(self.apiKeyFile) ? 1 : 0) <= 1",
            "a key has one source; keep only one of apiKeySecretRef, apiKeyEnv and apiKeyFile",
            "apiKeyEnv",
            lambda it: [it.api_key_secret_ref, it.api_key_env, it.api_key_file].count(None) >= 2,
        ),
    )


def serialize_parameters(max_tokens_field: str | None, omit: Sequence[str], extra_body: Mapping[str, object]) -> str:
    """Return the parameters of requests as canonical JSON; empty if there are none."""
    fields = {"maxTokensField": max_tokens_field, "omit": sorted(set(omit)), "extraBody": extra_body}
    given = {name: value for name, value in fields.items() if value}
    return canonical_json(given).decode() if given else ""


def normalize_url(url: str) -> str:
    """`url` in normal form: without a slash at the end, and with `/v1` if it has no path."""
    plain = url.rstrip("/")
    return plain if "/" in plain.partition("://")[2] else plain + DEFAULT_PATH


def taker_owner(name: Label) -> str:
    """Return the owner of a taker's key: `takers/NAME`."""
    return f"takers/{name}"


def member_owner(place: int) -> str:
    """Return the owner of the key of a panel's member: `judge/INDEX`."""
    return f"{JUDGE_OWNER}/{place}"


def gate_owner(place: int) -> str:
    """Return the owner of a gate's key: `gates/INDEX`."""
    return f"gates/{place}"


def rival_owner(place: int) -> str:
    """Return the owner of a rival's key: `rivals/INDEX`."""
    return f"rivals/{place}"


def key_variable(owner: str) -> str:
    """Return the name of the environment variable that holds the key of `owner`.

    The operator sets the variable and the worker reads it. Both compute the name, so they need not exchange it. Names
    of takers are DNS labels, which have no underscore, so two takers never share a variable.
    """
    return "DATASWARM_API_KEY_" + owner.upper().replace("/", "_").replace("-", "_")
