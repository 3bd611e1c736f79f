"""Turns the engine's actions into steps on Jobs.

A launch waits until it may start, and the engine repeats it until then.

    item needs       condition for its launch
    anything         nothing that was canceled is alive; no Job of its name is left from an earlier try
    an accelerator   no other item with accelerators is running, so that all of them together stay below the limit of
                     the run; all servers are gone
    servers          the servers are ready, if the run has any

Items of one attempt that hold accelerators share a Job. If an old Job has the name that a launch needs, it is deleted,
and the launch follows when the Job is gone. So an item never has two live Jobs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from swarm_core.engine.work import Action, Cancel, Launch, Needs, Observations, WorkItem
from swarm_core.engine.work import Running as InWork
from swarm_operator.common import accelerators, names
from swarm_operator.common.children import Children, Job
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Delete, Patch, Step
from swarm_operator.manifests import jobs
from swarm_operator.reconciler import observations


@dataclass(frozen=True, slots=True)
class LaunchReadiness:
    """Whether servers allow a launch."""

    servers_ready: bool
    """Whether the servers are ready, or the run has none."""
    servers_gone: bool
    """Whether no server is alive."""


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
            yield from _launch_steps(run, children, items)


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


def _launch_steps(run: ClusterRun, children: Children, items: tuple[WorkItem, ...]) -> Iterator[Step]:
    name = names.job_name(run.name_prefix, items)
    existing = next((job for job in children.jobs if job.name == name), None)
    if existing is None:
        yield from jobs.create_steps(run, items)
    elif not existing.deleting:
        yield Delete("Job", existing.name, existing.uid)


def surplus_finished_jobs(children: Children, keep: int) -> list[Job]:
    """Finished Jobs except the last `keep`, the oldest first."""
    over = [job for job in children.jobs if job.over and not job.deleting]
    return sorted(over, key=lambda job: (job.created, job.name))[: max(0, len(over) - keep)]
