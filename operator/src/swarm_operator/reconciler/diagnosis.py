"""Finds the problem that blocks a run, as a reason and a message, from its pods and its failed attempts.

    reason                             found in
    ImagePullBackOff, Unschedulable    a pod that has not started; these are Kubernetes' own words
    NodeLost                           a pod that should be gone by now
    OOMKilled, ModelRefused            the exit of a container
    StoreUnreachable                   the message of a step that could not use the store

The texts are for people. No decision depends on them.
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
"""The prefix of a message, and the reason that it stands for."""
URGENT_REASONS = ("ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "NodeLost")
"""Reasons that waiting does not resolve. They are reported before all others."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem, as the reason and message of a condition."""

    reason: str
    message: str


def find_most_urgent(children: Children, state: EngineState, now: float) -> Problem | None:
    """The problem to report: pods come before failed attempts, and reasons that waiting does not resolve come first."""
    problems = sorted(
        _pod_problems(children, now), key=lambda one: (one.reason not in URGENT_REASONS, one.reason, one.message)
    )
    problems += _attempt_problems(state)
    return problems[0] if problems else None


def classify_failure(message: str) -> str | None:
    """The reason for a failure with this message. None if the message has no known prefix."""
    last_message = message.rpartition("the last time: ")[2]
    return next((reason for prefix, reason in REASON_BY_PREFIX if last_message.startswith(prefix)), None)


def _pod_problems(children: Children, now: float) -> Iterator[Problem]:
    for pod in children.pods:
        reason, message = pod.start_problem
        if observations.is_stuck(pod, now):
            yield Problem("NodeLost", f"pod {pod.name} should be gone by now; its node does not respond")
        elif reason and pod.deleted is None:
            yield Problem(reason, shorten(f"pod {pod.name}: {message}"))


def _attempt_problems(state: EngineState) -> Iterator[Problem]:
    for key, attempt in state.attempts.items():
        if (reason := classify_failure(attempt.message)) is not None:
            yield Problem(reason, shorten(f"{key}: {attempt.message}"))
