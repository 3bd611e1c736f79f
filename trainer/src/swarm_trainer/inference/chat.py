"""Models that somebody else serves, asked in chat turns: many at once, within their limits, and never twice the same.

An answer that the run's store holds is not asked for again (`answers`); two who ask the same at one time share one
request. Every model has its own number of requests under way, its pace and its deadline; all share the run's purse.

Used from many threads, one per lane; everything here runs on one loop.

Limits: texts go out as one user turn and come back as the server writes them; its tokens are counted as it counts them.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from swarm_core.effort import Effort
from swarm_core.ports import ArtifactStore, Completion, Request
from swarm_core.recipe import ModelName
from swarm_trainer.inference import answers, wire
from swarm_trainer.inference.connections import Broken, Connections
from swarm_trainer.inference.endpoint import Contact
from swarm_trainer.inference.pace import Pace
from swarm_trainer.inference.purse import Purse
from swarm_trainer.inference.sending import Line, Sender, Settings
from swarm_trainer.inference.wire import Outcome, Reply
from swarm_trainer.meter import Meter

BYTES_PER_TOKEN = 3
"""For the estimate of a prompt's tokens: a little high for English, which errs to the slow side."""

PROBE = Request(ModelName(""), "Say: ok", max_tokens=8, temperature=0.0, seed=0, chat=True)
PROBES = 3
"""How often an endpoint is tried before it is said not to answer."""
PROBE_SECONDS = 120.0
"""Until an endpoint answers for the first time: some load a model for it."""
LIST_SECONDS = 10.0


@dataclass(slots=True)
class Way:
    """How one model is asked, and what is under way."""

    contact: Contact
    gate: asyncio.Semaphore
    pace: Pace
    flying: dict[str, asyncio.Task[Outcome]] = field(default_factory=dict)
    """Requests under way, by where their answers will stand."""


class Chat:
    """The models of other people's endpoints."""

    def __init__(self, contacts: Iterable[Contact], store: ArtifactStore, purse: Purse, meter: Meter) -> None:
        """Of several contacts with one name the first counts."""
        self._store, self._purse, self._meter = store, purse, meter
        self._line = Line()
        self._ways: dict[ModelName, Way] = {}
        for one in contacts:
            pace = Pace(one.requests_per_minute, one.tokens_per_minute)
            self._ways.setdefault(one.name, Way(one, asyncio.Semaphore(one.concurrency), pace))

    def knows(self, model: ModelName) -> bool:
        return model in self._ways

    def begin(self, requests: Sequence[Request]) -> Future[list[Outcome]]:
        """Every request begun; the outcomes, in order. Its result raises BadInputError when the budget is used up."""

        async def all_of(connections: Connections) -> list[Outcome]:
            with self._meter.asking():
                found = await asyncio.gather(*(self._one(connections, one) for one in requests), return_exceptions=True)
            # What was paid for is kept, whatever became of the others: nothing is raised before all are done.
            return [raised(outcome) for outcome in found]

        return self._line.begin(all_of)

    def probe(self, model: ModelName) -> Outcome:
        """What the model makes of a tiny request, asked a few times at most. Raises BadInputError as `begin` does."""
        way = self._ways[model]
        body = wire.chat_body(PROBE, way.contact.model)
        patience = iter(range(PROBES - 1))
        short = replace(way, contact=replace(way.contact, deadline=min(way.contact.deadline, PROBE_SECONDS)))

        async def asked(connections: Connections) -> Outcome:
            return await self._asked(connections, short, body, lambda: next(patience, None) is not None)

        return self._line.begin(asked).result()

    def models(self, model: ModelName) -> tuple[str, ...]:
        """The models that the endpoint of `model` says it has; none where it does not say."""
        contact = self._ways[model].contact

        async def listed(connections: Connections) -> tuple[str, ...]:
            try:
                answer = await connections.get(f"{contact.url}/models", wire.headers(contact), LIST_SECONDS)
            except Broken:
                return ()
            return wire.models(answer.data) if answer.status == 200 else ()

        return self._line.begin(listed).result()

    def settle(self) -> None:
        """Tell the store what was spent. Raises StoreError."""
        self._purse.settle()

    def close(self) -> None:
        """End connections. Safe to call twice."""
        self._line.close()

    async def _one(self, connections: Connections, request: Request) -> Outcome:
        way = self._ways[request.model]
        body = wire.chat_body(request, way.contact.model)
        key = answers.key(way.contact.url, body)
        if key not in way.flying:
            way.flying[key] = asyncio.create_task(self._answered(connections, way, key, body))
            way.flying[key].add_done_callback(lambda _: way.flying.pop(key, None))
        return await way.flying[key]

    async def _answered(self, connections: Connections, way: Way, key: str, body: dict[str, object]) -> Outcome:
        """The answer that is kept, or one asked for now."""
        async with way.gate:
            kept = await asyncio.to_thread(answers.find, self._store, key)
            if kept is not None:
                self._meter.add(Effort(cached=1))
                return kept
            found = await self._asked(connections, way, body)
            if isinstance(found, Completion):
                return await asyncio.to_thread(answers.keep, self._store, key, body, found)
            return found

    async def _asked(
        self, connections: Connections, way: Way, body: dict[str, object], patient: Callable[[], bool] = lambda: True
    ) -> Outcome:
        """The answer of a request that is sent now; again while `patient`."""
        await asyncio.to_thread(self._purse.take)
        estimate = expected(body)
        await way.pace.turn(estimate)
        settings = Settings(deadline=way.contact.deadline)
        sender = Sender(
            connections, way.contact, settings, patient, dialect=wire.CHAT, pace=way.pace, meter=self._meter
        )
        found = await sender.reply(body)
        used = found.prompt_tokens + found.completion.tokens if isinstance(found, Reply) else 0
        way.pace.settle(estimate, used)
        self._purse.spent(used)
        return found.completion if isinstance(found, Reply) else found


def expected(body: dict[str, object]) -> int:
    """Tokens that a request may take, at most and roughly."""
    longest = body["max_tokens"]
    assert isinstance(longest, int)
    return longest + len(str(body["messages"]).encode()) // BYTES_PER_TOKEN


def raised(outcome: Outcome | BaseException) -> Outcome:
    """The outcome; an exception is raised."""
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
