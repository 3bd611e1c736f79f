"""The JSON of OpenAI's completions and chat completions: request bodies, and the texts of choices.

The meaning of whole answers is in `reply_parser`.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from swarm_core.ports import Request, TokenLogprob
from swarm_trainer.inference import choices
from swarm_trainer.inference.chat_messages import build_messages, escape_messages
from swarm_trainer.inference.endpoint import EndpointAddress, RemoteModel

MAX_TOKENS = "max_tokens"
"""The field with the maximum length in the bodies that are built here. Some servers want another name for it."""
RESPONSE_FORMAT = "response_format"

THINKING_FIELDS = (
    *("reasoning_content", "reasoning", "reasoning_details", "reasoning_text", "thinking", "thinking_content"),
    *("thinking_blocks", "thought", "thoughts"),
)
"""The fields of a message that hold thinking. Several of them are names for one text."""
PART_FIELDS = ("text", "thinking", "reasoning", "summary")
"""The fields of a part that hold its text."""


@dataclass(frozen=True, slots=True)
class ChoiceText:
    """The text of a choice, and what stands beside it."""

    text: str | None
    """None if the choice has no text."""
    thinking: str = ""
    refusal: str = ""
    """The words with which the model's server refuses, in a field of their own."""


@dataclass(frozen=True, slots=True)
class ApiFormat:
    """One of the two APIs."""

    path: str
    text: Callable[[dict[str, Any]], ChoiceText]
    """Reads the text of a choice. Raises KeyError or TypeError if the choice has another form."""
    logprobs: Callable[[dict[str, Any], int], tuple[TokenLogprob, ...]]
    """Reads the tokens of a choice, each with at most so many of the likeliest tokens in its place. Raises KeyError,
    TypeError or ValueError if the choice lacks them.
    """


def completion_text(choice: dict[str, Any]) -> ChoiceText:
    """The text of a completion."""
    if not isinstance(choice["text"], str):
        raise TypeError(choice["text"])
    return ChoiceText(replace_surrogates(choice["text"]))


def chat_text(choice: dict[str, Any]) -> ChoiceText:
    """The text of a chat turn: a string, or a list of parts. Thinking stands in parts or in fields of its own."""
    message = choice["message"]
    thinking = next(filter(None, (join_text(message.get(name)) for name in THINKING_FIELDS)), "")
    content, refusal = message.get("content"), join_text(message.get("refusal"))
    if isinstance(content, list):
        parts = [part if isinstance(part, dict) else {"text": part} for part in content]
        thinking += "".join(join_text(part) for part in parts if is_thinking(part))
        refusal += "".join(join_text(part.get("refusal")) for part in parts)
        texts = [part["text"] for part in parts if not is_thinking(part) and isinstance(part.get("text"), str)]
        content = "".join(texts) if texts else None
    if not isinstance(content, str | None):
        raise TypeError(content)
    text = None if content is None else replace_surrogates(content)
    return ChoiceText(text, replace_surrogates(thinking), "" if text else replace_surrogates(refusal))


def is_thinking(part: dict[str, Any]) -> bool:
    """Whether a part of a chat turn is thinking: by its type, its mark, or the field that its text is in."""
    kind = str(part.get("type")).lower()
    return (
        part.get("thought") is True
        or any(word in kind for word in ("think", "thought", "reason"))
        or "text" not in part
    )


def join_text(value: Any) -> str:
    """The text in a field that holds a string, a part, or a list of parts; empty for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(join_text(part) for part in value if isinstance(part, str | dict))
    if not isinstance(value, dict):
        return ""
    return next(filter(None, (join_text(value.get(name)) for name in PART_FIELDS)), "")


def replace_surrogates(text: str) -> str:
    """`text` with half surrogate pairs replaced, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


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


COMPLETIONS = ApiFormat("/v1/completions", completion_text, completion_logprobs)
CHAT = ApiFormat("/chat/completions", chat_text, chat_logprobs)


def completion_body(request: Request, ids: list[int], ends: frozenset[int], special: bool = False) -> dict[str, object]:
    """The body of a completion request. It sets every field, so no server's default applies.

    `special`: whether the text keeps special tokens.
    """
    return {
        "model": request.model,
        "prompt": ids,
        MAX_TOKENS: request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed % 2**63,
        "stop": list(request.stop),
        "stop_token_ids": sorted(ends),
        "top_p": request.top_p,
        "n": 1,  # `choices` sends one request per text: vLLM would reuse seeds of other requests.
        **({} if request.logprobs is None else {"logprobs": request.logprobs}),
        **({"skip_special_tokens": False, "spaces_between_special_tokens": False} if special else {}),
    }


def chat_body(request: Request, remote_model: RemoteModel) -> dict[str, object]:
    """The body of a chat request, with the parameters of the model's endpoint.

    At temperature 0 the seed has no effect, so it is fixed and equal requests share an answer.
    """
    body = {
        "model": remote_model.model,
        "messages": escape_messages(build_messages(request)),
        MAX_TOKENS: request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed % 2**31 if request.temperature > 0 else 0,
        **({"stop": list(request.stop)} if request.stop else {}),
        "top_p": request.top_p,
        "n": choices.count_generated(request),
        **({} if request.logprobs is None else {"logprobs": True, "top_logprobs": request.logprobs}),
        **({} if request.reply_schema is None else {RESPONSE_FORMAT: response_format(request.reply_schema)}),
    }
    kept = {name: value for name, value in body.items() if name not in remote_model.omit}
    return {**remote_model.extra_body, **kept}


def response_format(schema: str) -> dict[str, object]:
    """The field that asks a server to enforce a JSON schema."""
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": json.loads(schema), "strict": True}}


def rename_max_tokens(body: dict[str, object], name: str) -> dict[str, object]:
    """`body` with the field of the maximum length under `name`, as its server wants it."""
    return {name if field == MAX_TOKENS else field: value for field, value in body.items()}


def auth_headers(endpoint: EndpointAddress) -> dict[str, str]:
    return {} if endpoint.key is None else {"Authorization": f"Bearer {endpoint.key}"}
