"""The end of a run whose results go with it: `deletionPolicy: Purge`. Pure.

    finalizer     on the run before anything of it is begun, and off again when its owner thinks better of it
    run deleted   nothing new is begun; what works is ended, servers go
    none lives    one Job deletes what the run keeps in its bucket, for the operator has no key to it
    Job complete  the finalizer goes, and the run with it
    given up      likewise, with an event that says why and where the rest lies: after PURGE_SECONDS, when the Job
                  failed, when the spec cannot be read, and at once while another run keeps its results in this place

Deleting is never stuck for longer than PURGE_SECONDS, whatever is broken; a Job that is not done by then is ended.

Limits: runs that share the place are seen in the namespaces that this operator serves. In a namespace that is deleted
as a whole no Job can be made, so its runs go when the time is up; delete them first.
"""

from collections.abc import Iterator

from swarm_core.api.execution import S3Storage
from swarm_core.api.lifecycle import DeletionPolicy
from swarm_core.api.run_status import MAX_MESSAGE_CHARACTERS
from swarm_core.errors import BadInputError
from swarm_operator.common import cluster_run, names, storage_location, timestamps
from swarm_operator.common.children import Children, Job
from swarm_operator.common.cluster_run import ClusterRun, Images
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
"""From the run's deletion to the end of every try."""
POLL_SECONDS = 5.0
ENDING_MESSAGE = "its pods end; then its results are deleted from the bucket"
PURGING_MESSAGE = "its results are being deleted from the bucket"


def correct_finalizer(run: ClusterRun, stored: Object) -> SetFinalizers | None:
    """What makes the run's finalizer what its policy asks for; None where it is that."""
    wanted = run.document.spec.deletion_policy is DeletionPolicy.PURGE
    return None if wanted == has_finalizer(stored) else set_finalizer(stored, wanted)


def has_finalizer(run: Object) -> bool:
    """Whether our finalizer is on the run."""
    return names.FINALIZER in list_finalizers(run)


def plan_deletion(observed: ObservedRun, now: float, images: Images) -> Plan:
    """What is to be done for a run that is deleted: nothing, unless our finalizer holds it."""
    if not has_finalizer(observed.run):
        return Plan()
    if observed.run["spec"].get("deletionPolicy") != DeletionPolicy.PURGE:
        return Plan(release_steps(observed))
    try:
        run = cluster_run.parse_unchecked(observed.run, images)
    except BadInputError as error:
        return abandon_purge(observed, str(error))
    reason, storage = reason_to_abandon(observed, now), run.resolved.storage
    if reason is not None or not isinstance(storage, S3Storage):
        return abandon_purge(observed, reason or "spec.storage is no bucket")
    return continue_purge(run, storage, observed, now)


def reason_to_abandon(observed: ObservedRun, now: float) -> str | None:
    """Why the results of a run are not deleted, or not any longer."""
    if (other := find_run_sharing_storage(observed.run, observed.others)) is not None:
        return f"{other} keeps its results in the same place"
    since = timestamps.parse(observed.run["metadata"]["deletionTimestamp"])
    return f"not done after {PURGE_SECONDS:g} s" if since is not None and now - since >= PURGE_SECONDS else None


def continue_purge(run: ClusterRun, bucket: S3Storage, observed: ObservedRun, now: float) -> Plan:
    """End what lives; then the Job; then let go."""
    children = child_parser.parse(observed.children, run.cluster.accelerator_resource)
    steps = tuple(end_children(children, now))
    status = run_status.read(observed.run)
    if any(observations.is_living(pod, now) for pod in (*children.work_pods(), *children.server_pods())) or steps:
        return Plan(steps, run_status.with_message(status, ENDING_MESSAGE), wake_after=POLL_SECONDS)
    if not children.purges:
        create = Create(purge.job(run, bucket))
        return Plan((create,), run_status.with_message(status, PURGING_MESSAGE), wake_after=POLL_SECONDS)
    job = children.purges[0]
    if job.failed:
        return abandon_purge(observed, f"{job.name}: {purge_outcome(children, job)}")
    if job.over:
        event = Event("Normal", "Purged", f"its results were deleted: {purge_outcome(children, job)}")
        return Plan((set_finalizer(observed.run, False), Delete("Job", job.name, job.uid)), None, (event,))
    return Plan((), run_status.with_message(status, PURGING_MESSAGE), wake_after=POLL_SECONDS)


def end_children(children: Children, now: float) -> Iterator[Step]:
    """End what the run was doing."""
    yield from job_steps.release_stuck_pods(children, now)
    for job in children.jobs:
        if job.alive:
            yield Delete("Job", job.name, job.uid)
    yield from server_lifecycle.delete_all(children)


def abandon_purge(observed: ObservedRun, reason: str) -> Plan:
    """Let the run go with its results where they are, and say why."""
    words = f"{reason}; what is left of its results lies at {storage_location.uri(observed.run)}, delete it by hand"
    event = Event("Warning", "PurgeAbandoned", words[:MAX_MESSAGE_CHARACTERS])
    return Plan(release_steps(observed), None, (event,))


def release_steps(observed: ObservedRun) -> tuple[Step, ...]:
    """Delete nothing any more, and let the run go. The Job ends first, for the run's name is free a moment later."""
    jobs = child_parser.parse(observed.children, "").purges
    return (*(Delete("Job", job.name, job.uid) for job in jobs if not job.deleting), set_finalizer(observed.run, False))


def purge_outcome(children: Children, job: Job) -> str:
    """What the Job's last pod said."""
    ended = [(pod.ended, pod.exit.message) for pod in children.pods if pod.job == job.name and pod.ended and pod.exit]
    return termination_message.format_purge_outcome(max(ended)[1]) if ended else "its pod is gone"


def find_run_sharing_storage(run: Object, others: tuple[Object, ...]) -> str | None:
    """Another run that keeps its results where `run` does, and stays."""
    for other in others:
        metadata = other["metadata"]
        if metadata.get("deletionTimestamp") is None and storage_location.is_same(run, other):
            return f"{other['kind']} {metadata['namespace']}/{metadata['name']}"
    return None


def set_finalizer(run: Object, ours: bool) -> SetFinalizers:
    """The run's finalizers, with or without ours."""
    rest = tuple(one for one in list_finalizers(run) if one != names.FINALIZER)
    return SetFinalizers((*rest, names.FINALIZER) if ours else rest)


def list_finalizers(run: Object) -> tuple[str, ...]:
    return tuple(run["metadata"].get("finalizers") or ())
