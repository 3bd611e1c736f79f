"""Answers kept in the run's store, by what was asked: a rerun, or another iteration, pays for none of them again.

The name is the sha256 of who was asked, for what model, with what prompt and sampling; the first answer stands. What
was asked stands beside it, so that judgements can be read afterwards.
"""

import json

from swarm_core.ports import ArtifactStore, Completion, CorruptError
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
    fields = {"asked": body, "text": answer.text, "tokens": answer.tokens, "finished": answer.finished}
    return parse(name, store.publish(name, canonical_json(fields)))


def parse(name: str, data: bytes) -> Completion:
    """Raises CorruptError for what `save` did not write."""
    try:
        fields = json.loads(data)
        return Completion(str(fields["text"]), int(fields["tokens"]), finished=bool(fields["finished"]))
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptError(
            f"{name}: no answer that was kept; it was changed: delete it, and it is asked again"
        ) from error
