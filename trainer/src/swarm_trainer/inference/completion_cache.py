"""Answers kept in the run's store, by what was asked: a rerun, or another iteration, pays for none of them again.

The name is the sha256 of who was asked, for what model, with what prompt and sampling; the first answer stands. What
was asked stands beside it, so that judgements can be read afterwards.
"""

import json
from collections.abc import Sequence
from typing import Any

from swarm_core.ports import ArtifactStore, Completion, CorruptError, TokenLogprob
from swarm_core.recipe import canonical_json, digest_bytes


def key(url: str, body: dict[str, object]) -> str:
    """Where the answer to `body`, asked at `url`, stands."""
    digest = digest_bytes(canonical_json([url, body]))
    return f"answers/{digest[:2]}/{digest}.json"


def load(store: ArtifactStore, name: str) -> Completion | None:
    """The answer that stands at `name`. Raises StoreError, CorruptError."""
    data = store.read(name)
    return None if data is None else parse(name, data)


def save(store: ArtifactStore, name: str, body: dict[str, object], answer: Completion) -> Completion:
    """Keep an answer unless one stands; the one that stands. Raises StoreError, CorruptError."""
    fields: dict[str, object] = {"asked": body, **serialize(answer)}
    return parse(name, store.publish(name, canonical_json(fields)))


def serialize(answer: Completion) -> dict[str, object]:
    """The fields of an answer. Alternatives and log-probabilities have one only if there are any."""
    fields: dict[str, object] = {"text": answer.text, "tokens": answer.tokens, "finished": answer.finished}
    if answer.alternatives:
        fields["alternatives"] = answer.alternatives
    if answer.logprobs is not None:
        fields["logprobs"] = [[one.token, one.logprob, one.top] for one in answer.logprobs]
    return fields


def parse(name: str, data: bytes) -> Completion:
    """Raises CorruptError for what `save` did not write."""
    try:
        fields = json.loads(data)
        alternatives = tuple(str(text) for text in fields.get("alternatives", ()))
        logprobs = parse_logprobs(fields["logprobs"]) if "logprobs" in fields else None
        return Completion(str(fields["text"]), int(fields["tokens"]), bool(fields["finished"]), alternatives, logprobs)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptError(
            f"{name}: no answer that was kept; it was changed: delete it, and it is asked again"
        ) from error


def parse_logprobs(fields: Sequence[Any]) -> tuple[TokenLogprob, ...]:
    """Raises ValueError or TypeError for what `serialize` did not write."""
    return tuple(
        TokenLogprob(str(token), float(logprob), tuple((str(other), float(value)) for other, value in top))
        for token, logprob, top in fields
    )
