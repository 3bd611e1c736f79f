"""Models behind remote chat endpoints: many requests at once, within each endpoint's limits, and no request sent twice.

The run's store keeps every answer, and a request with a stored answer is not sent (`completion_cache`). Equal requests
at the same time share one call. Every model has its own concurrency, rate limits and deadline; all models share the
run's budget.

A request that its server refuses is compared with a control request (`_send_or_compare`). So what one request meets is
never taken for what all would meet, and the other way round.

Many threads may call, one per lane. Everything here runs on one event loop.

Limits: answers are text as the server returns it, and tokens are counted as the server counts them.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TypeGuard

from swarm_core.errors import BadInputError
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.ports import ArtifactStore, Completion, Request, RequestFailure
from swarm_core.recipe import ModelName
from swarm_core.usage import Usage
from swarm_trainer.inference import choices, completion_cache, openai_protocol, provider_failures, reply_parser
from swarm_trainer.inference.endpoint import RemoteModel
from swarm_trainer.inference.endpoint_budget import EndpointBudget
from swarm_trainer.inference.http_session import HttpSession, NoResponseError
from swarm_trainer.inference.provider_failures import FailureClass, Unavailable
from swarm_trainer.inference.rate_limiter import RateLimiter
from swarm_trainer.inference.reply_parser import Reply, RequestOutcome
from swarm_trainer.inference.request_checks import find_field_error
from swarm_trainer.inference.retrying_client import ClientSettings, EventLoopThread, RetryingClient, backoff_seconds
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
MAX_OWN_FAULTS = 20
"""Attempts of a request on which the server fails, over about two minutes, before it is compared with a control."""
COMPARISONS = 3
"""Times that a request is refused before that counts. A gateway that is being replaced may refuse everything for some
seconds, and a firewall now and then one request."""
FIRST_DOUBLINGS = 3
"""The pause before the second comparison is that of the fourth attempt, about 2 s."""
OTHER_MAX_TOKENS = "max_completion_tokens"
MAX_REFUSED_SHARE = 0.5
"""The share of a call's requests to one model that its server may refuse. More of them are an outage."""
MIN_REFUSALS = 5
"""Fewer refusals are never an outage."""


@dataclass(slots=True)
class ModelChannel:
    """One remote model with its limits and its running requests."""

    remote_model: RemoteModel
    semaphore: asyncio.Semaphore
    rate_limiter: RateLimiter
    in_flight: dict[str, asyncio.Task[RequestOutcome]] = field(default_factory=dict)
    """The running requests, by the store key of their answers."""
    takes_schemas: bool = True
    """Whether the server may accept a schema for the reply."""
    schemas_checked: bool = False
    """Whether a control request with a schema was answered or refused."""
    schema_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    max_tokens_field: str = openai_protocol.MAX_TOKENS
    """The field of the maximum length, as the spec says or as the endpoint's refusals taught."""
    stopped: Unavailable | None = None
    """The failure of the account, after which no request is sent until the next call."""
    control: RequestOutcome | None = None
    """The outcome of the last control request."""
    controls_sent: int = 0
    control_lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ChatEndpoints:
    """The models at remote endpoints."""

    def __init__(
        self,
        models: Iterable[RemoteModel],
        store: ArtifactStore,
        budget: EndpointBudget,
        meter: Meter,
        new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    ) -> None:
        """Of several models with one name, the first counts. All pauses and deadlines follow the clock of the loop."""
        self._store, self._budget, self._meter = store, budget, meter
        self._loop_thread = EventLoopThread(new_loop)
        self._channels: dict[ModelName, ModelChannel] = {}
        for one in models:
            rate_limiter = RateLimiter(one.requests_per_minute, one.tokens_per_minute)
            channel = ModelChannel(one, asyncio.Semaphore(one.concurrency), rate_limiter)
            channel.max_tokens_field = one.max_tokens_field or openai_protocol.MAX_TOKENS
            self._channels.setdefault(one.name, channel)

    def has_model(self, model: ModelName) -> bool:
        return model in self._channels

    def submit(self, requests: Sequence[Request]) -> Future[list[RequestOutcome]]:
        """Start every request; the outcomes come in order. The future raises BadInputError when the budget is used up
        or a model refuses too many requests, and StoreError and CorruptError as `completion_cache` does.
        """

        async def complete_all(session: HttpSession) -> list[RequestOutcome]:
            for model in {request.model for request in requests}:
                self._channels[model].stopped = None
            with self._meter.time_requests():
                calls = [self._complete(session, one) for one in requests]
                found = await asyncio.gather(*calls, return_exceptions=True)
            # Paid answers are stored even if another request fails, so nothing is raised before all are done.
            outcomes = [raise_exception(outcome) for outcome in found]
            check_refusals(requests, outcomes)
            return outcomes

        return self._loop_thread.submit(complete_all)

    def probe(self, model: ModelName) -> RequestOutcome:
        """The outcome of a tiny request, after at most PROBE_ATTEMPTS attempts. Raises BadInputError when the budget is
        used up.
        """
        channel = self._channels[model]
        body = openai_protocol.chat_body(PROBE_REQUEST, channel.remote_model)
        retries = iter(range(PROBE_ATTEMPTS - 1))
        short = replace(
            channel,
            remote_model=replace(channel.remote_model, deadline=min(channel.remote_model.deadline, PROBE_SECONDS)),
        )

        async def send_probe(session: HttpSession) -> RequestOutcome:
            outcome = await self._send(session, short, body, lambda: next(retries, None) is not None)
            channel.max_tokens_field = short.max_tokens_field
            return outcome

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
            return reply_parser.parse_models(answer.data) if answer.status == 200 else ()

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
            return RequestFailure(field_error, UnscoredReason.REFUSED)
        channel = self._channels[request.model]
        if request.reply_schema is not None:
            return await self._complete_structured(session, channel, request)
        return await self._complete_once(session, channel, request)

    async def _complete_once(self, session: HttpSession, channel: ModelChannel, request: Request) -> RequestOutcome:
        """The stored answer, the answer that another caller waits for, or the answer to a request sent now."""
        body = openai_protocol.chat_body(request, channel.remote_model)
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
        if not isinstance(outcome, Completion) or not channel.takes_schemas:
            return outcome
        await self._check_schemas(session, channel, request.reply_schema)
        again = await self._complete_once(session, channel, request) if channel.takes_schemas else outcome
        return again if isinstance(again, Completion) else outcome

    async def _check_schemas(self, session: HttpSession, channel: ModelChannel, schema: str | None) -> None:
        """Find out by a control request whether the server refuses schemas, or refused one request for other reasons.

        What one request meets must not change the form of later requests: it depends on their order.
        """
        async with channel.schema_lock:
            if channel.schemas_checked:
                return
            body = openai_protocol.chat_body(replace(PROBE_REQUEST, reply_schema=schema), channel.remote_model)
            control = await self._send_or_compare(session, channel, body)
            channel.takes_schemas = not isinstance(control, RequestFailure)
            channel.schemas_checked = not isinstance(control, Unavailable)

    async def _load_or_send(
        self, session: HttpSession, channel: ModelChannel, key: str, body: dict[str, object]
    ) -> RequestOutcome:
        """The stored answer, or the answer to a request sent now."""
        async with channel.semaphore:
            kept = await asyncio.to_thread(completion_cache.load, self._store, key)
            if kept is not None:
                self._meter.add(Usage(cached=1))
                return kept
            if channel.stopped is not None:
                return channel.stopped
            found = await self._send_or_compare(session, channel, body)
            if isinstance(found, Completion):
                return await asyncio.to_thread(completion_cache.save, self._store, key, body, found)
            if isinstance(found, Unavailable) and found.cause is FailureClass.ACCOUNT:
                channel.stopped = found
            return found

    async def _send_or_compare(
        self, session: HttpSession, channel: ModelChannel, body: dict[str, object]
    ) -> RequestOutcome:
        """The answer to a request sent now. A request that fails is compared with a control request.

        If the endpoint answers the control request and refuses this one, COMPARISONS times, this request alone is at
        fault. If it refuses both, as often, all requests of the model are at fault, and the user must act.
        """
        found = await self._send(session, channel, body)
        for turn in range(1, COMPARISONS + 1):
            if not needs_comparison(found):
                break
            control = await self._send_control(session, channel)
            if not isinstance(control, Unavailable):
                if turn >= count_comparisons(found):
                    return build_failure(found, channel.remote_model.url)
            elif control.cause is FailureClass.REFUSAL and turn < COMPARISONS:
                await asyncio.sleep(backoff_seconds(turn + FIRST_DOUBLINGS))
            else:
                refused = control.cause in (FailureClass.REFUSAL, FailureClass.ACCOUNT)
                return replace(found, cause=FailureClass.ACCOUNT if refused else FailureClass.PASSING)
            found = await self._send(session, channel, body)
        return found

    async def _send_control(self, session: HttpSession, channel: ModelChannel) -> RequestOutcome:
        """The answer to a control request that is sent after this call. Calls at the same time share one."""
        sent_before = channel.controls_sent
        async with channel.control_lock:
            if channel.control is None or channel.controls_sent == sent_before:
                channel.controls_sent += 1
                body = openai_protocol.chat_body(PROBE_REQUEST, channel.remote_model)
                channel.control = await self._send(session, channel, body)
            return channel.control

    async def _send(
        self,
        session: HttpSession,
        channel: ModelChannel,
        body: dict[str, object],
        may_retry: Callable[[], bool] = lambda: True,
    ) -> RequestOutcome:
        """The answer to a request sent now, with the maximum length in the field that the endpoint wants."""
        found = await self._send_request(session, channel, body, may_retry)
        if wants_other_field(found) and channel.max_tokens_field == openai_protocol.MAX_TOKENS:
            if channel.remote_model.max_tokens_field is None:
                channel.max_tokens_field = OTHER_MAX_TOKENS
        elif not wants_other_field(found):
            return found
        return await self._send_request(session, channel, body, may_retry)

    async def _send_request(
        self,
        session: HttpSession,
        channel: ModelChannel,
        body: dict[str, object],
        may_retry: Callable[[], bool],
    ) -> RequestOutcome:
        """The answer to a request sent now. It is sent again as long as `may_retry` returns True."""
        await asyncio.to_thread(self._budget.claim_call)
        estimate = estimate_tokens(body)
        await channel.rate_limiter.acquire(estimate)
        client = RetryingClient(
            session,
            channel.remote_model,
            ClientSettings(
                deadline=channel.remote_model.deadline,
                timeout=channel.remote_model.timeout,
                max_own_faults=MAX_OWN_FAULTS,
            ),
            may_retry,
            api_format=openai_protocol.CHAT,
            rate_limiter=channel.rate_limiter,
            meter=self._meter,
        )
        found = await client.send(openai_protocol.rename_max_tokens(body, channel.max_tokens_field))
        used = found.prompt_tokens + found.completion.tokens if isinstance(found, Reply) else 0
        channel.rate_limiter.correct(estimate, used)
        self._budget.add_tokens(used)
        return found.completion if isinstance(found, Reply) else found


def needs_comparison(found: RequestOutcome) -> TypeGuard[Unavailable]:
    """Whether a request failed in a way that may be due to itself or to its server."""
    if not isinstance(found, Unavailable):
        return False
    return found.cause is FailureClass.REFUSAL or found.may_be_own_fault or found.is_slow


def count_comparisons(found: Unavailable) -> int:
    """How often a request fails beside an answered control before it alone is at fault. Long failures count more."""
    if found.may_be_own_fault:
        return 1
    return 2 if found.is_slow else COMPARISONS


def build_failure(found: Unavailable, url: str) -> RequestFailure:
    """The failure of a request that fails alone. Its words are the same in every run."""
    if found.is_slow:
        return RequestFailure(
            f"{url}: no answer before the deadline, though others get one; raise timeoutSeconds if this takes longer",
            UnscoredReason.REFUSED,
        )
    unreadable = found.cause is FailureClass.MALFORMED
    return RequestFailure(found.message, UnscoredReason.UNREADABLE if unreadable else UnscoredReason.REFUSED)


def wants_other_field(found: RequestOutcome) -> bool:
    """Whether an endpoint refused the field of the maximum length, and names the one that it wants."""
    return isinstance(found, Unavailable) and found.cause is FailureClass.REFUSAL and OTHER_MAX_TOKENS in found.message


def check_refusals(requests: Sequence[Request], outcomes: Sequence[RequestOutcome]) -> None:
    """Check that no model's server refuses so many requests that the measurement would be of its moderation.

    Raises BadInputError.
    """
    totals = Counter(request.model for request in requests)
    refusals: dict[ModelName, list[str]] = {}
    for request, outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, RequestFailure) and outcome.reason is UnscoredReason.REFUSED:
            refusals.setdefault(request.model, []).append(outcome.message)
    for model, messages in refusals.items():
        if len(messages) >= MIN_REFUSALS and len(messages) > MAX_REFUSED_SHARE * totals[model]:
            raise BadInputError(
                f"{len(messages)} of {totals[model]} requests were refused by the endpoint's"
                f" {provider_failures.describe_refusal(messages[0])}, which is more than {MAX_REFUSED_SHARE:.0%}:"
                f" {messages[0]}; nothing was stored for this measurement. Ask another model, or lift the moderation,"
                " and run again"
            )


def estimate_tokens(body: dict[str, object]) -> int:
    """A rough upper estimate of the tokens that a request takes, prompt included."""
    longest, texts = body[openai_protocol.MAX_TOKENS], body["n"]
    assert isinstance(longest, int)
    assert isinstance(texts, int)
    return longest * texts + len(str(body["messages"]).encode()) // BYTES_PER_TOKEN


def raise_exception(outcome: RequestOutcome | BaseException) -> RequestOutcome:
    """The outcome itself. Raises it if it is an exception."""
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
