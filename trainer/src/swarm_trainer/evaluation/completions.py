"""Sends requests to an engine, and sends those that fail once more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swarm_core.ports import Completion, Inference, Reply, Request, RequestFailure


def complete_with_retry(engine: Inference, requests: Sequence[Request]) -> list[Reply]:
    """Return one reply per request, in order. Requests that failed are sent once more.

    Raises InferenceError if the engine can answer nothing at all.
    """
    results = engine.complete(requests)
    failed = [number for number, result in enumerate(results) if isinstance(result, RequestFailure)]
    if failed:
        for number, result in zip(failed, engine.complete([requests[number] for number in failed]), strict=True):
            results[number] = result
    return results


@dataclass(slots=True)
class Asker:
    """Sends requests to one engine, with one retry, and counts the generated tokens."""

    engine: Inference
    tokens: int = 0
    """The number of tokens generated so far."""

    def __call__(self, requests: Sequence[Request]) -> list[Reply]:
        """Return one reply per request, in order.

        Raises InferenceError if the engine can answer nothing at all.
        """
        replies = complete_with_retry(self.engine, requests)
        self.tokens += count_tokens(replies)
        return replies


def count_tokens(replies: Iterable[Reply]) -> int:
    """Return the number of generated tokens; a failed request has none."""
    return sum(reply.tokens for reply in replies if isinstance(reply, Completion))
