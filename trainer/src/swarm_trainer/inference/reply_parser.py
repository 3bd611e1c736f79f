"""The meaning of answers to completions and chat completions: a completion, a failure of this request, or an outage.

Nothing that a server sends is trusted. A reply that is not a completion never becomes one, and nothing raises.

Limits: tokens are counted as the server counts them. A server that counts none is charged with an estimate, so that the
budget of the run holds.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swarm_core.objectives.scores import UnscoredReason
from swarm_core.ports import Completion, RequestFailure, TokenLogprob
from swarm_trainer.inference import provider_failures
from swarm_trainer.inference.endpoint import EndpointAddress
from swarm_trainer.inference.http_session import HttpResponse
from swarm_trainer.inference.openai_protocol import ApiFormat, ChoiceText
from swarm_trainer.inference.provider_failures import FailureClass, Unavailable

FINISHED = frozenset({"stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"})
"""The reasons with which a text ended by itself, in lower case."""
CUT_OFF = frozenset({
    "length", "limit", "max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded",
    "context_length_exceeded",
})  # fmt: skip
FILTERED = ("filter", "safety", "guardrail", "moderat", "refus", "recitation", "prohibited", "blocklist", "spii",
            "sensitive", "language", "policy")  # fmt: skip
"""Words in the reasons with which a server's moderation ends a text."""
OVERLOADED = ("overload", "resource", "unavailable", "busy", "network")
"""Words in the reasons with which a server ends a text that it can write later."""
TOOL_CALLS = frozenset({"tool_calls", "tool_use", "function_call"})
MAX_TOKEN_COUNT = 1 << 31
CHARACTERS_PER_TOKEN = 3
"""For the estimate of tokens that a server does not count. It errs on the high side for English."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A completion and the number of tokens of its prompt."""

    completion: Completion
    prompt_tokens: int = 0


RequestOutcome = Completion | RequestFailure | Unavailable


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
    message = f"{endpoint.url} answered {status}: {provider_failures.parse_error_message(data)}"
    retry_after = provider_failures.parse_retry_after(response.retry_after, response.retry_after_ms)
    return Unavailable(message, provider_failures.classify_status(status, data), retry_after, status)


def parse_completion(
    endpoint: EndpointAddress, api_format: ApiFormat, data: bytes, expected: ExpectedAnswer
) -> Reply | RequestFailure | Unavailable:
    """The meaning of an answer with status 200.

    Unavailable if it is an error or not a completion. RequestFailure if the server refused or cut out the text, or if
    a part that the request asked for is missing.
    """
    try:
        answer = json.loads(data, object_pairs_hook=build_unambiguous, strict=False)
        error = provider_failures.find_error(answer)
        if error is not None:
            message = f"{endpoint.url} answered with an error: {provider_failures.parse_error_message(data)}"
            return Unavailable(message, provider_failures.classify_error(error), status=200)
        choices = order_choices(answer["choices"])
        texts = [api_format.text(choice) for choice in choices[: expected.n]]
        reasons = [read_reason(choice["finish_reason"]) for choice in choices[: expected.n]]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return build_malformed(endpoint, data)
    failure = find_failure(endpoint, texts, reasons, expected)
    if failure is not None:
        return failure
    if not all(reason in FINISHED | CUT_OFF for reason in reasons):
        overloaded = any(word in reason for reason in reasons for word in OVERLOADED)
        return build_malformed(endpoint, data, FailureClass.PASSING if overloaded else FailureClass.MALFORMED)
    logprobs = parse_logprobs(endpoint, api_format, choices[0], expected.logprobs)
    if isinstance(logprobs, RequestFailure):
        return logprobs
    return build_reply(answer.get("usage"), texts, all(reason in FINISHED for reason in reasons), logprobs)


def build_unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The JSON object of `pairs`. Raises ValueError if a field has two values: then nobody knows which one counts."""
    fields = dict(pairs)
    if len(fields) < len(pairs) and any(fields[name] != value for name, value in pairs):
        raise ValueError("a field has two values")
    return fields


def read_reason(value: Any) -> str:
    """The reason with which a text ended, in lower case and with the prefix left out that some servers have."""
    return str(value).lower().removeprefix("finish_reason_")


def build_malformed(
    endpoint: EndpointAddress, data: bytes, cause: FailureClass = FailureClass.MALFORMED
) -> Unavailable:
    """The failure for an answer with status 200 that is not a completion."""
    words = f"{endpoint.url} answered with something that is not a completion: {provider_failures.one_line(data)}"
    return Unavailable(words, cause, status=200)


def order_choices(found: Any) -> list[dict[str, Any]]:
    """The choices in the order of their numbers; as they came if none has a number.

    Raises ValueError if there is none, or if two have the same number: then nobody knows which one was asked for.
    """
    choices: list[dict[str, Any]] = list(found)
    if not choices:
        raise ValueError("no choices")
    numbers = [choice.get("index") for choice in choices]
    if all(isinstance(number, int) for number in numbers):
        if len(set(numbers)) < len(numbers):
            raise ValueError("two choices have one number")
        choices.sort(key=lambda choice: choice["index"])
    return choices


def find_failure(
    endpoint: EndpointAddress, texts: Sequence[ChoiceText], reasons: Sequence[str], expected: ExpectedAnswer
) -> RequestFailure | None:
    """The failure of a request whose texts were refused, are no texts, or are too few; None if there is none."""
    for text, reason in zip(texts, reasons, strict=True):
        if text.refusal or any(word in reason for word in FILTERED):
            return RequestFailure(
                f"{endpoint.url} refused the text: {text.refusal or f'finish_reason {reason}'}", UnscoredReason.REFUSED
            )
        if reason in TOOL_CALLS or (text.text is None and not text.thinking and reason in FINISHED):
            return RequestFailure(
                f"{endpoint.url} answered without a text: finish_reason {reason}", UnscoredReason.UNREADABLE
            )
    if len(texts) < expected.n:
        return RequestFailure(
            f"{endpoint.url} answered with {len(texts)} of the {expected.n} texts asked for (n); send one request per"
            " text, or use a server that honors n",
            UnscoredReason.UNREADABLE,
        )
    return None


def build_reply(
    usage: Any, texts: Sequence[ChoiceText], finished: bool, logprobs: tuple[TokenLogprob, ...] | None
) -> Reply:
    """The reply of texts that are complete in form."""
    counts = usage if isinstance(usage, dict) else {}
    characters = sum(len(text.text or "") + len(text.thinking) for text in texts)
    tokens = read_count(counts.get("completion_tokens")) or (None if characters else 0)
    details = counts.get("completion_tokens_details")
    thinking_tokens = read_count(details.get("reasoning_tokens")) if isinstance(details, dict) else None
    first, *others = texts
    completion = Completion(
        first.text or "",
        math.ceil(characters / CHARACTERS_PER_TOKEN) if tokens is None else tokens,
        finished,
        tuple(other.text or "" for other in others),
        logprobs,
        first.thinking,
        thinking_tokens or 0,
    )
    return Reply(completion, read_count(counts.get("prompt_tokens")) or 0)


def read_count(value: Any) -> int | None:
    """A number of tokens; None for anything that is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if math.isfinite(value) and 0 <= value < MAX_TOKEN_COUNT else None


def parse_logprobs(
    endpoint: EndpointAddress, api_format: ApiFormat, choice: dict[str, Any], count: int | None
) -> tuple[TokenLogprob, ...] | RequestFailure | None:
    """The log-probabilities of a choice, with `count` of the likeliest tokens each; None if the request did not ask."""
    if count is None:
        return None
    try:
        found = api_format.logprobs(choice, count)
        if not found and api_format.text(choice).text:
            raise ValueError("a text without tokens")
        return found
    except (ValueError, KeyError, TypeError, AttributeError):
        return RequestFailure(
            f"{endpoint.url} answered without the log-probabilities asked for (logprobs); leave logprobs out, or use a"
            " server that returns them",
            UnscoredReason.UNREADABLE,
        )


def parse_models(data: bytes) -> tuple[str, ...]:
    """The names in a list of models; empty if the bytes are no such list."""
    try:
        return tuple(provider_failures.one_line(str(one["id"]).encode()) for one in json.loads(data)["data"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()
