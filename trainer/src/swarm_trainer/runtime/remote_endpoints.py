"""Resolves the remote endpoints of a run, reads their keys, and tries them before anything is trained.

Keys are read here, from the environment or from a file. They go only into the header of a request.
"""

import os
from collections.abc import Mapping

from swarm_core.api import parts
from swarm_core.api import resolved as api
from swarm_core.blocks import endpoints
from swarm_core.errors import BadInputError, add_code
from swarm_core.experiment import PinnedRemoteTaker, PinnedTaker
from swarm_core.recipe import Digest
from swarm_trainer import network
from swarm_trainer.inference.chat_endpoints import ChatEndpoints
from swarm_trainer.inference.endpoint import RemoteModel
from swarm_trainer.inference.endpoint_budget import EndpointBudget
from swarm_trainer.inference.provider_failures import FailureClass, Unavailable
from swarm_trainer.runtime import inputs
from swarm_trainer.runtime.context import Context, Progress

MAX_LISTED_MODELS = 5


def get_client(context: Context) -> ChatEndpoints:
    """Return the client of the run's endpoints, one for all lanes. Raises BadInputError if a key cannot be read."""
    if context.chat is None:
        models = [resolve(access, context) for access in context.resolved.access]
        context.chat = ChatEndpoints(
            models, context.store, EndpointBudget(context.store, context.resolved.budget), context.meter
        )
    return context.chat


def resolve(access: api.EndpointAccess, context: Context) -> RemoteModel:
    """Build the settings for requests to an endpoint. Raises BadInputError if its key cannot be read."""
    return RemoteModel(
        url=access.remote.url,
        model=access.remote.model,
        key=read_key(access, context),
        concurrency=access.concurrency,
        requests_per_minute=access.requests_per_minute,
        tokens_per_minute=access.tokens_per_minute,
        deadline=access.deadline_seconds,
        timeout=access.attempt_seconds,
        max_tokens_field=access.remote.max_tokens_field,
        omit=access.remote.omit,
        extra_body=access.remote.extra_body,
        parameters=access.remote.parameters,
    )


def read_key(access: api.EndpointAccess, context: Context) -> str | None:
    """Return the key of an endpoint, or None if it has none. Raises BadInputError, which never shows the key."""
    where = describe_key_source(access)
    if where is None:
        return None
    key = read_key_file(access, context) if access.file is not None else os.environ.get(where, "").strip()
    if not key:
        kind = "the file is empty" if access.file is not None else "no such environment variable, or an empty one"
        raise BadInputError(f"{access.field}: {where}: {kind}; put the endpoint's key there")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise BadInputError(f"{access.field}: {where}: this is not a key; put only the key there")
    return key


def describe_key_source(access: api.EndpointAccess) -> str | None:
    """Return the source of the key, the name of a variable or of a file; None if there is no key."""
    if access.secret is not None:
        return endpoints.key_variable(access.owner)
    return access.env or access.file


def read_key_file(access: api.EndpointAccess, context: Context) -> str:
    """Return the text of a key's file. Raises BadInputError if there is none, or if it cannot be read."""
    assert access.file is not None
    path = inputs.resolve_path(access.file, context.base_folder)
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "not text"
        raise BadInputError(f"{access.field}.apiKeyFile: {access.file!r}: {what} ({path}); put the key there") from None


def check(context: Context) -> None:
    """Check that every endpoint answers, accepts its key and has its model.

    Raises BadInputError naming the first that fails.
    """
    client = get_client(context) if context.resolved.access else None
    for access in context.resolved.access:
        assert client is not None
        context.progress(Progress("prepare", f"asking {access.remote.url}"))
        remote_model = resolve(access, context)
        outcome = client.probe(remote_model.name)
        if isinstance(outcome, Unavailable):
            failure = BadInputError(explain_failure(access, outcome, client.list_models(remote_model.name)))
            raise add_code(failure, outcome.code)


def explain_failure(access: api.EndpointAccess, outcome: Unavailable, models: tuple[str, ...]) -> str:
    """Explain to the user why an endpoint did not answer correctly; `models` are the models that it lists."""
    status, message = outcome.status, outcome.description
    if status in (401, 403):
        where = describe_key_source(access)
        credentials = f"the key in {where}" if where else "a request without a key"
        return f"{access.field}: {access.remote.url} does not take {credentials} ({message}); give a key that it takes"
    if models and access.remote.model not in models:
        more = ", ..." if len(models) > MAX_LISTED_MODELS else ""
        named = ", ".join(models[:MAX_LISTED_MODELS])
        return f"{access.field}.model: {access.remote.model!r} is not there ({message}); choose one of {named}{more}"
    return f"{access.field}{advise_on_failure(access, outcome)}"


def advise_on_failure(access: api.EndpointAccess, outcome: Unavailable) -> str:
    """Return what an endpoint answered and what the user can do, to follow the name of its field."""
    message = outcome.description
    if outcome.cause is FailureClass.ACCOUNT:
        return f": {message}; mend the account of the key"
    if outcome.cause is FailureClass.REFUSAL:
        return (
            f": {message}; correct model {access.remote.model!r} or the address, or leave out a parameter that the"
            " endpoint does not take (omit)"
        )
    if outcome.status == 200:
        return f".url: {message}; give the address of an API that speaks OpenAI's chat completions"
    if network.UNTRUSTED in message:
        return f".url: {access.remote.url}: {network.UNTRUSTED}"
    return f".url: {message}; start the server, or correct the address"


def pin_taker(
    taker: api.ResolvedTaker | api.RemoteTaker, contents: Mapping[str, Digest]
) -> PinnedTaker | PinnedRemoteTaker:
    """Pin a taker: a local one by the digests of its folders, a remote one by its URL and model."""
    if isinstance(taker, api.RemoteTaker):
        return PinnedRemoteTaker(taker.name, taker.endpoint.url, taker.endpoint.model, taker.endpoint.parameters)
    return PinnedTaker(taker.name, contents[taker.model], contents[taker.adapter] if taker.adapter else None)


def judge_name(resolved: api.ResolvedSpec) -> str:
    """Return the name of the judge: that of the model that it asks, or else its own. A panel has those of all."""
    found = [use.part for use in parts.list_judges(resolved)]
    return ", ".join(part.endpoint.model if part.endpoint else part.name for part in found)
