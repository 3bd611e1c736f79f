"""Requests of many parties, asked all at once, so that a server can batch them. Asking is the host's."""

from collections.abc import Callable, Sequence

from swarm_core.ports import Reply, Request

Ask = Callable[[Sequence[Request]], Sequence[Reply]]
"""Asks models: one reply per request, in order."""


def ask_together(wanted: Sequence[tuple[Request, ...]], ask: Ask) -> list[tuple[Reply, ...]]:
    """The replies to each party's requests, [party][request]. `ask` is called once, or never if nobody asks."""
    requests = [request for mine in wanted for request in mine]
    replies = iter(ask(requests) if requests else ())
    return [tuple(next(replies) for _ in mine) for mine in wanted]
