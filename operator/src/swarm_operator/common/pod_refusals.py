"""Finds pods that the API server refuses to create: by a quota, a limit range, Pod Security or a webhook.

A pod that was never created has no status. For a Deployment, the refusal is in its condition ReplicaFailure. For a Job,
it is only in events of the Job, which the host reads for the Jobs that `find_jobs_lacking_pods` returns.
"""

import re
from collections.abc import Iterable, Iterator

from swarm_operator.common import names, timestamps
from swarm_operator.common.reconcile_plan import Object

REASON = "FailedCreate"
"""The reason of the events of a Job whose pods are refused."""
PATIENCE_SECONDS = 5.0
"""A Job may be without pods for so long after its creation."""
POLL_SECONDS = 10.0
"""The events of a Job that lacks pods are read this often."""
RECENT_SECONDS = 900.0
"""Older events no longer count. The Job controller tries every minute, but reports a refusal only every few minutes."""
SILENT_SECONDS = 60.0
"""A Job without pods and without events is reported after so long."""
ENDED = frozenset({"Complete", "Failed", "FailureTarget", "SuccessCriteriaMet"})
"""The conditions of a Job that starts no more pods."""
GENERATED_NAME = re.compile(r'\bpods? "[^"]{1,253}"')


def find_jobs_lacking_pods(children: Iterable[Object], now: float) -> Iterator[Object]:
    """The Jobs that should have more pods than they have. A suspended Job should have none.

    An object that cannot be parsed is skipped, because anybody may put our labels on it.
    """
    for child in children:
        try:
            if child["kind"] == "Job" and _lacks_pods(child, now):
                yield child
        except (KeyError, ValueError, TypeError, AttributeError):
            continue


def _lacks_pods(job: Object, now: float) -> bool:
    status, spec, metadata = job.get("status") or {}, job["spec"], job["metadata"]
    created = timestamps.parse(metadata.get("creationTimestamp"))
    if created is None or now - created < PATIENCE_SECONDS or not metadata["name"] or not metadata["uid"]:
        return False
    conditions = {one["type"] for one in status.get("conditions") or () if one["status"] == "True"}
    if conditions & ENDED or spec.get("suspend") or metadata.get("deletionTimestamp") is not None:
        return False
    settled = int(status.get("succeeded") or 0) + int(status.get("failed") or 0)
    wanted = min(int(spec.get("parallelism") or 1), max(1, int(spec.get("completions") or 1) - settled))
    return int(status.get("active") or 0) + int(status.get("terminating") or 0) < wanted


def event_fields(job: Object) -> str:
    """The field selector of the events that say why the pods of a Job are refused."""
    return f"involvedObject.uid={job['metadata']['uid']},reason={REASON}"


def find_refusal(job: Object, children: Iterable[Object], events: Iterable[Object], now: float) -> str | None:
    """The words with which the pods of a Job that lacks pods are refused.

    They are empty if it never had a pod and no event says why. None if it may just be slow.
    """
    recent = [
        (at, str(one.get("message", "")))
        for one in events
        if (at := timestamps.parse(one.get("lastTimestamp") or one.get("eventTime"))) is not None
        and now - at < RECENT_SECONDS
    ]
    if recent:
        return shorten_message(max(recent)[1])
    has_pods = any(_job_of_pod(one) == job["metadata"]["name"] for one in children)
    created = timestamps.parse(job["metadata"]["creationTimestamp"])
    is_silent = created is not None and now - created >= SILENT_SECONDS
    return "" if is_silent and not has_pods else None


def _job_of_pod(child: Object) -> str | None:
    labels = (child.get("metadata") or {}).get("labels") or {}
    name: str | None = labels.get(names.JOB_NAME_LABEL)
    return name


def find_replica_failure(deployment: Object) -> str:
    """The message with which the API server refuses the pods of a Deployment. Empty if it refuses none."""
    for one in (deployment.get("status") or {}).get("conditions") or ():
        if one["type"] == "ReplicaFailure" and one["status"] == "True":
            return shorten_message(str(one.get("message") or one.get("reason") or ""))
    return ""


def shorten_message(message: str) -> str:
    """`message` without the name of the pod, which is another one in every try."""
    return GENERATED_NAME.sub("pods", message.removeprefix("Error creating: "))
