"""Asking an engine, and once more what failed."""

from collections.abc import Sequence

from swarm_core.ports import Completion, Failure, Inference, Request


def persistently(engine: Inference, requests: Sequence[Request]) -> list[Completion | Failure]:
    """One result per request; those that failed are asked once more."""
    results = engine.complete(requests)
    again = [number for number, result in enumerate(results) if isinstance(result, Failure)]
    if again:
        for number, result in zip(again, engine.complete([requests[number] for number in again]), strict=True):
            results[number] = result
    return results
