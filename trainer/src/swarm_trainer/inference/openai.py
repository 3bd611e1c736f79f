"""Inference by servers with OpenAI's completions API: one per base, every adapter under its recipe's name.

Prompts are sent as tokens (`prompt_encoder`), each with its own seed and stops, many at once over kept connections. A
request that fails for a passing reason (429, 503, a broken connection) is sent again, after growing pauses, until its
deadline. If a server of our own has died, it is started once more and gets the requests that it still owes.

`serve` writes the recipes into the store, where `swarm_trainer.vllm_plugin` finds them. It publishes the live set and
unloads names that are two generations old, so memory and disk stay flat over any number of iterations.

One object may serve several lanes: `complete` is safe to call from many threads, `serve` is not.

Limits: texts are as the server decodes them. Every engine has its own sampling: one seed gives another text here than
in the local engine. It gives the same text again only as far as the server is deterministic.
"""

import asyncio
from collections.abc import Mapping, Sequence

from swarm_core.errors import BadInputError, add_code
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.ports import ArtifactStore, Completion, InferenceError, Request, RequestFailure
from swarm_core.recipe import Digest, ModelName, Recipe
from swarm_trainer.inference import adapter_store, choices, openai_protocol, prompt_encoder, retrying_client
from swarm_trainer.inference.endpoint import Endpoint, EndpointProvider
from swarm_trainer.inference.http_session import HttpSession
from swarm_trainer.inference.prompt_encoder import PromptEncoder
from swarm_trainer.inference.provider_failures import FailureClass, Unavailable
from swarm_trainer.inference.reply_parser import RequestOutcome
from swarm_trainer.inference.retrying_client import ClientSettings, EventLoopThread, RetryingClient, SessionTask
from swarm_trainer.meter import Meter

REQUEST_STATUSES = frozenset({400, 413, 422})
"""The statuses with which a server of ours refuses one request."""


class OpenAIInference:
    """The `Inference` port over servers."""

    def __init__(
        self,
        hosts: Mapping[Digest, EndpointProvider],
        store: ArtifactStore,
        settings: ClientSettings | None = None,
        meter: Meter | None = None,
    ) -> None:
        """`hosts` provides the server of each base. `store` must be the store that the servers' plugins read."""
        self._hosts, self._store, self._settings = dict(hosts), store, settings or ClientSettings()
        self._meter = meter or Meter()
        self._live: dict[ModelName, Recipe] = {}
        self._generations: list[dict[ModelName, Digest]] = []
        self._encoders: dict[Digest, PromptEncoder] = {}
        self._published: set[ModelName] = set()
        self._loop_thread = EventLoopThread()

    def serve(self, live: Sequence[Recipe]) -> None:
        """Publish the recipes, start every server that they need, and unload names that are two generations old.

        Raises InferenceError if a base has no server or its server cannot be started; StoreError.
        """
        for base in sorted({recipe.base for recipe in live}):
            if base not in self._hosts:
                raise InferenceError(f"base {base}: there is no server for it; give one in `hosts`")
            self._endpoint(base)
        for recipe in live:
            if recipe.basis and recipe.name not in self._published:
                self._store.publish(adapter_store.recipe_key(recipe.name), recipe.to_bytes())
                self._published.add(recipe.name)
        self._live = {recipe.name: recipe for recipe in live}
        self._rotate_live({name: recipe.base for name, recipe in self._live.items() if recipe.basis})

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        """One result per request, in order. Raises InferenceError for a model that is not served, and for a model if
        none of its requests could be answered.
        """
        for request in requests:
            if request.model not in self._live:
                raise InferenceError(
                    f"model {request.model}: this model is not served; call serve() with its recipe first"
                )
        single = choices.expand(requests)
        outcomes: list[RequestOutcome] = [Unavailable("not asked")] * len(single)
        by_base: dict[Digest, list[int]] = {}
        for index, request in enumerate(single):
            by_base.setdefault(self._live[request.model].base, []).append(index)
        for base, indices in by_base.items():
            for index, outcome in zip(indices, self._send_requests(base, [single[i] for i in indices]), strict=True):
                outcomes[index] = outcome
        return choices.join(requests, resolve_outcomes(single, outcomes))

    def close(self) -> None:
        """End the servers that this object started. Safe to call twice. Afterwards nothing is served until `serve` is
        called.
        """
        self._live, self._generations, self._published = {}, [], set()
        self._loop_thread.close()
        for host in self._hosts.values():
            host.stop()

    def _endpoint(self, base: Digest) -> Endpoint:
        found = self._hosts[base].endpoint()
        if base not in self._encoders:
            try:
                self._encoders[base] = PromptEncoder(found.tokenizer)
            except BadInputError as error:
                raise InferenceError(str(error)) from error
        return found

    def _rotate_live(self, live: dict[ModelName, Digest]) -> None:
        """Make `live` the newest generation, and unload the names that are in neither of the newest two."""
        if self._generations and self._generations[0].keys() == live.keys():
            return
        adapter_store.publish_live(self._store, live.keys())
        kept = [live, *self._generations[:1]]
        for name, base in {name: base for one in self._generations for name, base in one.items()}.items():
            if not any(name in one for one in kept) and self._hosts[base].is_alive():
                self._loop_thread.run(retrying_client.unload_adapter(self._hosts[base].endpoint(), name))
        self._generations = kept

    def _send_requests(self, base: Digest, requests: Sequence[Request]) -> list[RequestOutcome]:
        """Send requests to the server of a base. If the server died meanwhile and it or another lane started it again,
        send the unanswered requests once more.
        """
        try:
            ids = self._encoders[base].encode(requests)
        except BadInputError as error:
            raise InferenceError(str(error)) from error
        host = self._hosts[base]
        refusals = [
            prompt_encoder.rejection_reason(r, i, self._settings.max_model_len)
            for r, i in zip(requests, ids, strict=True)
        ]
        outcomes: list[RequestOutcome] = [
            Unavailable("not asked") if words is None else RequestFailure(words, UnscoredReason.REFUSED)
            for words in refusals
        ]
        for _ in range(2):
            pending = [index for index, outcome in enumerate(outcomes) if isinstance(outcome, Unavailable)]
            if not pending:
                break
            endpoint, encoder = self._endpoint(base), self._encoders[base]
            bodies = [
                openai_protocol.completion_body(
                    requests[index], ids[index], encoder.end_tokens, bool(encoder.special.tags)
                )
                for index in pending
            ]
            with self._meter.time_requests():
                found = self._loop_thread.run(self._send_all(endpoint, bodies, host))
            for index, outcome in zip(pending, found, strict=True):
                outcomes[index] = (
                    encoder.separate(requests[index], ids[index], outcome)
                    if isinstance(outcome, Completion)
                    else outcome
                )
            if host.is_alive(endpoint):
                break
        return outcomes

    def _send_all(
        self, endpoint: Endpoint, bodies: Sequence[dict[str, object]], host: EndpointProvider
    ) -> SessionTask[list[RequestOutcome]]:
        """A task that sends every body, `concurrency` of them at a time."""

        async def send(session: HttpSession) -> list[RequestOutcome]:
            semaphore = asyncio.Semaphore(self._settings.concurrency)
            client = RetryingClient(
                session, endpoint, self._settings, lambda: host.is_alive(endpoint), meter=self._meter
            )

            async def send_one(body: dict[str, object]) -> RequestOutcome:
                async with semaphore:
                    return await client.complete(body)

            return await asyncio.gather(*map(send_one, bodies))

        return send


def resolve_outcomes(
    requests: Sequence[Request], outcomes: Sequence[RequestOutcome]
) -> list[Completion | RequestFailure]:
    """The results of the outcomes. Raises InferenceError for an outage.

    A request on which its server fails each time is refused if the server answered another request of the model.
    """
    answered = {r.model for r, outcome in zip(requests, outcomes, strict=True) if not isinstance(outcome, Unavailable)}
    results: list[Completion | RequestFailure] = []
    for request, outcome in zip(requests, outcomes, strict=True):
        if not isinstance(outcome, Unavailable):
            results.append(outcome)
        elif outcome.status in REQUEST_STATUSES or (outcome.may_be_own_fault and request.model in answered):
            unreadable = outcome.cause is FailureClass.MALFORMED
            reason = UnscoredReason.UNREADABLE if unreadable else UnscoredReason.REFUSED
            results.append(RequestFailure(outcome.message, reason))
        else:
            raise add_code(InferenceError(f"model {request.model}: {outcome.description}"), outcome.code)
    return results
