"""OpenAI's completions and chat completions as they go over the wire: a request as JSON, and what an answer says.

Whatever a server sends is read with suspicion: what is no completion is said to be none, on one line.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from swarm_core.ports import Completion, InferenceError, Request, RequestFailure, TokenLogprob
from swarm_trainer.inference import choices
from swarm_trainer.inference.chat_messages import build_messages
from swarm_trainer.inference.endpoint import EndpointAddress
from swarm_trainer.inference.http_session import HttpResponse

RETRYABLE_STATUSES = frozenset({408, 429, 502, 503, 504})
"""Answers after which the same request may succeed."""
SERVER_ERROR_STATUS = 500
"""The server broke, perhaps on this request."""
FATAL_STATUSES = frozenset({401, 403, 404})
"""Answers that every request of the model would get."""
QUOTA_ERROR_CODE = "insufficient_quota"
"""How a 429 says that waiting will not help."""
MESSAGE_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A request that got no answer through no fault of its own."""

    message: str
    fatal: bool = False
    """Whether no other request of the model can do better."""
    retry_after: float | None = None
    """Seconds after which it may be sent again; None: it need not be."""
    server_error: bool = False
    """Whether the server broke on it."""
    status: int = 0
    """What the server answered with; 0: it did not answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and what it took on the other side."""

    completion: Completion
    prompt_tokens: int = 0


RequestOutcome = Completion | RequestFailure | Unavailable


@dataclass(frozen=True, slots=True)
class ApiFormat:
    """One of the ways to ask."""

    path: str
    text: Callable[[dict[str, Any]], str]
    """The text of a choice. Raises KeyError or TypeError for what is none."""
    logprobs: Callable[[dict[str, Any], int], tuple[TokenLogprob, ...]]
    """The tokens of a choice with so many of the likeliest beside each. Raises KeyError, TypeError or ValueError for
    a choice without them."""


@dataclass(frozen=True, slots=True)
class ExpectedAnswer:
    """What an answer must hold beside one text, by what was asked."""

    n: int = 1
    logprobs: int | None = None

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "ExpectedAnswer":
        """Reads a body of either format: chats say in a second field how many tokens they want."""
        logprobs = body.get("logprobs")
        return cls(body["n"], body["top_logprobs"] if logprobs is True else logprobs)


def chat_text(choice: dict[str, Any]) -> str:
    """The text of a chat turn; one without content is empty."""
    content = choice["message"]["content"]
    if not isinstance(content, str | None):
        raise TypeError(content)
    return content or ""


def completion_logprobs(choice: dict[str, Any], count: int) -> tuple[TokenLogprob, ...]:
    """The tokens of a completion: parallel lists, and the likeliest tokens of each place as an object.

    The object may hold the generated token as one more than were asked for.
    """
    found = choice["logprobs"]
    tops = found.get("top_logprobs") or [{}] * len(found["tokens"])
    return tuple(
        TokenLogprob(str(token), read_logprob(value), likeliest((top or {}).items(), count))
        for token, value, top in zip(found["tokens"], found["token_logprobs"], tops, strict=True)
    )


def chat_logprobs(choice: dict[str, Any], count: int) -> tuple[TokenLogprob, ...]:
    """The tokens of a chat turn: one object each, with the likeliest tokens of its place as objects."""
    return tuple(
        TokenLogprob(
            str(found["token"]),
            read_logprob(found["logprob"]),
            likeliest([(top["token"], top["logprob"]) for top in found.get("top_logprobs") or ()], count),
        )
        for found in choice["logprobs"]["content"]
    )


def likeliest(pairs: Iterable[tuple[Any, Any]], count: int) -> tuple[tuple[str, float], ...]:
    """The `count` likeliest of (token, log-probability), likeliest first. Raises ValueError if there is none."""
    found = [(str(token), read_logprob(value)) for token, value in pairs]
    if count and not found:
        raise ValueError("no likeliest tokens")
    return tuple(sorted(found, key=lambda pair: -pair[1])[:count])


def read_logprob(value: Any) -> float:
    """A log-probability. Raises TypeError or ValueError for what is none."""
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(f"{value}: no log-probability that JSON can hold")
    return found


COMPLETIONS = ApiFormat("/v1/completions", lambda choice: str(choice["text"]), completion_logprobs)
CHAT = ApiFormat("/chat/completions", chat_text, chat_logprobs)


def completion_body(request: Request, ids: list[int], ends: frozenset[int]) -> dict[str, object]:
    """The request as the server reads it: nothing is left to a server's defaults."""
    return {
        "model": request.model,
        "prompt": ids,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed % 2**63,
        "stop": list(request.stop),
        "stop_token_ids": sorted(ends),
        "top_p": request.top_p,
        "n": 1,  # `choices` asks for further texts one by one: vLLM would seed them with the seeds of other requests
        **({} if request.logprobs is None else {"logprobs": request.logprobs}),
    }


def chat_body(request: Request, model: str) -> dict[str, object]:
    """The request as a chat. At temperature 0 the seed is without effect, so that it is always the same."""
    return {
        "model": model,
        "messages": build_messages(request),
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed % 2**31 if request.temperature > 0 else 0,
        **({"stop": list(request.stop)} if request.stop else {}),
        "top_p": request.top_p,
        "n": choices.count_generated(request),
        **({} if request.logprobs is None else {"logprobs": True, "top_logprobs": request.logprobs}),
    }


def parse_response(
    endpoint: EndpointAddress,
    api_format: ApiFormat,
    response: HttpResponse,
    expected: ExpectedAnswer = ExpectedAnswer(),
) -> Reply | RequestFailure | Unavailable:
    """What an answer means."""
    status, data = response.status, response.data
    if status == 200:
        return parse_completion(endpoint, api_format, data, expected)
    words = f"{endpoint.url} answered {status}: {parse_error_message(data)}"
    if status in FATAL_STATUSES or (status == 429 and QUOTA_ERROR_CODE in data.decode(errors="replace")):
        return Unavailable(words, fatal=True, status=status)
    if status == SERVER_ERROR_STATUS:
        return Unavailable(words, retry_after=0.0, server_error=True, status=status)
    if status in RETRYABLE_STATUSES:
        return Unavailable(words, retry_after=parse_retry_after(response.retry_after), status=status)
    return RequestFailure(words)


def parse_completion(
    endpoint: EndpointAddress, api_format: ApiFormat, data: bytes, expected: ExpectedAnswer
) -> Reply | RequestFailure | Unavailable:
    """What a 200 says: Unavailable if it is not a completion whose tokens are counted, RequestFailure if it lacks
    something that was asked for.
    """
    try:
        answer = json.loads(data)
        found, usage = answer["choices"], answer["usage"]
        first = found[0]  # by the order of the list: a server may leave out the numbers
        tokens, prompt = int(usage["completion_tokens"]), int(usage.get("prompt_tokens") or 0)
        texts = [(api_format.text(choice), choice["finish_reason"]) for choice in found[: expected.n]]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return Unavailable(
            f"{endpoint.url} answered with what is no completion: {one_line(data)}", fatal=True, status=200
        )
    for _, reason in texts:
        if reason not in ("stop", "length"):
            return RequestFailure(f"the server gave up: finish_reason {reason!r}")
    if len(texts) < expected.n:
        return RequestFailure(
            f"{endpoint.url} answered with {len(texts)} of the {expected.n} texts asked for (n); send one request per"
            " text, or use a server that honors n"
        )
    logprobs = parse_logprobs(endpoint, api_format, first, expected.logprobs)
    if isinstance(logprobs, RequestFailure):
        return logprobs
    finished = all(reason == "stop" for _, reason in texts)
    (text, _), *others = texts
    return Reply(Completion(text, tokens, finished, tuple(other for other, _ in others), logprobs), prompt)


def parse_logprobs(
    endpoint: EndpointAddress, api_format: ApiFormat, choice: dict[str, Any], count: int | None
) -> tuple[TokenLogprob, ...] | RequestFailure | None:
    """The log-probabilities of a choice, with `count` of the likeliest tokens each; None if none were asked for."""
    if count is None:
        return None
    try:
        found = api_format.logprobs(choice, count)
        if not found and api_format.text(choice):
            raise ValueError("a text without tokens")
        return found
    except (ValueError, KeyError, TypeError, AttributeError):
        return RequestFailure(
            f"{endpoint.url} answered without the log-probabilities asked for (logprobs); leave logprobs out, or use a"
            " server that returns them"
        )


def resolve_outcomes(
    requests: Sequence[Request], outcomes: Sequence[RequestOutcome]
) -> list[Completion | RequestFailure]:
    """The outcomes as results. Raises InferenceError if a model answered nothing."""
    answered = {r.model for r, outcome in zip(requests, outcomes, strict=True) if not isinstance(outcome, Unavailable)}
    results: list[Completion | RequestFailure] = []
    for request, outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, Unavailable):
            if outcome.fatal or request.model not in answered:
                raise InferenceError(f"model {request.model}: {outcome.message}")
            results.append(RequestFailure(outcome.message))
        else:
            results.append(outcome)
    return results


def auth_headers(endpoint: EndpointAddress) -> dict[str, str]:
    return {} if endpoint.key is None else {"Authorization": f"Bearer {endpoint.key}"}


def parse_retry_after(value: str | None) -> float:
    """Seconds that a server asks to be left alone for, given as such or as a date; 0 for what is neither."""
    try:
        seconds = float(value or 0.0)
    except ValueError:
        return seconds_until(value or "")
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0


def seconds_until(date: str) -> float:
    """Seconds until an HTTP date; 0 for one that is past, or none."""
    try:
        return max((parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0


def parse_models(data: bytes) -> tuple[str, ...]:
    """The names in a list of models; none for what is no such list."""
    try:
        return tuple(one_line(str(one["id"]).encode()) for one in json.loads(data)["data"])
    except (ValueError, KeyError, TypeError):
        return ()


def parse_error_message(data: bytes) -> str:
    """The message of an error answer."""
    try:
        answer = json.loads(data)
        message = answer.get("error", answer)
        return one_line(str(message.get("message", message) if isinstance(message, dict) else message).encode())
    except (ValueError, AttributeError):
        return one_line(data)


def one_line(data: bytes) -> str:
    """Text from elsewhere with its white space closed up, and cut."""
    return " ".join(data.decode(errors="replace").split())[:MESSAGE_CHARACTERS] or "nothing"
