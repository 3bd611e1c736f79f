"""Finds the problem that blocks a run, as a reason and a message, from its children and its failed attempts.

    looked for in this order                                      explained by
    the API server refuses what the operator creates              `refusals`
    pods with a problem that waiting does not resolve             `pod_problems`
    Jobs and Deployments whose pods the API server refuses        `refusals`
    servers that were not ready in time
    pods that wait, Jobs in a queue, Jobs without a pod           `pod_problems`
    items whose pods are lost again and again
    failed attempts                                               the codes of their errors

docs/troubleshooting.md lists every reason. The texts are for people. No decision depends on them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from swarm_core.api.run_status import ServersStatus
from swarm_core.engine import planning
from swarm_core.engine.state import EngineState
from swarm_operator.common import timestamps
from swarm_operator.common.children import Children, Job
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.reconciler import observations, pod_problems, refusals
from swarm_operator.reconciler.pod_problems import Problem
from swarm_operator.reconciler.termination_message import fit_into_status

URGENT_REASONS = (
    "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "SecretNotFound",
    "SecretKeyNotFound", "CrashLoopBackOff", "NodeLost",
)  # fmt: skip
"""Reasons that waiting does not resolve. They are reported before all others."""
POD_CREATION_SECONDS = 15.0
"""Seconds after which a Job without a pod is reported. The Job controller usually needs less than one."""
WORDS_BYTES = 480
"""Bytes of Kubernetes' words that a problem shows. An admission rule names what it misses at their end."""
REPEATED_LOSSES = 2
"""Consecutive losses of one item that are reported. A single loss is normal on a cluster."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a diagnosis is made from."""

    run: ClusterRun
    children: Children
    state: EngineState
    servers: ServersStatus | None
    refusal: str
    """The words of the API server if it refused the last step. Empty if it did not."""
    now: float


def find_most_urgent(evidence: Evidence) -> Problem | None:
    """The problem to report. None if nothing is known to block the run, or if the run is suspended."""
    if evidence.run.resolved.suspend:
        return None
    pods = sorted(_pod_problems(evidence), key=lambda one: (one.reason, one.message))
    urgent = [one for one in pods if one.reason in URGENT_REASONS]
    problems = (
        _step_problems(evidence), urgent, _refused_pods(evidence), _server_problems(evidence), pods,
        _job_problems(evidence), _eviction_problems(evidence), _loss_problems(evidence), _attempt_problems(evidence),
    )  # fmt: skip
    return next((problem for found in problems for problem in found), None)


def _build(reason: str, words: str, advice: str) -> Problem:
    """A problem whose words are cut, and whose advice is not."""
    return Problem(reason, f"{fit_into_status(words, WORDS_BYTES)}; {advice}")


def _step_problems(evidence: Evidence) -> Iterator[Problem]:
    if evidence.refusal:
        found = refusals.classify(evidence.refusal)
        words = fit_into_status(f"the API server refuses: {evidence.refusal}", WORDS_BYTES)
        yield Problem(found.reason, f"{words}; {found.advice}", has_event=True)


def _pod_problems(evidence: Evidence) -> Iterator[Problem]:
    for pod in evidence.children.pods:
        reason, words = pod.start_problem
        if observations.is_stuck(pod, evidence.now):
            yield Problem(
                "NodeLost",
                f"pod {pod.name} should be gone by now, but its node does not respond; the operator removes the pod and"
                " starts its work again",
            )
        elif reason and pod.deleted is None:
            yield pod_problems.explain_start(evidence.run, pod, reason, fit_into_status(words, WORDS_BYTES))
        elif pod.started is None and pod.ended is None and pod.uid in evidence.children.warnings:
            words = fit_into_status(evidence.children.warnings[pod.uid], WORDS_BYTES)
            yield pod_problems.explain_start(evidence.run, pod, "PodNotStarted", words)


def _refused_pods(evidence: Evidence) -> Iterator[Problem]:
    children = evidence.children
    refused = [(f"Job {job.name}", children.warnings[job.uid]) for job in list_jobs_without_pods(evidence)
               if job.uid in children.warnings]  # fmt: skip
    refused += [(f"Deployment {one.name}", one.refusal) for one in children.deployments if one.refusal]
    for subject, words in refused:
        found = refusals.classify(words)
        yield _build(found.reason, f"{subject} cannot create its pod: {words}", found.advice)


def list_jobs_without_pods(evidence: Evidence) -> list[Job]:
    """The Jobs that should have a pod by now and have none.

    A Job whose items are all done is not among them: it ends a moment after its last pod.
    """
    children, late = evidence.children, evidence.now - POD_CREATION_SECONDS
    pending = {item.key for item in planning.list_pending_items(evidence.run.outline, evidence.state)}
    waiting = (job for job in _jobs_without_pods(children) if pending.intersection(set(job.keys) - job.settled))
    return [job for job in waiting if _without_pod_since(children, job) <= late]


def _jobs_without_pods(children: Children) -> Iterator[Job]:
    """The Jobs at work that have no living pod: none was ever created, or the last one has no replacement yet."""
    with_pods = {pod.job for pod in children.pods if pod.ended is None or pod.lingering}
    waiting = (job for job in children.jobs if job.alive and not job.suspended and len(job.settled) < len(job.keys))
    return (job for job in waiting if job.name not in with_pods)


def _without_pod_since(children: Children, job: Job) -> float:
    """The time at which the Job was created, or its last pod ended."""
    return max([job.created, *(pod.ended for pod in children.pods if pod.job == job.name and pod.ended is not None)])


def list_unexplained(children: Children) -> list[str]:
    """The uids of Jobs that have no pod, and of pods that have a node and do not start. Events may say why."""
    jobs = [job.uid for job in _jobs_without_pods(children)]
    waiting = (pod for pod in children.pods if pod.scheduled is not None and pod.started is None and pod.ended is None)
    return [*jobs, *(pod.uid for pod in waiting if not pod.start_problem[0] and pod.deleted is None)]


def _server_problems(evidence: Evidence) -> Iterator[Problem]:
    servers, settings = evidence.servers, evidence.run.cluster.servers
    if servers is None or not servers.failures:
        return
    last = f", the last time because {servers.message}" if servers.message else ""
    repeated = "once" if servers.failures == 1 else f"{servers.failures} times in a row"
    following = f"the next start is at {servers.not_before}" if servers.not_before else "they are starting again"
    yield Problem(
        "ServersNotReady",
        f"the inference servers were not ready within {settings.startup_seconds} s, {repeated}{last}; {following};"
        " raise spec.execution.kubernetes.servers.startupSeconds, or make room for all of them at once",
    )


def _job_problems(evidence: Evidence) -> Iterator[Problem]:
    queue, namespace = evidence.run.cluster.queue, evidence.run.namespace
    for job in evidence.children.jobs:
        if job.alive and job.suspended:
            where = f"in queue {queue}" if queue else "because somebody suspended it"
            yield Problem(
                "Queued",
                f"Job {job.name} waits {where}; Kueue starts it when its quota has room: see kubectl describe workloads"
                f" --namespace {namespace}",
            )
    for job in list_jobs_without_pods(evidence):
        since = timestamps.format_time(_without_pod_since(evidence.children, job))
        yield Problem(
            "PodMissing",
            f"Job {job.name} has had no pod since {since}; see why in: kubectl describe job {job.name}"
            f" --namespace {namespace}",
        )


def _eviction_problems(evidence: Evidence) -> Iterator[Problem]:
    """Jobs whose pods a node under pressure evicts again and again. The Job itself replaces the pods."""
    for job in evidence.children.jobs:
        ended = [pod for pod in evidence.children.pods if pod.job == job.name and pod.ended is not None]
        evictions = observations.count_evictions(ended)
        if job.alive and evictions >= REPEATED_LOSSES:
            last = max(ended, key=lambda pod: pod.ended or 0.0)
            yield _build(
                "PodsLost",
                f"Job {job.name}: its pods were evicted {evictions} times, the last time by {last.disruption}",
                f"after {observations.EVICTION_LIMIT} evictions its attempt fails; raise the requests in"
                " spec.execution.kubernetes, or use nodes with more room",
            )


def _loss_problems(evidence: Evidence) -> Iterator[Problem]:
    for key, attempt in evidence.state.attempts.items():
        if attempt.losses >= REPEATED_LOSSES:
            causes = [pod.disruption for pod in evidence.children.pods if pod.key == key and pod.disruption]
            cause = f", the last time by {causes[-1]}" if causes else ""
            yield Problem(
                "PodsLost",
                f"{key}: its pod was lost {attempt.losses} times in a row{fit_into_status(cause)}; give the pods a"
                " priorityClassName in spec.execution.kubernetes.podTemplate, or nodes that are not drained",
            )


def _attempt_problems(evidence: Evidence) -> Iterator[Problem]:
    for key, attempt in evidence.state.attempts.items():
        if attempt.message:
            reason = attempt.code or "AttemptFailed"
            again = f"attempt {attempt.number - evidence.state.floor + 1} of {evidence.run.outline.attempts}"
            starts = f"starts after {timestamps.format_time(attempt.not_before)}" if attempt.not_before else "follows"
            yield Problem(reason, f"{key}: {fit_into_status(attempt.message)}; {again} {starts}")
