"""From the engine's launches to Jobs: each waits for its turn, and the engine asks again until it has had it.

    item needs       turn
    whatever         nothing lives that is wanted no more; no Job of its name is left of an earlier try
    an accelerator   no other such item is in work, so that all of them together stay below the run's accelerators;
                     every server is gone
    servers          servers, where the run has them, are ready

Items of one attempt that hold accelerators go in one Job. A Job that is left over under the name that is needed is
deleted, and the launch follows when it is seen gone: so no two Jobs of one item are ever alive.
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
    """What launches wait for."""

    servers_ready: bool
    """Whether servers are ready, or none are needed."""
    servers_gone: bool
    """Whether no server lives."""


def list_action_steps(
    run: ClusterRun, children: Children, world: Observations, actions: Sequence[Action], readiness: LaunchReadiness
) -> Iterator[Step]:
    """What the engine's actions come to now."""
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
    """Let go of pods whose node is lost. Their Job waits for their end, which nobody will tell; so they end here."""
    for pod in children.pods:
        if observations.is_stuck(pod, now):
            yield Delete("Pod", pod.name, pod.uid, grace_seconds=0)
            yield Patch("Pod", pod.name, pod.uid, {"metadata": {"finalizers": None}})


def _cancel_steps(children: Children, cancel: Cancel) -> Iterator[Step]:
    """End the Jobs that hold the item, siblings and all, which costs those nothing; and pods that have no Job."""
    ended = [job for job in children.jobs if cancel.key in job.keys and cancel.attempt in (None, job.attempt)]
    for job in ended:
        if not job.deleting:
            yield Delete("Job", job.name, job.uid)
    known = {job.name for job in children.jobs}
    for pod in children.work_pods():
        if pod.key == cancel.key and pod.job not in known and pod.ended is None and pod.deleted is None:
            yield Delete("Pod", pod.name, pod.uid)


def _is_training(run: ClusterRun, world: Observations) -> bool:
    """Whether an item that holds accelerators of its own is in work."""
    holding = accelerators.kinds_holding_accelerators(run.outline)
    return any(isinstance(one, InWork) and WorkItem.from_key(key).kind in holding for key, one in world.items.items())


def _group_by_job(launches: Sequence[WorkItem], training: bool) -> Iterator[tuple[WorkItem, ...]]:
    """Items that share a Job: those of one attempt that hold accelerators, the earliest attempt first and alone, and
    none while one is `training`; every other item by itself.
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
    """Jobs that are over and whose pods are, but for the last `keep`, the oldest first."""
    over = [job for job in children.jobs if job.over and not job.deleting]
    return sorted(over, key=lambda job: (job.created, job.name))[: max(0, len(over) - keep)]
