"""The endpoints of a run: found, keyed, and tried before anything is trained.

Keys are read here, from the environment or a file, and go nowhere but into the header of a request.
"""

import os
from collections.abc import Mapping

from swarm_core.api import endpoints
from swarm_core.api import resolved as api
from swarm_core.errors import BadInputError
from swarm_core.experiment import RemoteTaker, Taker
from swarm_core.ports import Completion, Failure
from swarm_core.recipe import Digest
from swarm_trainer.inference.chat import Chat
from swarm_trainer.inference.endpoint import Contact
from swarm_trainer.inference.purse import Purse
from swarm_trainer.inference.wire import Down
from swarm_trainer.verbs import places
from swarm_trainer.verbs.context import Context, Progress

SHOWN_MODELS = 5


def chat(context: Context) -> Chat:
    """The client of the run's endpoints, one for all lanes. Raises BadInputError for a key that cannot be had."""
    if context.chat is None:
        contacts = [contact(way, context) for way in context.resolved.access]
        context.chat = Chat(contacts, context.store, Purse(context.store, context.resolved.budget), context.meter)
    return context.chat


def contact(way: api.Access, context: Context) -> Contact:
    """How to reach an endpoint. Raises BadInputError for a key that cannot be had."""
    return Contact(
        url=way.remote.url,
        model=way.remote.model,
        key=key(way, context),
        concurrency=way.concurrency,
        requests_per_minute=way.requests_per_minute,
        tokens_per_minute=way.tokens_per_minute,
        deadline=way.deadline_seconds,
    )


def key(way: api.Access, context: Context) -> str | None:
    """The key of an endpoint; None for one without. Raises BadInputError, which never shows it."""
    where = source(way)
    if where is None:
        return None
    found = written(way, context) if way.file is not None else os.environ.get(where, "").strip()
    if not found:
        kind = "the file is empty" if way.file is not None else "no such environment variable, or an empty one"
        raise BadInputError(f"{way.field}: {where}: {kind}; put the endpoint's key there")
    if not (found.isascii() and found.isprintable() and " " not in found):
        raise BadInputError(f"{way.field}: {where}: holds something that is no key; put the key there and nothing else")
    return found


def source(way: api.Access) -> str | None:
    """What holds the key: the name of a variable or a file; None where there is no key."""
    if way.secret is not None:
        return endpoints.key_variable(way.owner)
    return way.env or way.file


def written(way: api.Access, context: Context) -> str:
    """The text of a key's file. Raises BadInputError if there is none, or it cannot be read."""
    assert way.file is not None
    path = places.place(way.file, context.base_folder)
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "not text"
        raise BadInputError(f"{way.field}.apiKeyFile: {way.file!r}: {what} ({path}); put the key there") from None


def check(context: Context) -> None:
    """Every endpoint answers, takes its key and has its model. Raises BadInputError naming the first that does not."""
    client = chat(context) if context.resolved.access else None
    for way in context.resolved.access:
        assert client is not None
        context.progress(Progress("prepare", f"asking {way.remote.url}"))
        one = contact(way, context)
        outcome = client.probe(one.name)
        if not isinstance(outcome, Completion):
            raise BadInputError(refusal(way, outcome, client.models(one.name)))


def refusal(way: api.Access, outcome: Failure | Down, models: tuple[str, ...]) -> str:
    """What to tell the user of an endpoint that did not answer as it should; `models` are those it says it has."""
    status = outcome.status if isinstance(outcome, Down) else 400
    told = outcome.message
    if status in (401, 403):
        where = source(way)
        held = f"the key in {where}" if where else "a request without a key"
        return f"{way.field}: {way.remote.url} does not take {held} ({told}); give a key that it takes"
    if models and way.remote.model not in models:
        more = ", ..." if len(models) > SHOWN_MODELS else ""
        named = ", ".join(models[:SHOWN_MODELS])
        return f"{way.field}.model: {way.remote.model!r} is not there ({told}); choose one of {named}{more}"
    if status in (400, 404):
        return f"{way.field}: {told}; correct model {way.remote.model!r}, or the address"
    if status == 200:
        return f"{way.field}.url: {told}; give the address of an API that speaks OpenAI's chat completions"
    return f"{way.field}.url: {told}; start the server, or correct the address"


def pinned(taker: api.ResolvedTaker | api.RemoteTaker, contents: Mapping[str, Digest]) -> Taker | RemoteTaker:
    """A taker by what its folders hold, or by who is asked for what."""
    if isinstance(taker, api.RemoteTaker):
        return RemoteTaker(taker.name, taker.endpoint.url, taker.endpoint.model)
    return Taker(taker.name, contents[taker.model], contents[taker.adapter] if taker.adapter else None)


def judge_name(resolved: api.ResolvedSpec) -> str:
    """What the judge is called."""
    judge = resolved.judge
    return judge.endpoint.model if isinstance(judge, api.ResolvedJudge) else str(judge.name)
