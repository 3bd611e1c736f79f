"""Turns the engine's actions into steps on Jobs.

A launch waits until it may start, and the engine repeats it until then.

    item needs       condition for its launch
    anything         nothing that was canceled is alive; no other Job or pod of it is left
    an accelerator   no other item with accelerators is running, so that all of them together stay below the limit of
                     the run; all servers are gone
    servers          the servers are ready, if the run has any

Items of one attempt that hold accelerators share a Job. If an old Job has the name that a launch needs, it is deleted,
and the launch follows when the Job is gone. So an item never has two live Jobs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from swarm_core.engine.work import Action, Cancel, Failed, FailureReason, Launch, Needs, Observations, WorkItem
from swarm_core.engine.work import Running as InWork
from swarm_operator.common import accelerators, manifest_digest, names
from swarm_operator.common.children import Children, Job, Pod
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Delete, Patch, Step
from swarm_operator.manifests import jobs
from swarm_operator.reconciler import observations, termination_message


@dataclass(frozen=True, slots=True)
class LaunchReadiness:
    """Whether servers allow a launch."""

    servers_ready: bool
    """Whether the servers are ready, or the run has none."""
    servers_gone: bool
    """Whether no server is alive."""
    now: float


def list_action_steps(
    run: ClusterRun, children: Children, world: Observations, actions: Sequence[Action], readiness: LaunchReadiness
) -> Iterator[Step]:
    """The steps for the engine's actions that are possible now. Launches wait while anything must be canceled."""
    cancels = [action for action in actions if isinstance(action, Cancel)]
    for cancel in cancels:
        yield from _cancel_steps(children, cancel)
    if cancels:
        return
    training = _is_training(run, world)
    for items in _group_by_job([action.item for action in actions if isinstance(action, Launch)], training):
        if _may_start(items[0].needs, readiness):
            yield from _launch_steps(run, children, items, readiness.now)


def release_stuck_pods(children: Children, now: float) -> Iterator[Step]:
    """Remove pods whose node is lost.

    A lost node never reports the end of a pod, and the Job waits for it. Two steps are needed. Deletion with a grace
    period of 0 removes the pod without its kubelet, but the finalizer of the Job controller still holds the object. The
    patch removes that finalizer.
    """
    for pod in children.pods:
        if observations.is_stuck(pod, now):
            yield Delete("Pod", pod.name, pod.uid, grace_seconds=0)
            yield Patch("Pod", pod.name, pod.uid, {"metadata": {"finalizers": None}})


def _cancel_steps(children: Children, cancel: Cancel) -> Iterator[Step]:
    """Delete the Jobs that hold the item, and its pods that have no Job.

    A shared Job ends with all its items. That costs the other items no attempt.
    """
    ended = [job for job in children.jobs if cancel.key in job.keys and cancel.attempt in (None, job.attempt)]
    for job in ended:
        if not job.deleting:
            yield Delete("Job", job.name, job.uid)
    known = {job.name for job in children.jobs}
    for pod in children.work_pods():
        if pod.key == cancel.key and pod.job not in known and pod.ended is None and pod.deleted is None:
            yield Delete("Pod", pod.name, pod.uid)


def _is_training(run: ClusterRun, world: Observations) -> bool:
    """Whether an item that holds its own accelerators is running."""
    holding = accelerators.kinds_holding_accelerators(run.outline)
    return any(isinstance(one, InWork) and WorkItem.from_key(key).kind in holding for key, one in world.items.items())


def _group_by_job(launches: Sequence[WorkItem], training: bool) -> Iterator[tuple[WorkItem, ...]]:
    """The items of each Job.

    Items that hold accelerators share a Job if they have one attempt and one kind; the earliest attempt comes first and
    alone, and none starts while another one is `training`. Each other item has its own Job.
    """
    yield from ((item,) for item in launches if not item.needs.accelerator)
    accelerated = [item for item in launches if item.needs.accelerator]
    if accelerated and not training:
        first = min((item.attempt, item.kind) for item in accelerated)
        yield tuple(item for item in accelerated if (item.attempt, item.kind) == first)


def _may_start(needs: Needs, readiness: LaunchReadiness) -> bool:
    if needs.accelerator:
        return readiness.servers_gone
    return readiness.servers_ready or not needs.servers


def _launch_steps(run: ClusterRun, children: Children, items: tuple[WorkItem, ...], now: float) -> Iterator[Step]:
    name, keys = names.job_name(run.name_prefix, items), {item.key for item in items}
    existing = [job for job in children.jobs if job.name == name or (not job.over and keys.intersection(job.keys))]
    alive = any(pod.key in keys and observations.is_living(pod, now) for pod in children.work_pods())
    if not existing and not alive:
        yield from jobs.create_steps(run, items)
    yield from (Delete("Job", job.name, job.uid) for job in existing if not job.deleting)


def end_settled_work(children: Children, pending: Sequence[WorkItem]) -> Iterator[Step]:
    """End what goes on although its item does not need it: `pending` are the items of the written status.

    A pod whose container main has ended may live on, because a proxy in it does. It is deleted once its result is in
    the status, or at once if it has none. A Job whose pods are evicted again and again is deleted once that counts as
    a failed attempt.
    """
    attempts = {item.key: item.attempt for item in pending}
    for pod in children.work_pods():
        if pod.lingering and pod.deleted is None and (_is_lost(pod) or _is_counted(attempts, pod.key, pod.attempt)):
            yield Delete("Pod", pod.name, pod.uid)
    for job in children.jobs:
        mine = [pod for pod in children.pods if pod.job == job.name]
        gave_up = observations.count_evictions(mine) >= observations.EVICTION_LIMIT
        if job.alive and gave_up and any(_is_counted(attempts, key, job.attempt) for key in job.keys):
            yield Delete("Job", job.name, job.uid)


def _is_lost(pod: Pod) -> bool:
    outcome = termination_message.read_outcome(pod, WorkItem.from_key(pod.key))
    return isinstance(outcome, Failed) and outcome.reason is FailureReason.LOST


def _is_counted(attempts: Mapping[str, int], key: str, attempt: int) -> bool:
    """Whether the status contains the result of this attempt: the item is done, or at a later attempt."""
    return key not in attempts or attempts[key] > attempt


def remake_outdated_jobs(run: ClusterRun, children: Children, pending: Sequence[WorkItem]) -> Iterator[Step]:
    """Delete Jobs whose pods have never begun if the run would now create them from another manifest.

    So a corrected image, request or Secret has an effect. The launch of the new Job follows when the old one is gone.
    """
    wanted = {item.key: item for item in pending}
    for job in children.jobs:
        begun = job.settled or any(pod.job == job.name and (pod.started or pod.ended) for pod in children.pods)
        items = tuple(wanted[key] for key in job.keys if key in wanted and wanted[key].attempt == job.attempt)
        if begun or not job.alive or not job.digest or len(items) != len(job.keys):
            continue
        if manifest_digest.compute(jobs.job(run, items)) != job.digest:
            yield Delete("Job", job.name, job.uid)


def surplus_finished_jobs(children: Children, keep: int) -> list[Job]:
    """Finished Jobs except the last `keep`, the oldest first."""
    over = [job for job in children.jobs if job.over and not job.deleting]
    return sorted(over, key=lambda job: (job.created, job.name))[: max(0, len(over) - keep)]
