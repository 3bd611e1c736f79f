"""Finds the problem that blocks a run, as a reason and a message, from its pods and its failed attempts.

    reason                             found in
    FailedCreate                       pods that the API server refuses to create, with its words
    ServersNotReady                    servers that wait for their next start
    ImagePullBackOff, Unschedulable    a pod that has not started; these are Kubernetes' own words
    Evicted                            pods that nodes under pressure end again and again
    NodeLost                           a pod that should be gone by now
    OOMKilled, ModelRefused            the exit of a container
    StoreUnreachable                   the message of a step that could not use the store

The texts are for people. No decision depends on them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from swarm_core.api.run_status import ServersStatus
from swarm_core.engine.state import EngineState
from swarm_operator.common import pod_refusals
from swarm_operator.common.children import Children
from swarm_operator.reconciler import observations
from swarm_operator.reconciler.termination_message import shorten

REASON_BY_PREFIX = (
    ("OOMKilled", "OOMKilled"),
    ("ModelRefused", "ModelRefused"),
    ("StoreError", "StoreUnreachable"),
    ("BudgetExceeded", "BudgetExceeded"),
    ("Evicted", "Evicted"),
    ("evicted", "Evicted"),
)
"""The prefix of a message, and the reason that it stands for."""
URGENT_REASONS = ("FailedCreate", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "NodeLost")
"""Reasons that waiting does not resolve. They are reported before all others."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem, as the reason and message of a condition."""

    reason: str
    message: str


def find_most_urgent(
    children: Children, state: EngineState, servers: ServersStatus | None, refusals: Mapping[str, str], now: float
) -> Problem | None:
    """The problem to report: pods come before failed attempts, and reasons that waiting does not resolve come first.

    `refusals` are the words of the API server that refuses the pods of a Job, by the name of the Job.
    """
    found = [*_refusal_problems(children, refusals), *_server_problems(servers), *_pod_problems(children, now)]
    problems = sorted(found, key=lambda one: (one.reason not in URGENT_REASONS, one.reason, one.message))
    problems += _attempt_problems(state)
    return problems[0] if problems else None


def classify_failure(message: str) -> str | None:
    """The reason for a failure with this message. None if the message has no known prefix."""
    last_message = message.rpartition("the last time: ")[2]
    return next((reason for prefix, reason in REASON_BY_PREFIX if last_message.startswith(prefix)), None)


def _refusal_problems(children: Children, refusals: Mapping[str, str]) -> Iterator[Problem]:
    """Pods that were never created, and so have no status."""
    for job in children.jobs:
        if job.alive and job.name in refusals:
            message = refusals[job.name] or "it should have more pods, and no event says why it has not"
            yield Problem(pod_refusals.REASON, shorten(f"Job {job.name}: {message}"))
    for deployment in children.deployments:
        if deployment.refusal and deployment.replicas:
            yield Problem(pod_refusals.REASON, shorten(f"Deployment {deployment.name}: {deployment.refusal}"))


def _server_problems(servers: ServersStatus | None) -> Iterator[Problem]:
    if servers is not None and servers.message is not None and servers.not_before is not None:
        yield Problem("ServersNotReady", f"the servers start again at {servers.not_before}; {servers.message}")


def _pod_problems(children: Children, now: float) -> Iterator[Problem]:
    for pod in children.pods:
        reason, message = pod.start_problem
        if observations.is_stuck(pod, now):
            yield Problem("NodeLost", f"pod {pod.name} should be gone by now; its node does not respond")
        elif reason and pod.deleted is None:
            yield Problem(reason, shorten(f"pod {pod.name}: {message}"))
    for job in children.jobs:
        mine = [pod for pod in children.pods if pod.job == job.name and pod.ended is not None]
        evictions = observations.count_evictions(mine)
        if job.alive and evictions > 1:
            last = max(mine, key=lambda pod: pod.ended or 0.0)
            yield Problem("Evicted", shorten(f"Job {job.name}: evicted {evictions} times; {last.end_cause}"))


def _attempt_problems(state: EngineState) -> Iterator[Problem]:
    for key, attempt in state.attempts.items():
        if (reason := classify_failure(attempt.message)) is not None:
            yield Problem(reason, shorten(f"{key}: {attempt.message}"))
