"""Batching of requests: the requests of several callers become one call, so that a server can batch them.

Limits: it sends nothing. The host provides the function that asks models.
"""

from collections.abc import Callable, Sequence

from swarm_core.ports import Reply, Request

Ask = Callable[[Sequence[Request]], Sequence[Reply]]
"""Asks models: one reply per request, in order."""


def ask_together(wanted: Sequence[tuple[Request, ...]], ask: Ask) -> list[tuple[Reply, ...]]:
    """Return the replies to the requests of each caller, [caller][request]. `wanted`: the requests, [caller][request].

    `ask` is called once, or not at all if there are no requests.
    """
    requests = [request for mine in wanted for request in mine]
    replies = iter(ask(requests) if requests else ())
    return [tuple(next(replies) for _ in mine) for mine in wanted]
