"""The JSON of OpenAI's completions and chat completions: request bodies, and the meaning of answers.

Nothing that a server sends is trusted. An answer that is not a completion becomes a failure with a one-line message.
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
"""Statuses after which the same request may succeed."""
SERVER_ERROR_STATUS = 500
"""The server failed, perhaps because of this request."""
FATAL_STATUSES = frozenset({401, 403, 404})
"""Statuses that every request of the model would get."""
QUOTA_ERROR_CODE = "insufficient_quota"
"""The code in a 429 for which waiting does not help."""
MESSAGE_CHARACTERS = 300
RESPONSE_FORMAT = "response_format"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A request without an answer, where the server or the network is the reason."""

    message: str
    fatal: bool = False
    """Whether every other request of the model would fail too."""
    retry_after: float | None = None
    """Seconds after which to send it again; None: do not send it again."""
    server_error: bool = False
    """Whether the server failed while it processed the request."""
    status: int = 0
    """The HTTP status of the answer; 0 if there was no answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A completion and the number of tokens of its prompt."""

    completion: Completion
    prompt_tokens: int = 0


RequestOutcome = Completion | RequestFailure | Unavailable


@dataclass(frozen=True, slots=True)
class ApiFormat:
    """One of the two APIs."""

    path: str
    text: Callable[[dict[str, Any]], str]
    """Reads the text of a choice. Raises KeyError or TypeError if there is none."""
    logprobs: Callable[[dict[str, Any], int], tuple[TokenLogprob, ...]]
    """Reads the tokens of a choice, each with at most so many of the likeliest tokens in its place. Raises KeyError,
    TypeError or ValueError if the choice lacks them.
    """


@dataclass(frozen=True, slots=True)
class ExpectedAnswer:
    """The parts that an answer must have beside one text, as its request says."""

    n: int = 1
    logprobs: int | None = None

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "ExpectedAnswer":
        """Reads a request body of either API. A chat body has the number of likeliest tokens in a field of its own."""
        logprobs = body.get("logprobs")
        return cls(body["n"], body["top_logprobs"] if logprobs is True else logprobs)


def chat_text(choice: dict[str, Any]) -> str:
    """The text of a chat turn; empty if the turn has no content."""
    content = choice["message"]["content"]
    if not isinstance(content, str | None):
        raise TypeError(content)
    return content or ""


def completion_logprobs(choice: dict[str, Any], count: int) -> tuple[TokenLogprob, ...]:
    """The tokens of a completion. The API has parallel lists, and one object per place for the likeliest tokens.

    That object may have one entry more than requested: the generated token.
    """
    found = choice["logprobs"]
    tops = found.get("top_logprobs") or [{}] * len(found["tokens"])
    return tuple(
        TokenLogprob(str(token), read_logprob(value), likeliest((top or {}).items(), count))
        for token, value, top in zip(found["tokens"], found["token_logprobs"], tops, strict=True)
    )


def chat_logprobs(choice: dict[str, Any], count: int) -> tuple[TokenLogprob, ...]:
    """The tokens of a chat turn. The API has one object per token, with a list of the likeliest tokens in its place."""
    return tuple(
        TokenLogprob(
            str(found["token"]),
            read_logprob(found["logprob"]),
            likeliest([(top["token"], top["logprob"]) for top in found.get("top_logprobs") or ()], count),
        )
        for found in choice["logprobs"]["content"]
    )


def likeliest(pairs: Iterable[tuple[Any, Any]], count: int) -> tuple[tuple[str, float], ...]:
    """The `count` likeliest (token, log-probability) pairs, likeliest first. Raises ValueError if there is no pair."""
    found = [(str(token), read_logprob(value)) for token, value in pairs]
    if count and not found:
        raise ValueError("no likeliest tokens")
    return tuple(sorted(found, key=lambda pair: -pair[1])[:count])


def read_logprob(value: Any) -> float:
    """A log-probability in JSON. Raises TypeError or ValueError for anything else."""
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(f"{value}: no log-probability that JSON can hold")
    return found


COMPLETIONS = ApiFormat("/v1/completions", lambda choice: str(choice["text"]), completion_logprobs)
CHAT = ApiFormat("/chat/completions", chat_text, chat_logprobs)


def completion_body(request: Request, ids: list[int], ends: frozenset[int]) -> dict[str, object]:
    """The body of a completion request. It sets every field, so no server's default applies."""
    return {
        "model": request.model,
        "prompt": ids,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed % 2**63,
        "stop": list(request.stop),
        "stop_token_ids": sorted(ends),
        "top_p": request.top_p,
        "n": 1,  # `choices` sends one request per text: vLLM would reuse seeds of other requests.
        **({} if request.logprobs is None else {"logprobs": request.logprobs}),
    }


def chat_body(request: Request, model: str) -> dict[str, object]:
    """The body of a chat request. At temperature 0 the seed has no effect, so it is fixed and equal requests share an
    answer.
    """
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
        **({} if request.reply_schema is None else {RESPONSE_FORMAT: response_format(request.reply_schema)}),
    }


def response_format(schema: str) -> dict[str, object]:
    """The field that asks a server to enforce a JSON schema."""
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": json.loads(schema), "strict": True}}


def parse_response(
    endpoint: EndpointAddress,
    api_format: ApiFormat,
    response: HttpResponse,
    expected: ExpectedAnswer = ExpectedAnswer(),
) -> Reply | RequestFailure | Unavailable:
    """The meaning of an HTTP answer to a request that expects these parts."""
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
    """The meaning of an answer with status 200.

    Unavailable if it is not a completion with token counts. RequestFailure if a part that the request asked for is
    missing, or if the server aborted the text.
    """
    try:
        answer = json.loads(data)
        found, usage = answer["choices"], answer["usage"]
        first = found[0]  # The first in the list: some servers leave out the numbers of the choices.
        tokens, prompt = int(usage["completion_tokens"]), int(usage.get("prompt_tokens") or 0)
        texts = [(api_format.text(choice), choice["finish_reason"]) for choice in found[: expected.n]]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return Unavailable(
            f"{endpoint.url} answered with something that is not a completion: {one_line(data)}", fatal=True, status=200
        )
    for _, reason in texts:
        if reason not in ("stop", "length"):
            return RequestFailure(f"the server aborted the text: finish_reason {reason!r}")
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
    """The log-probabilities of a choice, with `count` of the likeliest tokens each; None if the request did not ask."""
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
    """The results of the outcomes. Raises InferenceError for a model none of whose requests was answered."""
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
    """The seconds in a Retry-After header, which holds a number or a date; 0 for anything else."""
    try:
        seconds = float(value or 0.0)
    except ValueError:
        return seconds_until(value or "")
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0


def seconds_until(date: str) -> float:
    """Seconds until an HTTP date; 0 if the date is past or not a date."""
    try:
        return max((parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0


def parse_models(data: bytes) -> tuple[str, ...]:
    """The names in a list of models; empty if the bytes are no such list."""
    try:
        return tuple(one_line(str(one["id"]).encode()) for one in json.loads(data)["data"])
    except (ValueError, KeyError, TypeError):
        return ()


def parse_error_message(data: bytes) -> str:
    """The message in an error answer."""
    try:
        answer = json.loads(data)
        message = answer.get("error", answer)
        return one_line(str(message.get("message", message) if isinstance(message, dict) else message).encode())
    except (ValueError, AttributeError):
        return one_line(data)


def one_line(data: bytes) -> str:
    """A server's text with runs of whitespace closed up, cut to MESSAGE_CHARACTERS."""
    return " ".join(data.decode(errors="replace").split())[:MESSAGE_CHARACTERS] or "nothing"
