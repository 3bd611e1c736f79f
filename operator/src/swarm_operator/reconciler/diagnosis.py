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
from swarm_operator.common.children import Children
from swarm_operator.reconciler import observations
from swarm_operator.reconciler.termination_message import shorten

REASON_BY_PREFIX = (
    ("OOMKilled", "OOMKilled"),
    ("ModelRefused", "ModelRefused"),
    ("StoreError", "StoreUnreachable"),
    ("BudgetExceeded", "BudgetExceeded"),
)
"""How a message begins, and what that is called."""
URGENT_REASONS = ("ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "NodeLost")
"""What waiting does not cure comes before what it may."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One of them."""

    reason: str
    message: str


def find_most_urgent(children: Children, state: EngineState, now: float) -> Problem | None:
    """The one to tell: of a pod before of an attempt, and what waiting does not cure first."""
    problems = sorted(
        _pod_problems(children, now), key=lambda one: (one.reason not in URGENT_REASONS, one.reason, one.message)
    )
    problems += _attempt_problems(state)
    return problems[0] if problems else None


def classify_failure(message: str) -> str | None:
    """What a failure with this message is called; None if it has no name of its own."""
    last_message = message.rpartition("the last time: ")[2]
    return next((reason for prefix, reason in REASON_BY_PREFIX if last_message.startswith(prefix)), None)


def _pod_problems(children: Children, now: float) -> Iterator[Problem]:
    for pod in children.pods:
        reason, message = pod.start_problem
        if observations.is_stuck(pod, now):
            yield Problem("NodeLost", f"pod {pod.name} should be gone; its node does not answer")
        elif reason and pod.deleted is None:
            yield Problem(reason, shorten(f"pod {pod.name}: {message}"))


def _attempt_problems(state: EngineState) -> Iterator[Problem]:
    for key, attempt in state.attempts.items():
        if (reason := classify_failure(attempt.message)) is not None:
            yield Problem(reason, shorten(f"{key}: {attempt.message}"))
