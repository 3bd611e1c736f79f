"""Batching of requests: the requests of several callers become one call, so that a server can batch them.

Replies are read without the thinking of their models (`separate_thinking`).

Limits: it sends nothing. The host provides the function that asks models.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from swarm_core.ports import Completion, Reply, Request
from swarm_core.text import thinking

Ask = Callable[[Sequence[Request]], Sequence[Reply]]
"""Asks models: one reply per request, in order."""


def ask_together(wanted: Sequence[tuple[Request, ...]], ask: Ask) -> list[tuple[Reply, ...]]:
    """Return the replies to the requests of each caller, [caller][request]. `wanted`: the requests, [caller][request].

    `ask` is called once, or not at all if there are no requests.
    """
    requests = [request for mine in wanted for request in mine]
    replies = iter(ask(requests) if requests else ())
    return [tuple(next(replies) for _ in mine) for mine in wanted]


def separate_thinking(completion: Completion) -> Completion:
    """Return `completion` with its thinking apart. It is idempotent.

    If the server did not tell the tokens of the thinking, they are estimated by its share of the characters.
    """
    found, text = thinking.split(completion.text)
    alternatives = tuple(thinking.split(other)[1] for other in completion.alternatives)
    thoughts = "\n".join(part for part in (completion.thinking, found) if part)
    tokens = completion.thinking_tokens
    if thoughts and not tokens:
        tokens = round(completion.tokens * len(thoughts) / (len(thoughts) + len(text)))
    return replace(completion, text=text, alternatives=alternatives, thinking=thoughts, thinking_tokens=tokens)
