"""What keeps a run from going on, in one word and one sentence, from what is seen and from what failed last.

    reason                             seen in
    ImagePullBackOff, Unschedulable    a pod that has not begun: the cluster's own words
    NodeLost                           a pod that should long be gone
    OOMKilled, ModelRefused            how a container ended
    StoreUnreachable                   what a verb said of the store

The words are for people. Nothing is decided by them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from swarm_core.engine.state import EngineState
from swarm_operator import observe
from swarm_operator.children import Children
from swarm_operator.receipts import words

PREFIXES = (
    ("OOMKilled", "OOMKilled"),
    ("ModelRefused", "ModelRefused"),
    ("StoreError", "StoreUnreachable"),
    ("BudgetExceeded", "BudgetExceeded"),
)
"""How a message begins, and what that is called."""
FIRST = ("ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "NodeLost")
"""What waiting does not cure comes before what it may."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One of them."""

    reason: str
    message: str


def found(seen: Children, state: EngineState, now: float) -> Trouble | None:
    """The one to tell: of a pod before of an attempt, and what waiting does not cure first."""
    troubles = sorted(_pods(seen, now), key=lambda one: (one.reason not in FIRST, one.reason, one.message))
    troubles += _attempts(state)
    return troubles[0] if troubles else None


def named(message: str) -> str | None:
    """What a failure with this message is called; None if it has no name of its own."""
    told = message.rpartition("the last time: ")[2]
    return next((reason for prefix, reason in PREFIXES if told.startswith(prefix)), None)


def _pods(seen: Children, now: float) -> Iterator[Trouble]:
    for pod in seen.pods:
        reason, message = pod.trouble
        if observe.stuck(pod, now):
            yield Trouble("NodeLost", f"pod {pod.name} should be gone; its node does not answer")
        elif reason and pod.deleted is None:
            yield Trouble(reason, words(f"pod {pod.name}: {message}"))


def _attempts(state: EngineState) -> Iterator[Trouble]:
    for key, attempt in state.attempts.items():
        if (reason := named(attempt.message)) is not None:
            yield Trouble(reason, words(f"{key}: {attempt.message}"))
