"""Models behind remote chat endpoints: many requests at once, within each endpoint's limits, and no request sent twice.

The run's store keeps every answer, and a request with a stored answer is not sent (`completion_cache`). Equal requests
at the same time share one call. Every model has its own concurrency, rate limits and deadline; all models share the
run's budget.

Many threads may call, one per lane. Everything here runs on one event loop.

Limits: answers are text as the server returns it, and tokens are counted as the server counts them.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from swarm_core.ports import ArtifactStore, Completion, Request, RequestFailure
from swarm_core.recipe import ModelName
from swarm_core.usage import Usage
from swarm_trainer.inference import choices, completion_cache, openai_protocol
from swarm_trainer.inference.endpoint import RemoteModel
from swarm_trainer.inference.endpoint_budget import EndpointBudget
from swarm_trainer.inference.http_session import HttpSession, NoResponseError
from swarm_trainer.inference.openai_protocol import Reply, RequestOutcome
from swarm_trainer.inference.rate_limiter import RateLimiter
from swarm_trainer.inference.request_checks import find_field_error
from swarm_trainer.inference.retrying_client import ClientSettings, EventLoopThread, RetryingClient
from swarm_trainer.meter import Meter

BYTES_PER_TOKEN = 3
"""For the estimate of a prompt's tokens. It is a little high for English text, so that the rate limiter errs on the
slow side.
"""

PROBE_REQUEST = Request(ModelName(""), "Say: ok", max_tokens=8, temperature=0.0, seed=0, chat=True)
PROBE_ATTEMPTS = 3
"""Number of attempts before an endpoint counts as unreachable."""
PROBE_SECONDS = 120.0
"""Seconds for the first answer of an endpoint. Some servers load the model for it."""
LIST_SECONDS = 10.0


@dataclass(slots=True)
class ModelChannel:
    """One remote model with its limits and its running requests."""

    remote_model: RemoteModel
    semaphore: asyncio.Semaphore
    rate_limiter: RateLimiter
    in_flight: dict[str, asyncio.Task[RequestOutcome]] = field(default_factory=dict)
    """The running requests, by the store key of their answers."""
    takes_schemas: bool = True
    """Whether the server may accept a schema for the reply. It counts as refusing all once it answered a request only
    without its schema."""


class ChatEndpoints:
    """The models at remote endpoints."""

    def __init__(
        self, models: Iterable[RemoteModel], store: ArtifactStore, budget: EndpointBudget, meter: Meter
    ) -> None:
        """Of several models with one name, the first counts."""
        self._store, self._budget, self._meter = store, budget, meter
        self._loop_thread = EventLoopThread()
        self._channels: dict[ModelName, ModelChannel] = {}
        for one in models:
            rate_limiter = RateLimiter(one.requests_per_minute, one.tokens_per_minute)
            self._channels.setdefault(one.name, ModelChannel(one, asyncio.Semaphore(one.concurrency), rate_limiter))

    def has_model(self, model: ModelName) -> bool:
        return model in self._channels

    def submit(self, requests: Sequence[Request]) -> Future[list[RequestOutcome]]:
        """Start every request; the outcomes come in order. The future raises BadInputError when the budget is used up,
        and StoreError and CorruptError as `completion_cache` does.
        """

        async def complete_all(session: HttpSession) -> list[RequestOutcome]:
            with self._meter.time_requests():
                found = await asyncio.gather(
                    *(self._complete(session, one) for one in requests), return_exceptions=True
                )
            # Answers that were paid for are stored even if another request fails, so nothing is raised before all are
            # done.
            return [raise_exception(outcome) for outcome in found]

        return self._loop_thread.submit(complete_all)

    def probe(self, model: ModelName) -> RequestOutcome:
        """The outcome of a tiny request, after at most PROBE_ATTEMPTS attempts. Raises BadInputError when the budget is
        used up.
        """
        channel = self._channels[model]
        body = openai_protocol.chat_body(PROBE_REQUEST, channel.remote_model.model)
        retries = iter(range(PROBE_ATTEMPTS - 1))
        short = replace(
            channel,
            remote_model=replace(channel.remote_model, deadline=min(channel.remote_model.deadline, PROBE_SECONDS)),
        )

        async def send_probe(session: HttpSession) -> RequestOutcome:
            return await self._send_request(session, short, body, lambda: next(retries, None) is not None)

        return self._loop_thread.submit(send_probe).result()

    def list_models(self, model: ModelName) -> tuple[str, ...]:
        """The names of the models that the endpoint of `model` lists; empty if it lists none."""
        remote_model = self._channels[model].remote_model

        async def fetch(session: HttpSession) -> tuple[str, ...]:
            try:
                answer = await session.get(
                    f"{remote_model.url}/models", openai_protocol.auth_headers(remote_model), LIST_SECONDS
                )
            except NoResponseError:
                return ()
            return openai_protocol.parse_models(answer.data) if answer.status == 200 else ()

        return self._loop_thread.submit(fetch).result()

    def flush_budget(self) -> None:
        """Write the spent calls and tokens to the store. Raises StoreError."""
        self._budget.flush()

    def close(self) -> None:
        """Close all connections. Safe to call twice."""
        self._loop_thread.close()

    async def _complete(self, session: HttpSession, request: Request) -> RequestOutcome:
        field_error = find_field_error(request)
        if field_error is not None:
            return RequestFailure(field_error)
        channel = self._channels[request.model]
        if request.reply_schema is not None:
            return await self._complete_structured(session, channel, request)
        return await self._complete_once(session, channel, request)

    async def _complete_once(self, session: HttpSession, channel: ModelChannel, request: Request) -> RequestOutcome:
        """The stored answer, the answer that another caller waits for, or the answer to a request sent now."""
        body = openai_protocol.chat_body(request, channel.remote_model.model)
        key = completion_cache.key(channel.remote_model.url, body)
        if key not in channel.in_flight:
            channel.in_flight[key] = asyncio.create_task(self._load_or_send(session, channel, key, body))
            channel.in_flight[key].add_done_callback(lambda _: channel.in_flight.pop(key, None))
        outcome = await channel.in_flight[key]
        return choices.repeat_greedy(request, outcome) if isinstance(outcome, Completion) else outcome

    async def _complete_structured(
        self, session: HttpSession, channel: ModelChannel, request: Request
    ) -> RequestOutcome:
        """The answer to a request with a schema. If the server refuses it, the request is sent without the schema."""
        if channel.takes_schemas:
            outcome = await self._complete_once(session, channel, request)
            if not isinstance(outcome, RequestFailure):
                return outcome
        outcome = await self._complete_once(session, channel, replace(request, reply_schema=None))
        channel.takes_schemas = channel.takes_schemas and not isinstance(outcome, Completion)
        return outcome

    async def _load_or_send(
        self, session: HttpSession, channel: ModelChannel, key: str, body: dict[str, object]
    ) -> RequestOutcome:
        """The stored answer, or the answer to a request sent now."""
        async with channel.semaphore:
            kept = await asyncio.to_thread(completion_cache.load, self._store, key)
            if kept is not None:
                self._meter.add(Usage(cached=1))
                return kept
            found = await self._send_request(session, channel, body)
            if isinstance(found, Completion):
                return await asyncio.to_thread(completion_cache.save, self._store, key, body, found)
            return found

    async def _send_request(
        self,
        session: HttpSession,
        channel: ModelChannel,
        body: dict[str, object],
        may_retry: Callable[[], bool] = lambda: True,
    ) -> RequestOutcome:
        """The answer to a request sent now. It is sent again as long as `may_retry` returns True."""
        await asyncio.to_thread(self._budget.claim_call)
        estimate = estimate_tokens(body)
        await channel.rate_limiter.acquire(estimate)
        settings = ClientSettings(deadline=channel.remote_model.deadline)
        client = RetryingClient(
            session,
            channel.remote_model,
            settings,
            may_retry,
            api_format=openai_protocol.CHAT,
            rate_limiter=channel.rate_limiter,
            meter=self._meter,
        )
        found = await client.send(body)
        used = found.prompt_tokens + found.completion.tokens if isinstance(found, Reply) else 0
        channel.rate_limiter.correct(estimate, used)
        self._budget.add_tokens(used)
        return found.completion if isinstance(found, Reply) else found


def estimate_tokens(body: dict[str, object]) -> int:
    """A rough upper estimate of the tokens that a request takes, prompt included."""
    longest, texts = body["max_tokens"], body["n"]
    assert isinstance(longest, int)
    assert isinstance(texts, int)
    return longest * texts + len(str(body["messages"]).encode()) // BYTES_PER_TOKEN


def raise_exception(outcome: RequestOutcome | BaseException) -> RequestOutcome:
    """The outcome itself. Raises it if it is an exception."""
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
