"""Asking an engine, and once more what failed."""

from collections.abc import Sequence

from swarm_core.ports import Completion, Inference, Request, RequestFailure


def complete_with_retry(engine: Inference, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
    """One result per request; those that failed are asked once more."""
    results = engine.complete(requests)
    again = [number for number, result in enumerate(results) if isinstance(result, RequestFailure)]
    if again:
        for number, result in zip(again, engine.complete([requests[number] for number in again]), strict=True):
            results[number] = result
    return results
