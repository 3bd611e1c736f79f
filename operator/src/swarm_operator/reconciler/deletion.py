"""Deletes a run with `deletionPolicy: Purge` together with its results. Pure.

    finalizer      set before any work of the run starts, and removed again if the policy is no longer Purge
    run deleted    no new work starts; Jobs and servers are deleted
    no pod left    one Job deletes the results from the bucket, because the operator has no key to it
    Job complete   the finalizer is removed, and the run is gone
    abandoned      the finalizer is removed too, and an event gives the reason and the place of the remaining results:
                   after PURGE_SECONDS, if the Job failed, if the spec cannot be parsed, and at once if another run
                   keeps its results in the same place

A deletion never takes longer than PURGE_SECONDS, whatever is broken. A Job that runs longer is deleted.

Limits: the operator sees runs that share the place only in the namespaces that it watches. In a namespace that is
itself being deleted no Job can be created. The executor then removes the finalizer at once, and the results stay;
delete the runs first.
"""

from collections.abc import Iterator

from swarm_core.api.execution import S3Storage
from swarm_core.api.lifecycle import DeletionPolicy
from swarm_core.api.run_status import MAX_MESSAGE_CHARACTERS
from swarm_core.engine.container_contract import EXIT_DONE
from swarm_core.errors import BadInputError
from swarm_operator.common import cluster_run, names, storage_location, timestamps
from swarm_operator.common.children import Children, Job
from swarm_operator.common.cluster_run import ClusterRun, PodDefaults
from swarm_operator.common.reconcile_plan import Create, Delete, Event, Object, ObservedRun, Plan, SetFinalizers, Step
from swarm_operator.manifests import purge
from swarm_operator.reconciler import (
    child_parser,
    job_steps,
    observations,
    run_status,
    server_lifecycle,
    termination_message,
)

PURGE_SECONDS = 900.0
"""Seconds after the deletion of the run in which the operator gives up."""
POLL_SECONDS = 5.0
ENDING_MESSAGE = "waiting for its pods to end; then its results are deleted from the bucket"
PURGING_MESSAGE = "its results are being deleted from the bucket"


def correct_finalizer(run: ClusterRun, stored: Object) -> SetFinalizers | None:
    """The step that makes the finalizers of `stored` match the policy of `run`. None if they do."""
    wanted = run.document.spec.deletion_policy is DeletionPolicy.PURGE
    return None if wanted == has_finalizer(stored) else set_finalizer(stored, wanted)


def has_finalizer(run: Object) -> bool:
    """Whether the run has our finalizer."""
    return names.FINALIZER in list_finalizers(run)


def plan_deletion(observed: ObservedRun, now: float, defaults: PodDefaults) -> Plan:
    """The plan for a run that is being deleted. It is empty if the run does not have our finalizer."""
    if not has_finalizer(observed.run):
        return Plan()
    if observed.run["spec"].get("deletionPolicy") != DeletionPolicy.PURGE:
        return Plan(release_steps(observed))
    try:
        run = cluster_run.parse_unchecked(observed.run, defaults)
    except BadInputError as error:
        return abandon_purge(observed, str(error))
    reason, storage = reason_to_abandon(observed, now), run.resolved.storage
    if reason is not None or not isinstance(storage, S3Storage):
        return abandon_purge(observed, reason or "spec.storage is not a bucket")
    return continue_purge(run, storage, observed, now)


def reason_to_abandon(observed: ObservedRun, now: float) -> str | None:
    """The reason not to delete the results, or not to try any longer. None if there is none."""
    if (other := find_run_sharing_storage(observed.run, observed.others)) is not None:
        return f"{other} keeps its results in the same place"
    since = timestamps.parse(observed.run["metadata"]["deletionTimestamp"])
    return (
        f"its results were not deleted within {PURGE_SECONDS:g} s"
        if since is not None and now - since >= PURGE_SECONDS
        else None
    )


def continue_purge(run: ClusterRun, bucket: S3Storage, observed: ObservedRun, now: float) -> Plan:
    """End all work, then create the purge Job, then remove the finalizer."""
    children = child_parser.parse(observed.children, run.cluster.accelerator_resource)
    steps = tuple(end_children(children, now))
    status = run_status.read(observed.run)
    if any(observations.is_living(pod, now) for pod in (*children.work_pods(), *children.server_pods())) or steps:
        return Plan(steps, run_status.with_message(status, ENDING_MESSAGE), wake_after=POLL_SECONDS)
    if not children.purges:
        create = Create(purge.job(run, bucket))
        return Plan((create,), run_status.with_message(status, PURGING_MESSAGE), wake_after=POLL_SECONDS)
    job = children.purges[0]
    if (report := completed_purge(children, job)) is not None:
        event = Event("Normal", "Purged", f"its results were deleted: {report}")
        return Plan((set_finalizer(observed.run, False), Delete("Job", job.name, job.uid)), None, (event,))
    if job.failed:
        return abandon_purge(observed, f"{job.name}: {purge_outcome(children, job)}")
    return Plan((), run_status.with_message(status, PURGING_MESSAGE), wake_after=POLL_SECONDS)


def end_children(children: Children, now: float) -> Iterator[Step]:
    """Delete the Jobs and servers of the run."""
    yield from job_steps.release_stuck_pods(children, now)
    for job in children.jobs:
        if job.alive:
            yield Delete("Job", job.name, job.uid)
    yield from server_lifecycle.delete_all(children)


def abandon_purge(observed: ObservedRun, reason: str) -> Plan:
    """Remove the finalizer, keep the results, and report the reason as an event."""
    words = f"{reason}; delete the rest of its results at {storage_location.uri(observed.run)} by hand"
    event = Event("Warning", "PurgeAbandoned", words[:MAX_MESSAGE_CHARACTERS])
    return Plan(release_steps(observed), None, (event,))


def release_steps(observed: ObservedRun) -> tuple[Step, ...]:
    """Remove the finalizer and end the purge.

    The purge Job is deleted first: the name of the run is free once the finalizer is removed, and a new run of this
    name may write to the same place.
    """
    jobs = child_parser.parse(observed.children, "").purges
    return (*(Delete("Job", job.name, job.uid) for job in jobs if not job.deleting), set_finalizer(observed.run, False))


def completed_purge(children: Children, job: Job) -> str | None:
    """The report of a purge that is complete, even if other containers of its pod go on. None if it is not."""
    done = any(pod.job == job.name and pod.ended and pod.exit and pod.exit.code == EXIT_DONE for pod in children.pods)
    return purge_outcome(children, job) if done or (job.over and not job.failed) else None


def purge_outcome(children: Children, job: Job) -> str:
    """The report of the purge Job's last pod."""
    ended = [(pod.ended, pod.exit.message) for pod in children.pods if pod.job == job.name and pod.ended and pod.exit]
    return termination_message.format_purge_outcome(max(ended)[1]) if ended else "its pod is gone"


def find_run_sharing_storage(run: Object, others: tuple[Object, ...]) -> str | None:
    """Another run that keeps its results in the same place and is not being deleted. None if there is none."""
    for other in others:
        metadata = other["metadata"]
        if metadata.get("deletionTimestamp") is None and storage_location.is_same(run, other):
            return f"{other['kind']} {metadata['namespace']}/{metadata['name']}"
    return None


def set_finalizer(run: Object, present: bool) -> SetFinalizers:
    """The step that adds our finalizer (if `present`) or removes it, and keeps all others."""
    rest = tuple(one for one in list_finalizers(run) if one != names.FINALIZER)
    return SetFinalizers((*rest, names.FINALIZER) if present else rest)


def list_finalizers(run: Object) -> tuple[str, ...]:
    return tuple(run["metadata"].get("finalizers") or ())
