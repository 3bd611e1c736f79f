"""Models that somebody else serves, asked in chat turns: many at once, within their limits, and never twice the same.

An answer that the run's store holds is not asked for again (`completion_cache`); two who ask the same at one time share
one request. Every model has its own number of requests under way, its pace and its deadline; all share the run's purse.

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
    """How one model is asked, and what is under way."""

    remote_model: RemoteModel
    gate: asyncio.Semaphore
    rate_limiter: RateLimiter
    in_flight: dict[str, asyncio.Task[RequestOutcome]] = field(default_factory=dict)
    """Requests under way, by where their answers will stand."""


class ChatEndpoints:
    """The models of other people's endpoints."""

    def __init__(
        self, contacts: Iterable[RemoteModel], store: ArtifactStore, purse: EndpointBudget, meter: Meter
    ) -> None:
        """Of several contacts with one name the first counts."""
        self._store, self._budget, self._meter = store, purse, meter
        self._line = EventLoopThread()
        self._channels: dict[ModelName, ModelChannel] = {}
        for one in contacts:
            pace = RateLimiter(one.requests_per_minute, one.tokens_per_minute)
            self._channels.setdefault(one.name, ModelChannel(one, asyncio.Semaphore(one.concurrency), pace))

    def has_model(self, model: ModelName) -> bool:
        return model in self._channels

    def begin(self, requests: Sequence[Request]) -> Future[list[RequestOutcome]]:
        """Every request begun; the outcomes, in order. Its result raises BadInputError when the budget is used up."""

        async def all_of(connections: HttpSession) -> list[RequestOutcome]:
            with self._meter.time_requests():
                found = await asyncio.gather(*(self._one(connections, one) for one in requests), return_exceptions=True)
            # What was paid for is kept, whatever became of the others: nothing is raised before all are done.
            return [raise_exception(outcome) for outcome in found]

        return self._line.begin(all_of)

    def probe(self, model: ModelName) -> RequestOutcome:
        """What the model makes of a tiny request, asked a few times at most. Raises BadInputError as `begin` does."""
        way = self._channels[model]
        body = openai_protocol.chat_body(PROBE_REQUEST, way.remote_model.model)
        patience = iter(range(PROBE_ATTEMPTS - 1))
        short = replace(
            way, remote_model=replace(way.remote_model, deadline=min(way.remote_model.deadline, PROBE_SECONDS))
        )

        async def asked(connections: HttpSession) -> RequestOutcome:
            return await self._send_request(connections, short, body, lambda: next(patience, None) is not None)

        return self._line.begin(asked).result()

    def models(self, model: ModelName) -> tuple[str, ...]:
        """The models that the endpoint of `model` says it has; none where it does not say."""
        contact = self._channels[model].remote_model

        async def listed(connections: HttpSession) -> tuple[str, ...]:
            try:
                answer = await connections.get(
                    f"{contact.url}/models", openai_protocol.auth_headers(contact), LIST_SECONDS
                )
            except NoResponseError:
                return ()
            return openai_protocol.parse_models(answer.data) if answer.status == 200 else ()

        return self._line.begin(listed).result()

    def settle(self) -> None:
        """Tell the store what was spent. Raises StoreError."""
        self._budget.settle()

    def close(self) -> None:
        """End connections. Safe to call twice."""
        self._line.close()

    async def _one(self, connections: HttpSession, request: Request) -> RequestOutcome:
        field_error = find_field_error(request)
        if field_error is not None:
            return RequestFailure(field_error)
        way = self._channels[request.model]
        body = openai_protocol.chat_body(request, way.remote_model.model)
        key = completion_cache.key(way.remote_model.url, body)
        if key not in way.in_flight:
            way.in_flight[key] = asyncio.create_task(self._answered(connections, way, key, body))
            way.in_flight[key].add_done_callback(lambda _: way.in_flight.pop(key, None))
        outcome = await way.in_flight[key]
        return choices.repeat_greedy(request, outcome) if isinstance(outcome, Completion) else outcome

    async def _answered(
        self, connections: HttpSession, way: ModelChannel, key: str, body: dict[str, object]
    ) -> RequestOutcome:
        """The answer that is kept, or one asked for now."""
        async with way.gate:
            kept = await asyncio.to_thread(completion_cache.load, self._store, key)
            if kept is not None:
                self._meter.add(Usage(cached=1))
                return kept
            found = await self._send_request(connections, way, body)
            if isinstance(found, Completion):
                return await asyncio.to_thread(completion_cache.save, self._store, key, body, found)
            return found

    async def _send_request(
        self,
        connections: HttpSession,
        way: ModelChannel,
        body: dict[str, object],
        patient: Callable[[], bool] = lambda: True,
    ) -> RequestOutcome:
        """The answer of a request that is sent now; again while `patient`."""
        await asyncio.to_thread(self._budget.take)
        estimate = estimate_tokens(body)
        await way.rate_limiter.turn(estimate)
        settings = ClientSettings(deadline=way.remote_model.deadline)
        sender = RetryingClient(
            connections,
            way.remote_model,
            settings,
            patient,
            api_format=openai_protocol.CHAT,
            rate_limiter=way.rate_limiter,
            meter=self._meter,
        )
        found = await sender.reply(body)
        used = found.prompt_tokens + found.completion.tokens if isinstance(found, Reply) else 0
        way.rate_limiter.settle(estimate, used)
        self._budget.spent(used)
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
