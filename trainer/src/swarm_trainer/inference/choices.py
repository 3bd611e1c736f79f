"""Sends one request per text for a request that asks for several texts (`Request.n`).

The first text has the request's own seed, so it equals the text of the same request with n = 1. The seed of every
further text depends only on the request's seed and the text's number. At temperature 0 all texts are equal, so one is
generated and repeated.

Limits: only for engines on which a repeated prompt is cheap. A remote endpoint charges for each, so it gets `n`
instead.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from swarm_core import streams
from swarm_core.ports import Completion, Request, RequestFailure


def expand(requests: Sequence[Request]) -> list[Request]:
    """The requests for one text each, in order. A request with n = 1 stays the same object."""
    return [_choice_request(request, choice) for request in requests for choice in range(count_generated(request))]


def join(
    requests: Sequence[Request], results: Iterable[Completion | RequestFailure]
) -> list[Completion | RequestFailure]:
    """One result per request of `requests`, from the results of `expand(requests)`.

    A request fails if one of its texts failed.
    """
    remaining = iter(results)
    return [_join_choices(request, _take(remaining, count_generated(request))) for request in requests]


def repeat_greedy(request: Request, completion: Completion) -> Completion:
    """`completion` with as many alternatives as `request` asks for, where temperature 0 makes all of them equal."""
    if request.temperature > 0 or request.n == 1:
        return completion
    return replace(completion, alternatives=(completion.text,) * (request.n - 1))


def count_generated(request: Request) -> int:
    """Number of texts to generate. An `n` below 1 counts as 1: the engine rejects the request."""
    return max(request.n, 1) if request.temperature > 0 else 1


def choice_seed(seed: int, choice: int) -> int:
    """The seed of text number `choice` of a request with this seed."""
    return streams.derive_seed(seed, "choice", choice) if choice else seed


def _choice_request(request: Request, choice: int) -> Request:
    if request.n <= 1:
        return request
    logprobs = None if choice else request.logprobs  # a completion has log-probabilities for its first text alone
    return replace(request, n=1, seed=choice_seed(request.seed, choice), logprobs=logprobs)


def _join_choices(request: Request, results: Sequence[Completion | RequestFailure]) -> Completion | RequestFailure:
    completions: list[Completion] = []
    for result in results:
        if isinstance(result, RequestFailure):
            return result
        completions.append(result)
    first, *others = completions
    if not others:
        return repeat_greedy(request, first)
    return replace(
        first,
        tokens=sum(completion.tokens for completion in completions),
        finished=all(completion.finished for completion in completions),
        alternatives=tuple(completion.text for completion in others),
    )


def _take(results: Iterator[Completion | RequestFailure], count: int) -> list[Completion | RequestFailure]:
    return [next(results) for _ in range(count)]
