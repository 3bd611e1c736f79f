"""Sends requests to an engine. Every reply comes back with its thinking apart, and an outage is no reply."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swarm_core.asking import separate_thinking
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.ports import Completion, Inference, InferenceError, Reply, Request, RequestFailure


def complete(engine: Inference, requests: Sequence[Request]) -> list[Reply]:
    """Return one reply per request, in order, with the thinking of each apart.

    Raises InferenceError if the engine can answer nothing at all, or if a model cannot be reached: a measurement with
    holes that an outage made is never stored.
    """
    replies = engine.complete(requests)
    for reply in replies:
        if isinstance(reply, RequestFailure) and reply.reason is UnscoredReason.UNAVAILABLE:
            raise InferenceError(f"{reply.message}; nothing was stored for this measurement, so it is made again")
    return [separate_thinking(reply) if isinstance(reply, Completion) else reply for reply in replies]


@dataclass(slots=True)
class Asker:
    """Sends requests to one engine, and counts the generated tokens."""

    engine: Inference
    tokens: int = 0
    """The number of tokens generated so far."""
    thinking_tokens: int = 0
    """The part of `tokens` that is thinking."""

    def __call__(self, requests: Sequence[Request]) -> list[Reply]:
        """Return one reply per request, in order. Raises InferenceError as `complete` does."""
        replies = complete(self.engine, requests)
        self.tokens += count_tokens(replies)
        self.thinking_tokens += sum(reply.thinking_tokens for reply in replies if isinstance(reply, Completion))
        return replies


def count_tokens(replies: Iterable[Reply]) -> int:
    """Return the number of generated tokens; a failed request has none."""
    return sum(reply.tokens for reply in replies if isinstance(reply, Completion))
