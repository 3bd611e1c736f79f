"""Models that somebody else serves, asked in chat turns: many at once, within their limits, and never twice the same.

An answer that the run's store holds is not asked for again (`completion_cache`); two who ask the same at one time share
one request. Every model has its own number of requests under channel, its pace and its deadline; all share the run's budget.

Used from many threads, one per lane; everything here runs on one loop.

Limits: texts go out as one user turn and come back as the server writes them; its tokens are counted as it counts them.
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
"""For the estimate of a prompt's tokens: a little high for English, which errs to the slow side."""

PROBE_REQUEST = Request(ModelName(""), "Say: ok", max_tokens=8, temperature=0.0, seed=0, chat=True)
PROBE_ATTEMPTS = 3
"""How often an endpoint is tried before it is said not to answer."""
PROBE_SECONDS = 120.0
"""Until an endpoint answers for the first time: some load a model for it."""
LIST_SECONDS = 10.0


@dataclass(slots=True)
class ModelChannel:
    """How one model is asked, and what is under channel."""

    remote_model: RemoteModel
    semaphore: asyncio.Semaphore
    rate_limiter: RateLimiter
    in_flight: dict[str, asyncio.Task[RequestOutcome]] = field(default_factory=dict)
    """Requests under channel, by where their answers will stand."""


class ChatEndpoints:
    """The models of other people's endpoints."""

    def __init__(
        self, models: Iterable[RemoteModel], store: ArtifactStore, budget: EndpointBudget, meter: Meter
    ) -> None:
        """Of several contacts with one name the first counts."""
        self._store, self._budget, self._meter = store, budget, meter
        self._loop_thread = EventLoopThread()
        self._channels: dict[ModelName, ModelChannel] = {}
        for one in models:
            rate_limiter = RateLimiter(one.requests_per_minute, one.tokens_per_minute)
            self._channels.setdefault(one.name, ModelChannel(one, asyncio.Semaphore(one.concurrency), rate_limiter))

    def has_model(self, model: ModelName) -> bool:
        return model in self._channels

    def submit(self, requests: Sequence[Request]) -> Future[list[RequestOutcome]]:
        """Every request begun; the outcomes, in order. Its result raises BadInputError when the budget is used up."""

        async def complete_all(session: HttpSession) -> list[RequestOutcome]:
            with self._meter.time_requests():
                found = await asyncio.gather(
                    *(self._complete(session, one) for one in requests), return_exceptions=True
                )
            # What was paid for is kept, whatever became of the others: nothing is raised before all are done.
            return [raise_exception(outcome) for outcome in found]

        return self._loop_thread.submit(complete_all)

    def probe(self, model: ModelName) -> RequestOutcome:
        """What the model makes of a tiny request, asked a few times at most. Raises BadInputError as `submit` does."""
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
        """The models that the endpoint of `model` says it has; none where it does not say."""
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
        """Tell the store what was spent. Raises StoreError."""
        self._budget.flush()

    def close(self) -> None:
        """End connections. Safe to call twice."""
        self._loop_thread.close()

    async def _complete(self, session: HttpSession, request: Request) -> RequestOutcome:
        field_error = find_field_error(request)
        if field_error is not None:
            return RequestFailure(field_error)
        channel = self._channels[request.model]
        body = openai_protocol.chat_body(request, channel.remote_model.model)
        key = completion_cache.key(channel.remote_model.url, body)
        if key not in channel.in_flight:
            channel.in_flight[key] = asyncio.create_task(self._load_or_send(session, channel, key, body))
            channel.in_flight[key].add_done_callback(lambda _: channel.in_flight.pop(key, None))
        outcome = await channel.in_flight[key]
        return choices.repeat_greedy(request, outcome) if isinstance(outcome, Completion) else outcome

    async def _load_or_send(
        self, session: HttpSession, channel: ModelChannel, key: str, body: dict[str, object]
    ) -> RequestOutcome:
        """The answer that is kept, or one asked for now."""
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
        """The answer of a request that is sent now; again while `may_retry`."""
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
    """Tokens that a request may take, at most and roughly."""
    longest, texts = body["max_tokens"], body["n"]
    assert isinstance(longest, int)
    assert isinstance(texts, int)
    return longest * texts + len(str(body["messages"]).encode()) // BYTES_PER_TOKEN


def raise_exception(outcome: RequestOutcome | BaseException) -> RequestOutcome:
    """The outcome; an exception is raised."""
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
