"""Answers of remote models in the run's store, by request: neither a rerun nor another iteration pays for one again.

The key is the sha256 of the endpoint, the model, the prompt and the sampling settings. The first answer under a key is
final. The request is stored beside its answer, so that judgments can be read later.
"""

import json
from collections.abc import Sequence
from typing import Any

from swarm_core.ports import ArtifactStore, Completion, CorruptError, TokenLogprob
from swarm_core.recipe import canonical_json, digest_bytes


def key(url: str, body: dict[str, object]) -> str:
    """The key of the answer to `body` at `url`."""
    digest = digest_bytes(canonical_json([url, body]))
    return f"answers/{digest[:2]}/{digest}.json"


def load(store: ArtifactStore, name: str) -> Completion | None:
    """The stored answer of that key; None if there is none. Raises StoreError, CorruptError."""
    data = store.read(name)
    return None if data is None else parse(name, data)


def save(store: ArtifactStore, name: str, body: dict[str, object], answer: Completion) -> Completion:
    """Store an answer unless there is one; returns the stored one. Raises StoreError, CorruptError."""
    fields: dict[str, object] = {"asked": body, **to_fields(answer)}
    return parse(name, store.publish(name, canonical_json(fields)))


def to_fields(answer: Completion) -> dict[str, object]:
    """The JSON fields of an answer. Alternatives, log-probabilities and thinking have a field only if there are any, so
    that a plain answer keeps its bytes.
    """
    fields: dict[str, object] = {"text": answer.text, "tokens": answer.tokens, "finished": answer.finished}
    if answer.alternatives:
        fields["alternatives"] = answer.alternatives
    if answer.logprobs is not None:
        fields["logprobs"] = [[one.token, one.logprob, one.top] for one in answer.logprobs]
    if answer.thinking:
        fields["thinking"] = answer.thinking
    if answer.thinking_tokens:
        fields["thinking_tokens"] = answer.thinking_tokens
    return fields


def parse_completion(fields: Any) -> Completion:
    """Return the completion of the stored fields. Raises ValueError, KeyError, TypeError or AttributeError."""
    return Completion(
        text=str(fields["text"]),
        tokens=int(fields["tokens"]),
        finished=bool(fields["finished"]),
        alternatives=tuple(str(text) for text in fields.get("alternatives", ())),
        logprobs=parse_logprobs(fields["logprobs"]) if "logprobs" in fields else None,
        thinking=str(fields.get("thinking", "")),
        thinking_tokens=int(fields.get("thinking_tokens", 0)),
    )


def parse(name: str, data: bytes) -> Completion:
    """The answer in stored bytes. Raises CorruptError for bytes that `save` did not write."""
    try:
        return parse_completion(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptError(
            f"{name}: this is not a stored answer, so it was changed; delete it, and the request is sent again"
        ) from error


def parse_logprobs(fields: Sequence[Any]) -> tuple[TokenLogprob, ...]:
    """The log-probabilities in a stored field. Raises ValueError or TypeError for a field that `to_fields` did not
    write.
    """
    return tuple(
        TokenLogprob(str(token), float(logprob), tuple((str(other), float(value)) for other, value in top))
        for token, logprob, top in fields
    )
