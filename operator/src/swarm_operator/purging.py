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
from swarm_core.api.limits import DeletionPolicy
from swarm_core.api.status import MESSAGE_CHARACTERS
from swarm_core.errors import BadInputError
from swarm_operator import launching, names, observe, orders, places, reading, receipts, serving, status, times
from swarm_operator.children import Children, Job
from swarm_operator.manifests import purge
from swarm_operator.orders import Images, Order
from swarm_operator.plan import Create, Delete, Event, Finalize, Object, Observed, Plan, Step

PURGE_SECONDS = 900.0
"""From the run's deletion to the end of every try."""
LOOK_SECONDS = 5.0
ENDING = "its pods end; then its results are deleted from the bucket"
EMPTYING = "its results are being deleted from the bucket"


def hold(order: Order, run: Object) -> Finalize | None:
    """What makes the run's finalizer what its policy asks for; None where it is that."""
    wanted = order.run.spec.deletion_policy is DeletionPolicy.PURGE
    return None if wanted == held(run) else finalize(run, wanted)


def held(run: Object) -> bool:
    """Whether our finalizer is on the run."""
    return names.FINALIZER in finalizers(run)


def leaving(observed: Observed, now: float, images: Images) -> Plan:
    """What is to be done for a run that is deleted: nothing, unless our finalizer holds it."""
    run = observed.run
    if not held(run):
        return Plan()
    if run["spec"].get("deletionPolicy") != DeletionPolicy.PURGE:
        return Plan(kept(observed))
    try:
        order = orders.understood(run, images)
    except BadInputError as error:
        return given_up(observed, str(error))
    why, storage = hindrance(observed, now), order.resolved.storage
    if why is not None or not isinstance(storage, S3Storage):
        return given_up(observed, why or "spec.storage is no bucket")
    return going_on(order, storage, observed, now)


def hindrance(observed: Observed, now: float) -> str | None:
    """Why the results of a run are not deleted, or not any longer."""
    if (other := shared(observed.run, observed.others)) is not None:
        return f"{other} keeps its results in the same place"
    since = times.seconds(observed.run["metadata"]["deletionTimestamp"])
    return f"not done after {PURGE_SECONDS:g} s" if since is not None and now - since >= PURGE_SECONDS else None


def going_on(order: Order, bucket: S3Storage, observed: Observed, now: float) -> Plan:
    """End what lives; then the Job; then let go."""
    seen = reading.read(observed.children, order.cluster.accelerator_resource)
    steps = tuple(ending(seen, now))
    was = status.read(observed.run)
    if any(observe.living(pod, now) for pod in (*seen.working(), *seen.serving())) or steps:
        return Plan(steps, status.saying(was, ENDING), wake_after=LOOK_SECONDS)
    if not seen.purges:
        return Plan((Create(purge.job(order, bucket)),), status.saying(was, EMPTYING), wake_after=LOOK_SECONDS)
    job = seen.purges[0]
    if job.failed:
        return given_up(observed, f"{job.name}: {last_words(seen, job)}")
    if job.over:
        told = Event("Normal", "Purged", f"its results were deleted: {last_words(seen, job)}")
        return Plan((finalize(observed.run, False), Delete("Job", job.name, job.uid)), None, (told,))
    return Plan((), status.saying(was, EMPTYING), wake_after=LOOK_SECONDS)


def ending(seen: Children, now: float) -> Iterator[Step]:
    """End what the run was doing."""
    yield from launching.unstuck(seen, now)
    for job in seen.jobs:
        if job.alive:
            yield Delete("Job", job.name, job.uid)
    yield from serving.removed(seen)


def given_up(observed: Observed, why: str) -> Plan:
    """Let the run go with its results where they are, and say why."""
    words = f"{why}; what is left of its results lies at {places.uri(observed.run)}, delete it by hand"
    told = Event("Warning", "PurgeAbandoned", words[:MESSAGE_CHARACTERS])
    return Plan(kept(observed), None, (told,))


def kept(observed: Observed) -> tuple[Step, ...]:
    """Delete nothing any more, and let the run go. The Job ends first, for the run's name is free a moment later."""
    jobs = reading.read(observed.children, "").purges
    return (*(Delete("Job", job.name, job.uid) for job in jobs if not job.deleting), finalize(observed.run, False))


def last_words(seen: Children, job: Job) -> str:
    """What the Job's last pod said."""
    ended = [(pod.ended, pod.exit.message) for pod in seen.pods if pod.job == job.name and pod.ended and pod.exit]
    return receipts.purged(max(ended)[1]) if ended else "its pod is gone"


def shared(run: Object, others: tuple[Object, ...]) -> str | None:
    """Another run that keeps its results where `run` does, and stays."""
    for other in others:
        metadata = other["metadata"]
        if metadata.get("deletionTimestamp") is None and places.shared(run, other):
            return f"{other['kind']} {metadata['namespace']}/{metadata['name']}"
    return None


def finalize(run: Object, ours: bool) -> Finalize:
    """The run's finalizers, with or without ours."""
    rest = tuple(one for one in finalizers(run) if one != names.FINALIZER)
    return Finalize((*rest, names.FINALIZER) if ours else rest)


def finalizers(run: Object) -> tuple[str, ...]:
    return tuple(run["metadata"].get("finalizers") or ())
