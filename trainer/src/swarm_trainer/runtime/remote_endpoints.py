"""The endpoints of a run: found, keyed, and tried before anything is trained.

Keys are read here, from the environment or a file, and go nowhere but into the header of a request.
"""

import os
from collections.abc import Mapping

from swarm_core.api import endpoints, parts
from swarm_core.api import resolved as api
from swarm_core.errors import BadInputError
from swarm_core.experiment import PinnedRemoteTaker, PinnedTaker
from swarm_core.ports import Completion, RequestFailure
from swarm_core.recipe import Digest
from swarm_trainer.inference.chat_endpoints import ChatEndpoints
from swarm_trainer.inference.endpoint import RemoteModel
from swarm_trainer.inference.endpoint_budget import EndpointBudget
from swarm_trainer.inference.openai_protocol import Unavailable
from swarm_trainer.runtime import inputs
from swarm_trainer.runtime.context import Context, Progress

MAX_LISTED_MODELS = 5


def get_client(context: Context) -> ChatEndpoints:
    """The client of the run's endpoints, one for all lanes. Raises BadInputError for a key that cannot be had."""
    if context.chat is None:
        contacts = [resolve(way, context) for way in context.resolved.access]
        context.chat = ChatEndpoints(
            contacts, context.store, EndpointBudget(context.store, context.resolved.budget), context.meter
        )
    return context.chat


def resolve(way: api.EndpointAccess, context: Context) -> RemoteModel:
    """How to reach an endpoint. Raises BadInputError for a key that cannot be had."""
    return RemoteModel(
        url=way.remote.url,
        model=way.remote.model,
        key=read_key(way, context),
        concurrency=way.concurrency,
        requests_per_minute=way.requests_per_minute,
        tokens_per_minute=way.tokens_per_minute,
        deadline=way.deadline_seconds,
    )


def read_key(way: api.EndpointAccess, context: Context) -> str | None:
    """The key of an endpoint; None for one without. Raises BadInputError, which never shows it."""
    where = describe_key_source(way)
    if where is None:
        return None
    found = read_key_file(way, context) if way.file is not None else os.environ.get(where, "").strip()
    if not found:
        kind = "the file is empty" if way.file is not None else "no such environment variable, or an empty one"
        raise BadInputError(f"{way.field}: {where}: {kind}; put the endpoint's key there")
    if not (found.isascii() and found.isprintable() and " " not in found):
        raise BadInputError(f"{way.field}: {where}: holds something that is no key; put the key there and nothing else")
    return found


def describe_key_source(way: api.EndpointAccess) -> str | None:
    """What holds the key: the name of a variable or a file; None where there is no key."""
    if way.secret is not None:
        return endpoints.key_variable(way.owner)
    return way.env or way.file


def read_key_file(way: api.EndpointAccess, context: Context) -> str:
    """The text of a key's file. Raises BadInputError if there is none, or it cannot be read."""
    assert way.file is not None
    path = inputs.resolve_path(way.file, context.base_folder)
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "not text"
        raise BadInputError(f"{way.field}.apiKeyFile: {way.file!r}: {what} ({path}); put the key there") from None


def check(context: Context) -> None:
    """Every endpoint answers, takes its key and has its model. Raises BadInputError naming the first that does not."""
    client = get_client(context) if context.resolved.access else None
    for way in context.resolved.access:
        assert client is not None
        context.progress(Progress("prepare", f"asking {way.remote.url}"))
        one = resolve(way, context)
        outcome = client.probe(one.name)
        if not isinstance(outcome, Completion):
            raise BadInputError(explain_failure(way, outcome, client.list_models(one.name)))


def explain_failure(way: api.EndpointAccess, outcome: RequestFailure | Unavailable, models: tuple[str, ...]) -> str:
    """What to tell the user of an endpoint that did not answer as it should; `models` are those it says it has."""
    status = outcome.status if isinstance(outcome, Unavailable) else 400
    told = outcome.message
    if status in (401, 403):
        where = describe_key_source(way)
        held = f"the key in {where}" if where else "a request without a key"
        return f"{way.field}: {way.remote.url} does not take {held} ({told}); give a key that it takes"
    if models and way.remote.model not in models:
        more = ", ..." if len(models) > MAX_LISTED_MODELS else ""
        named = ", ".join(models[:MAX_LISTED_MODELS])
        return f"{way.field}.model: {way.remote.model!r} is not there ({told}); choose one of {named}{more}"
    if status in (400, 404):
        return f"{way.field}: {told}; correct model {way.remote.model!r}, or the address"
    if status == 200:
        return f"{way.field}.url: {told}; give the address of an API that speaks OpenAI's chat completions"
    return f"{way.field}.url: {told}; start the server, or correct the address"


def pin_taker(
    taker: api.ResolvedTaker | api.RemoteTaker, contents: Mapping[str, Digest]
) -> PinnedTaker | PinnedRemoteTaker:
    """A taker by what its folders hold, or by who is asked for what."""
    if isinstance(taker, api.RemoteTaker):
        return PinnedRemoteTaker(taker.name, taker.endpoint.url, taker.endpoint.model)
    return PinnedTaker(taker.name, contents[taker.model], contents[taker.adapter] if taker.adapter else None)


def judge_name(resolved: api.ResolvedSpec) -> str:
    """What the judge is called."""
    judge = resolved.judge
    return judge.endpoint.model if isinstance(judge, api.ResolvedJudge) else parts.find_judge(resolved).part.name
