"""Asking an engine, and once more what failed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swarm_core.ports import Completion, Inference, Reply, Request, RequestFailure


def complete_with_retry(engine: Inference, requests: Sequence[Request]) -> list[Reply]:
    """One result per request; those that failed are asked once more."""
    results = engine.complete(requests)
    again = [number for number, result in enumerate(results) if isinstance(result, RequestFailure)]
    if again:
        for number, result in zip(again, engine.complete([requests[number] for number in again]), strict=True):
            results[number] = result
    return results


@dataclass(slots=True)
class Asker:
    """Asks one engine, with a retry, and counts what is generated."""

    engine: Inference
    tokens: int = 0
    """Tokens generated so far."""

    def __call__(self, requests: Sequence[Request]) -> list[Reply]:
        """One result per request, in order. Raises InferenceError only when nothing can be answered at all."""
        replies = complete_with_retry(self.engine, requests)
        self.tokens += count_tokens(replies)
        return replies


def count_tokens(replies: Iterable[Reply]) -> int:
    """Tokens generated; a request that failed has none."""
    return sum(reply.tokens for reply in replies if isinstance(reply, Completion))
