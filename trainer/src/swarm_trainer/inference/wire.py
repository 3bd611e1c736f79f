"""OpenAI's completions and chat completions as they go over the wire: a request as JSON, and what an answer says.

Whatever a server sends is read with suspicion: what is no completion is said to be none, on one line.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from swarm_core.ports import Completion, Failure, InferenceError, Request
from swarm_trainer.inference.endpoint import Addressed

RETRIED = frozenset({408, 429, 502, 503, 504})
"""Answers after which the same request may succeed."""
BROKE = 500
"""The server broke, perhaps on this request."""
HOPELESS = frozenset({401, 403, 404})
"""Answers that every request of the model would get."""
SPENT = "insufficient_quota"
"""How a 429 says that waiting will not help."""
MESSAGE_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Down:
    """A request that got no answer through no fault of its own."""

    message: str
    hopeless: bool = False
    """Whether no other request of the model can do better."""
    wait: float | None = None
    """Seconds after which it may be sent again; None: it need not be."""
    broke: bool = False
    """Whether the server broke on it."""
    status: int = 0
    """What the server answered with; 0: it did not answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and what it took on the other side."""

    completion: Completion
    prompt_tokens: int = 0


Outcome = Completion | Failure | Down


@dataclass(frozen=True, slots=True)
class Dialect:
    """One of the ways to ask."""

    path: str
    text: Callable[[dict[str, Any]], str]
    """The text of a choice. Raises KeyError or TypeError for what is none."""


def message(choice: dict[str, Any]) -> str:
    """The text of a chat turn; one without content is empty."""
    content = choice["message"]["content"]
    if not isinstance(content, str | None):
        raise TypeError(content)
    return content or ""


COMPLETIONS = Dialect("/v1/completions", lambda choice: str(choice["text"]))
CHAT = Dialect("/chat/completions", message)


def body(request: Request, ids: list[int], ends: frozenset[int]) -> dict[str, object]:
    """The request as the server reads it: nothing is left to a server's defaults."""
    return {
        "model": request.model,
        "prompt": ids,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed % 2**63,
        "stop": list(request.stop),
        "stop_token_ids": sorted(ends),
        "top_p": 1.0,
        "n": 1,
    }


def chat_body(request: Request, model: str) -> dict[str, object]:
    """The request as one turn of a chat. At temperature 0 the seed is without effect, so that it is always the same."""
    return {
        "model": model,
        "messages": [{"role": "user", "content": request.prompt}],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed % 2**31 if request.temperature > 0 else 0,
        **({"stop": list(request.stop)} if request.stop else {}),
        "top_p": 1.0,
        "n": 1,
    }


def outcome(
    endpoint: Addressed, dialect: Dialect, status: int, data: bytes, retry: str | None
) -> Reply | Failure | Down:
    """What an answer means; `retry` is its Retry-After."""
    if status == 200:
        return reply(endpoint, dialect, data)
    words = f"{endpoint.url} answered {status}: {told(data)}"
    if status in HOPELESS or (status == 429 and SPENT in data.decode(errors="replace")):
        return Down(words, hopeless=True, status=status)
    if status == BROKE:
        return Down(words, wait=0.0, broke=True, status=status)
    if status in RETRIED:
        return Down(words, wait=retry_after(retry), status=status)
    return Failure(words)


def reply(endpoint: Addressed, dialect: Dialect, data: bytes) -> Reply | Failure | Down:
    """What a 200 says; Down if it is not a completion whose tokens are counted."""
    try:
        answer = json.loads(data)
        choice, usage = answer["choices"][0], answer["usage"]
        tokens, prompt = int(usage["completion_tokens"]), int(usage.get("prompt_tokens") or 0)
        text, reason = dialect.text(choice), choice["finish_reason"]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return Down(f"{endpoint.url} answered with what is no completion: {one_line(data)}", hopeless=True, status=200)
    if reason not in ("stop", "length"):
        return Failure(f"the server gave up: finish_reason {reason!r}")
    return Reply(Completion(text, tokens, finished=reason == "stop"), prompt)


def settled(requests: Sequence[Request], outcomes: Sequence[Outcome]) -> list[Completion | Failure]:
    """The outcomes as results. Raises InferenceError if a model answered nothing."""
    answered = {r.model for r, outcome in zip(requests, outcomes, strict=True) if not isinstance(outcome, Down)}
    results: list[Completion | Failure] = []
    for request, outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, Down):
            if outcome.hopeless or request.model not in answered:
                raise InferenceError(f"model {request.model}: {outcome.message}")
            results.append(Failure(outcome.message))
        else:
            results.append(outcome)
    return results


def headers(endpoint: Addressed) -> dict[str, str]:
    return {} if endpoint.key is None else {"Authorization": f"Bearer {endpoint.key}"}


def retry_after(value: str | None) -> float:
    """Seconds that a server asks to be left alone for, given as such or as a date; 0 for what is neither."""
    try:
        seconds = float(value or 0.0)
    except ValueError:
        return until(value or "")
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0


def until(date: str) -> float:
    """Seconds until an HTTP date; 0 for one that is past, or none."""
    try:
        return max((parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0


def models(data: bytes) -> tuple[str, ...]:
    """The names in a list of models; none for what is no such list."""
    try:
        return tuple(one_line(str(one["id"]).encode()) for one in json.loads(data)["data"])
    except (ValueError, KeyError, TypeError):
        return ()


def told(data: bytes) -> str:
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
