"""OpenAI's completions as they go over the wire: a request as JSON, and what an answer says.

Whatever a server sends is read with suspicion: what is no completion is said to be none, on one line.
"""

import json
from dataclasses import dataclass

from swarm_core.ports import Completion, Failure, Request
from swarm_trainer.inference.endpoint import Endpoint

RETRIED = frozenset({408, 429, 502, 503, 504})
"""Answers after which the same request may succeed."""
BROKE = 500
"""The server broke, perhaps on this request."""
HOPELESS = frozenset({401, 403, 404})
"""Answers that every request of the model would get."""
LONGEST_WAIT = 10.0
"""Seconds that a server may ask us to wait; more is not waited for."""
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


Outcome = Completion | Failure | Down


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


def outcome(endpoint: Endpoint, status: int, data: bytes, retry: str | None) -> Outcome:
    """What an answer means; `retry` is its Retry-After."""
    if status == 200:
        return completion(endpoint, data)
    words = f"{endpoint.url} answered {status}: {told(data)}"
    if status in HOPELESS:
        return Down(words, hopeless=True)
    if status == BROKE:
        return Down(words, wait=0.0, broke=True)
    if status in RETRIED:
        return Down(words, wait=retry_after(retry))
    return Failure(words)


def completion(endpoint: Endpoint, data: bytes) -> Outcome:
    """What a 200 says; Down if it is not a completion."""
    try:
        answer = json.loads(data)
        choice, tokens = answer["choices"][0], int(answer["usage"]["completion_tokens"])
        text, reason = str(choice["text"]), choice["finish_reason"]
    except (ValueError, KeyError, IndexError, TypeError):
        return Down(f"{endpoint.url} answered with what is no completion: {one_line(data)}", hopeless=True)
    if reason not in ("stop", "length"):
        return Failure(f"the server gave up: finish_reason {reason!r}")
    return Completion(text, tokens, finished=reason == "stop")


def headers(endpoint: Endpoint) -> dict[str, str]:
    return {} if endpoint.key is None else {"Authorization": f"Bearer {endpoint.key}"}


def retry_after(seconds: str | None) -> float:
    """What a server asks to be waited for; dates are not read."""
    try:
        return min(max(float(seconds or 0.0), 0.0), LONGEST_WAIT)
    except ValueError:
        return 0.0


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
